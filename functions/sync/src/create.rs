//! Creates, one at a time. Zendesk has no idempotency key, so a create in doubt is looked for
//! before it is sent again, and never in the same minute.

use domain::model::{Organization, Outcome, name_key};
use domain::plan::Create;
use vendors::zendesk::CallError;

use crate::applier::Applier;
use crate::doubt::{AfterLook, OpenCreate};
use crate::state::CreateResult;

/// Which organization has the id or the name of an account.
enum Holder {
    /// An organization of this very account: an earlier try made it.
    Ours(u64),
    /// Another one.
    Other(u64),
    Nobody,
}

/// Where a create is after a step.
enum Became {
    Decided(CreateResult),
    /// It is in doubt.
    Open(OpenCreate),
}

impl Applier<'_> {
    /// Sends a create, or looks for one that is in doubt, and notes what became of it.
    pub(crate) async fn create(&mut self, place: usize) -> Result<(), CallError> {
        let Some(create) = self.work.creates().get(place) else {
            return Ok(());
        };
        let became = match self.state.open_create.clone() {
            None => self.send_create(create, None).await?,
            Some(open) => self.look_for(create, &open).await?,
        };
        match became {
            Became::Open(open) => self.state.open_create = Some(open),
            Became::Decided(result) => {
                if result.error.is_some() {
                    // Zendesk's words may hold names, so only results.json has them.
                    tracing::warn!(
                        salesforce_id = %create.salesforce_id,
                        outcome = ?result.outcome,
                        "an organization could not be created"
                    );
                }
                self.state.creates.push(result);
                self.state.open_create = None;
            }
        }
        Ok(())
    }

    async fn send_create(
        &mut self,
        create: &Create,
        before: Option<&OpenCreate>,
    ) -> Result<Became, CallError> {
        let sent = self.client.create(create).await;
        let now = self.clock.now();
        Ok(match sent {
            Ok(created) => Became::Decided(done(created.id)),
            Err(CallError::Doubt { what, retry_after }) => {
                Became::Open(OpenCreate::lost(before, now, retry_after, what))
            }
            // The duplicate may be our own, made by an earlier try.
            Err(CallError::Refused {
                duplicate: true,
                words,
                ..
            }) => Became::Open(OpenCreate::refused(before, now, words)),
            // An earlier try may have succeeded all the same.
            Err(CallError::Refused { words, .. }) => Became::Decided(match before {
                None => failed(words),
                Some(_) => unknown(words),
            }),
            Err(other) => return Err(other),
        })
    }

    async fn look_for(&mut self, create: &Create, open: &OpenCreate) -> Result<Became, CallError> {
        let found = self.holder(create).await;
        let now = self.clock.now();
        let next = match found {
            Ok(Holder::Ours(id)) => return Ok(Became::Decided(done(id))),
            Ok(Holder::Other(id)) => {
                let taken = format!("conflict: organization {id} has this name or external id");
                return Ok(Became::Decided(failed(format!("{}; {taken}", open.words))));
            }
            Ok(Holder::Nobody) => open.after_a_look_in_vain(now),
            Err(CallError::Doubt { .. } | CallError::Refused { .. }) => {
                open.after_a_failed_look(now)
            }
            Err(other) => return Err(other),
        };
        match next {
            AfterLook::Send => self.send_create(create, Some(open)).await,
            AfterLook::Look(open) => Ok(Became::Open(open)),
            AfterLook::Unknown => Ok(Became::Decided(unknown(open.words.clone()))),
        }
    }

    /// Looks for the account's organization by external id, then by name.
    async fn holder(&mut self, create: &Create) -> Result<Holder, CallError> {
        let is_ours = |one: &Organization| one.account_id().as_ref() == Some(&create.salesforce_id);
        let id = create.salesforce_id.as_str();
        let mut with_id = self.client.search("external_id", id).await?;
        with_id.retain(|one| has_external_id(one, id));
        if let Some(ours) = with_id.iter().find(|one| is_ours(one)) {
            return Ok(Holder::Ours(ours.id));
        }
        if let Some(other) = with_id.first() {
            return Ok(Holder::Other(other.id));
        }
        let name = name_key(&create.name);
        let with_name = self.client.search("name", &create.name).await?;
        let bearer = with_name.iter().find(|one| name_key(&one.name) == name);
        Ok(match bearer {
            Some(one) if is_ours(one) => Holder::Ours(one.id),
            Some(one) => Holder::Other(one.id),
            None => Holder::Nobody,
        })
    }
}

/// Zendesk's search does not tell upper from lower case.
fn has_external_id(organization: &Organization, id: &str) -> bool {
    organization
        .external_id
        .as_deref()
        .is_some_and(|has| has.eq_ignore_ascii_case(id))
}

fn done(id: u64) -> CreateResult {
    CreateResult {
        outcome: Outcome::Done,
        id: Some(id),
        error: None,
    }
}

fn unknown(words: String) -> CreateResult {
    CreateResult {
        outcome: Outcome::Unknown,
        id: None,
        error: Some(words),
    }
}

fn failed(words: String) -> CreateResult {
    CreateResult {
        outcome: Outcome::Failed,
        id: None,
        error: Some(words),
    }
}
