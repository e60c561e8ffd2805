//! Creates, one at a time. Zendesk has no idempotency key, so a create in doubt is looked for
//! before it is sent again, and never in the same minute.

use domain::model::{Key, Organization, Outcome, SALESFORCE_ID};
use domain::plan::Create;
use vendors::zendesk::CallError;

use crate::applier::Applier;
use crate::doubt::{AfterLook, LastTry, OpenCreate};
use crate::refusal::Refusal;
use crate::state::CreateResult;
use crate::work::Work;

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
            Some(open) if open.ended == LastTry::Value => {
                self.send_create(create, Some(&open)).await?
            }
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
                        "an organization could not be created as it should be"
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
        let refusal = before.and_then(|open| open.refusal.as_ref());
        let sent = self.client.create(&without(create, refusal)).await;
        let now = self.clock.now();
        Ok(match sent {
            Ok(created) => Became::Decided(done(created.id, refusal)),
            Err(CallError::Doubt { what, retry_after }) => {
                Became::Open(OpenCreate::lost(before, now, retry_after, what))
            }
            // The duplicate may be our own, made by an earlier try.
            Err(CallError::Refused {
                duplicate: true,
                words,
                ..
            }) => Became::Open(OpenCreate::refused(before, now, words)),
            Err(CallError::Refused { words, .. }) => match before {
                None => match refusal_of(create, &words, self.work) {
                    Some(refusal) => Became::Open(OpenCreate::refused_for(refusal, now)),
                    None => Became::Decided(failed(words)),
                },
                Some(OpenCreate {
                    ended: LastTry::Value,
                    refusal: Some(refusal),
                    ..
                }) => Became::Decided(failed(refusal.and_then(&words))),
                // An earlier try may have succeeded all the same.
                Some(_) => Became::Decided(unknown(words)),
            },
            Err(other) => return Err(other),
        })
    }

    async fn look_for(&mut self, create: &Create, open: &OpenCreate) -> Result<Became, CallError> {
        let found = self.holder(create, open.ended).await;
        let now = self.clock.now();
        let next = match found {
            Ok(Holder::Ours(id)) => {
                return Ok(Became::Decided(done(id, open.refusal.as_ref())));
            }
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
    ///
    /// After a refusal as a duplicate, what Zendesk shows is what it refused the record for, in
    /// any spelling: its folding is not ours. After a lost reply only our own comparison counts, so
    /// that another name is not taken for the reason of a failure.
    async fn holder(&mut self, create: &Create, ended: LastTry) -> Result<Holder, CallError> {
        let believes_all = ended != LastTry::Lost;
        let id = create.salesforce_id.as_str();
        let mut with_id = self.client.search("external_id", id).await?;
        with_id.retain(|one| believes_all || has_external_id(one, id));
        let holder = holder_among(create, &with_id);
        if !matches!(holder, Holder::Nobody) {
            return Ok(holder);
        }
        let mut with_name = self.client.search("name", &create.name).await?;
        with_name.retain(|one| believes_all || has_name(one, &create.name));
        Ok(holder_among(create, &with_name))
    }
}

/// The holder among the organizations that a search shows: the account's own before all others.
fn holder_among(create: &Create, found: &[Organization]) -> Holder {
    let is_ours = |one: &&Organization| one.account_id().as_ref() == Some(&create.salesforce_id);
    match (found.iter().find(is_ours), found.first()) {
        (Some(ours), _) => Holder::Ours(ours.id),
        (None, Some(other)) => Holder::Other(other.id),
        (None, None) => Holder::Nobody,
    }
}

/// Zendesk's search does not tell upper from lower case.
fn has_external_id(organization: &Organization, id: &str) -> bool {
    let external_id = organization.external_id.as_deref();
    external_id.is_some_and(|has| has.eq_ignore_ascii_case(id))
}

/// Nor does it in names. A name that Zendesk folds further is refused as a duplicate, and believed
/// then.
fn has_name(organization: &Organization, name: &str) -> bool {
    organization.name.trim().to_lowercase() == name.trim().to_lowercase()
}

/// What may be left out of a create that was refused: everything but its name and id.
fn refusal_of(create: &Create, words: &str, work: &Work) -> Option<Refusal> {
    let keys = create.fields.iter().map(|(key, _)| key);
    let keys = keys.filter(|key| *key != SALESFORCE_ID);
    let sent: Vec<&str> = keys.map(Key::name).collect();
    work.refusal(words, &sent)
}

fn without(create: &Create, refusal: Option<&Refusal>) -> Create {
    let is_left_out = |key: &str| refusal.is_some_and(|refusal| refusal.leaves_out(key));
    let Create {
        salesforce_id,
        name,
        fields,
    } = create;
    let fields = fields.iter().filter(|(key, _)| !is_left_out(key.name()));
    Create {
        salesforce_id: salesforce_id.clone(),
        name: name.clone(),
        fields: fields.map(|(key, value)| (key, value.clone())).collect(),
    }
}

/// It is created; with what was refused, it is not as it should be.
fn done(id: u64, refusal: Option<&Refusal>) -> CreateResult {
    let created = CreateResult {
        outcome: Outcome::Done,
        id: Some(id),
        error: None,
        left_out: Vec::new(),
    };
    match refusal {
        None => created,
        Some(Refusal { left_out, words }) => CreateResult {
            outcome: Outcome::Failed,
            error: Some(words.clone()),
            left_out: left_out.clone(),
            ..created
        },
    }
}

fn unknown(words: String) -> CreateResult {
    CreateResult {
        outcome: Outcome::Unknown,
        id: None,
        error: Some(words),
        left_out: Vec::new(),
    }
}

fn failed(words: String) -> CreateResult {
    CreateResult {
        outcome: Outcome::Failed,
        ..unknown(words)
    }
}
