//! Creates, one at a time. Zendesk has no idempotency key, so a create in doubt is looked for
//! before it is sent again, and never in the same minute.

use domain::model::{Organization, Outcome, name_key};
use domain::plan::Create;
use stage::deadline::now;
use vendors::zendesk::{CallError, Client};

use crate::doubt::{AfterLook, OpenCreate};
use crate::state::{CreateResult, State};
use crate::work::Work;

/// Who has the id or the name of an account.
enum Holder {
    /// An organization of this very account: an earlier try made it.
    Ours(u64),
    /// Somebody else's.
    Other(u64),
    /// Nobody.
    Nobody,
}

/// Where a create is after a step.
enum Step {
    /// It is decided.
    Decided(CreateResult),
    /// It is in doubt.
    Open(OpenCreate),
}

/// Sends a create, or looks for one that is in doubt, and notes what became of it.
pub async fn create(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    index: usize,
) -> Result<(), CallError> {
    let Some(create) = work.creates().get(index) else {
        return Ok(());
    };
    let step = match &state.open_create {
        None => send(client, create, None).await?,
        Some(open) => look(client, create, open).await?,
    };
    match step {
        Step::Open(open) => state.open_create = Some(open),
        Step::Decided(result) => {
            if result.error.is_some() {
                // Zendesk's words may hold names; results.json has them.
                tracing::warn!(
                    salesforce_id = %create.salesforce_id,
                    outcome = ?result.outcome,
                    "an organization could not be created"
                );
            }
            state.creates.push(result);
            state.open_create = None;
        }
    }
    Ok(())
}

async fn send(
    client: &mut Client,
    create: &Create,
    before: Option<&OpenCreate>,
) -> Result<Step, CallError> {
    match client.create(create).await {
        Ok(created) => Ok(Step::Decided(done(created.id))),
        Err(CallError::Doubt { what, retry_after }) => Ok(Step::Open(OpenCreate::lost(
            before,
            now(),
            retry_after,
            what,
        ))),
        // The duplicate may be our own, made by an earlier try.
        Err(CallError::Refused {
            duplicate: true,
            words,
            ..
        }) => Ok(Step::Open(OpenCreate::refused(before, now(), words))),
        // An earlier try may have been done all the same.
        Err(CallError::Refused { words, .. }) => Ok(Step::Decided(match before {
            None => failed(words),
            Some(_) => unknown(words),
        })),
        Err(other) => Err(other),
    }
}

async fn look(client: &mut Client, create: &Create, open: &OpenCreate) -> Result<Step, CallError> {
    let next = match holder(client, create).await {
        Ok(Holder::Ours(id)) => return Ok(Step::Decided(done(id))),
        Ok(Holder::Other(id)) => {
            let taken = format!("conflict: organization {id} has this name or external id");
            return Ok(Step::Decided(failed(format!("{}; {taken}", open.words))));
        }
        Ok(Holder::Nobody) => open.after_a_look_in_vain(now()),
        Err(CallError::Doubt { .. } | CallError::Refused { .. }) => open.after_a_failed_look(now()),
        Err(other) => return Err(other),
    };
    match next {
        AfterLook::Send => send(client, create, Some(open)).await,
        AfterLook::Look(open) => Ok(Step::Open(open)),
        AfterLook::Unknown => Ok(Step::Decided(unknown(open.words.clone()))),
    }
}

/// Looks for the account's organization by external id, then by name.
async fn holder(client: &mut Client, create: &Create) -> Result<Holder, CallError> {
    let is_ours = |one: &Organization| one.account_id().as_ref() == Some(&create.salesforce_id);
    let id = create.salesforce_id.as_str();
    let mut with_id = client.search("external_id", id).await?;
    with_id.retain(|one| has_external_id(one, id));
    if let Some(ours) = with_id.iter().find(|one| is_ours(one)) {
        return Ok(Holder::Ours(ours.id));
    }
    if let Some(other) = with_id.first() {
        return Ok(Holder::Other(other.id));
    }
    let name = name_key(&create.name);
    let with_name = client.search("name", &create.name).await?;
    let bearer = with_name.iter().find(|one| name_key(&one.name) == name);
    Ok(match bearer {
        Some(one) if is_ours(one) => Holder::Ours(one.id),
        Some(one) => Holder::Other(one.id),
        None => Holder::Nobody,
    })
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
