//! Creates, one at a time. Zendesk has no idempotency key, so a create in doubt is looked up before
//! it is sent again.

use shared::model::{Organization, Outcome, name_key};
use shared::plan::Create;
use shared::zendesk::{CallError, Client};

use crate::state::{Ended, State};
use crate::work::Work;

/// Times a create whose replies get lost is sent, each after a look that did not find it.
const TRIES: u32 = 3;

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
) -> Result<Option<u64>, CallError> {
    let Some(create) = work.creates.get(index) else {
        return Ok(None);
    };
    let ended = attempt(client, create, &mut state.in_doubt).await?;
    if ended.error.is_some() {
        // Zendesk's words may hold names; results.json has them.
        tracing::warn!(salesforce_id = %create.salesforce_id, outcome = ?ended.outcome, "an \
            organization could not be created");
    }
    state.creates.push(ended);
    state.in_doubt = false;
    Ok(None)
}

async fn attempt(
    client: &mut Client,
    create: &Create,
    in_doubt: &mut bool,
) -> Result<Ended, CallError> {
    let mut lost = String::new();
    for _ in 0..TRIES {
        if *in_doubt {
            match holder(client, create).await? {
                Holder::Ours(id) => return Ok(done(id)),
                Holder::Other(id) => return Ok(failed(taken(id))),
                Holder::Nobody => {}
            }
        }
        match client.create(create).await {
            Ok(created) => return Ok(done(created.id)),
            Err(CallError::Doubt {
                what,
                retry_after: None,
            }) => (*in_doubt, lost) = (true, what),
            Err(CallError::Doubt {
                what,
                retry_after: Some(seconds),
            }) => {
                *in_doubt = true;
                return Err(CallError::Pause { seconds, what });
            }
            Err(CallError::Refused {
                duplicate: true,
                words,
                what: _,
                status: _,
            }) => {
                return Ok(match holder(client, create).await? {
                    Holder::Ours(id) => done(id),
                    Holder::Other(id) => failed(format!("{words}; {}", taken(id))),
                    Holder::Nobody => failed(words),
                });
            }
            Err(CallError::Refused {
                words,
                duplicate: false,
                what: _,
                status: _,
            }) => return Ok(failed(words)),
            Err(other) => return Err(other),
        }
    }
    Ok(match holder(client, create).await? {
        Holder::Ours(id) => done(id),
        _ => Ended {
            outcome: Outcome::Unknown,
            id: None,
            error: Some(lost),
        },
    })
}

/// Looks for the account's organization by external id, then by name.
async fn holder(client: &mut Client, create: &Create) -> Result<Holder, CallError> {
    let ours = |one: &Organization| one.account_id().as_ref() == Some(&create.salesforce_id);
    let id = create.salesforce_id.as_str();
    let by_id = client.search("external_id", id).await?;
    let by_id: Vec<_> = by_id
        .iter()
        .filter(|one| {
            one.external_id
                .as_deref()
                .is_some_and(|has| has.eq_ignore_ascii_case(id))
        })
        .collect();
    if let Some(one) = by_id.iter().find(|one| ours(one)) {
        return Ok(Holder::Ours(one.id));
    }
    if let Some(one) = by_id.first() {
        return Ok(Holder::Other(one.id));
    }
    let by_name = client.search("name", &create.name).await?;
    let by_name = by_name
        .iter()
        .find(|one| name_key(&one.name) == name_key(&create.name));
    Ok(by_name.map_or(Holder::Nobody, |one| {
        if ours(one) {
            Holder::Ours(one.id)
        } else {
            Holder::Other(one.id)
        }
    }))
}

fn done(id: u64) -> Ended {
    Ended {
        outcome: Outcome::Done,
        id: Some(id),
        error: None,
    }
}

fn failed(words: String) -> Ended {
    Ended {
        outcome: Outcome::Failed,
        id: None,
        error: Some(words),
    }
}

fn taken(id: u64) -> String {
    format!("conflict: organization {id} has this name or external id")
}
