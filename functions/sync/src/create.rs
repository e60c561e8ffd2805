//! Creates, one at a time. Zendesk has no idempotency key, so a create in doubt is looked up before
//! it is sent again.

use shared::model::{Organization, Outcome, name_key};
use shared::plan::Create;
use shared::zendesk::{CallError, Client};

use crate::state::{CreateResult, State};
use crate::work::Work;

/// Times a create whose replies get lost is sent, each after a look that did not find it.
const MOST_TRIES: u32 = 3;

/// Who has the id or the name of an account.
enum Holder {
    /// An organization of this very account: an earlier try made it.
    Ours(u64),
    /// Somebody else's.
    Other(u64),
    /// Nobody.
    Nobody,
}

/// Creates one organization and notes what became of it.
pub async fn create(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    index: usize,
) -> Result<(), CallError> {
    let Some(create) = work.creates.get(index) else {
        return Ok(());
    };
    let result = attempt(client, create, &mut state.in_doubt).await?;
    if result.error.is_some() {
        // Zendesk's words may hold names; results.json has them.
        tracing::warn!(
            salesforce_id = %create.salesforce_id,
            outcome = ?result.outcome,
            "an organization could not be created"
        );
    }
    state.creates.push(result);
    state.in_doubt = false;
    Ok(())
}

async fn attempt(
    client: &mut Client,
    create: &Create,
    in_doubt: &mut bool,
) -> Result<CreateResult, CallError> {
    let mut last_doubt = String::new();
    for _ in 0..MOST_TRIES {
        if *in_doubt {
            match holder(client, create).await? {
                Holder::Ours(id) => return Ok(done(id)),
                Holder::Other(id) => return Ok(failed(taken(id))),
                Holder::Nobody => {}
            }
        }
        match client.create(create).await {
            Ok(created) => return Ok(done(created.id)),
            Err(CallError::Doubt { what, retry_after }) => {
                *in_doubt = true;
                if let Some(seconds) = retry_after {
                    return Err(CallError::Pause { seconds, what });
                }
                last_doubt = what;
            }
            Err(CallError::Refused {
                words, duplicate, ..
            }) => return refused(client, create, words, duplicate).await,
            Err(other) => return Err(other),
        }
    }
    Ok(match holder(client, create).await? {
        Holder::Ours(id) => done(id),
        Holder::Other(_) | Holder::Nobody => CreateResult {
            outcome: Outcome::Unknown,
            id: None,
            error: Some(last_doubt),
        },
    })
}

/// A duplicate may be our own, made by an earlier try.
async fn refused(
    client: &mut Client,
    create: &Create,
    words: String,
    is_duplicate: bool,
) -> Result<CreateResult, CallError> {
    if !is_duplicate {
        return Ok(failed(words));
    }
    Ok(match holder(client, create).await? {
        Holder::Ours(id) => done(id),
        Holder::Other(id) => failed(format!("{words}; {}", taken(id))),
        Holder::Nobody => failed(words),
    })
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

fn failed(words: String) -> CreateResult {
    CreateResult {
        outcome: Outcome::Failed,
        id: None,
        error: Some(words),
    }
}

fn taken(id: u64) -> String {
    format!("conflict: organization {id} has this name or external id")
}
