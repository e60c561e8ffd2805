//! Updates and marks are sent in bulk: at most 100 a job.

use std::time::Duration;

use serde_json::Value;
use shared::deadline::nap;
use shared::model::{Action, Outcome};
use shared::zendesk::{CallError, Client};

use crate::doubt::{AfterDoubt, ChangedMark, after_doubts, of_changed_mark};
use crate::jobs::{read_back, read_organizations};
use crate::state::{Chunk, State};
use crate::work::Work;

/// The pause after a lost reply: the job may be running, and another one beside it would hinder it.
const AFTER_A_DOUBT: Duration = Duration::from_secs(5);

/// Sends a chunk as one job. Marks are read again just before; what changed meanwhile is left out
/// as drifted. Returns the seconds to stay away, if Zendesk named any.
pub async fn send(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    chunk: Chunk,
) -> Result<Option<u64>, CallError> {
    if after_doubts(chunk.doubts, chunk.to - chunk.from) == AfterDoubt::ReadBack {
        read_the_doubted(client, work, state, chunk).await?;
        return Ok(None);
    }
    if chunk.action == Action::Mark {
        leave_out_what_drifted(client, work, state, chunk).await?;
    }
    let undecided = state.undecided(chunk).into_iter();
    let bodies: Vec<Value> = undecided
        .filter_map(|index| work.body(chunk.action, index))
        .collect();
    if bodies.is_empty() {
        state.take(chunk);
        return Ok(None);
    }
    match client.update_many(&bodies).await {
        Ok(job) => {
            tracing::debug!(job_id = job.id, ?chunk, "job sent");
            state.sent(chunk, job.id);
            Ok(None)
        }
        Err(CallError::Doubt { what, retry_after }) => {
            tracing::warn!("a chunk got no usable answer and is sent once more: {what}");
            state.doubted(chunk);
            nap(AFTER_A_DOUBT).await;
            Ok(retry_after)
        }
        Err(CallError::Refused { words, .. }) => {
            refused(state, chunk, &words);
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// A whole chunk was refused, so nothing of it was done: it is halved down to the record that is to
/// blame.
fn refused(state: &mut State, chunk: Chunk, words: &str) {
    state.take(chunk);
    match state.undecided(chunk).as_slice() {
        [one] => state.decide(chunk.action, *one, Outcome::Failed, Some(words)),
        several => state.send_in_halves(chunk, several),
    }
}

/// A single record got no usable answer twice: whether it was done is seen on the organization, and
/// that it was not done is not known, because its job may still come.
async fn read_the_doubted(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    chunk: Chunk,
) -> Result<(), CallError> {
    let undecided = state.undecided(chunk);
    let not_done = read_back(client, work, state, chunk.action, &undecided).await?;
    for index in not_done {
        state.decide(chunk.action, index, Outcome::Unknown, Some(NO_ANSWER));
    }
    state.take(chunk);
    Ok(())
}

const NO_ANSWER: &str = "Zendesk gave no usable answer, twice";

/// Reads the organizations of a chunk of marks again, and decides those that are no longer as
/// compare saw them.
async fn leave_out_what_drifted(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    chunk: Chunk,
) -> Result<(), CallError> {
    let undecided = state.undecided(chunk);
    let now = read_organizations(client, work, Action::Mark, &undecided).await?;
    for index in undecided {
        let id = work.id(Action::Mark, index);
        let outcome = match id.and_then(|id| now.get(&id)) {
            Some(organization) if work.is_as_read(organization) => continue,
            Some(organization) => of_changed_mark(ChangedMark {
                is_marked: organization.is_marked(),
                was_sent: chunk.again,
                may_come: chunk.lost,
            }),
            None => Outcome::Drifted,
        };
        let words = (outcome == Outcome::Unknown).then_some(MAY_COME);
        state.decide(Action::Mark, index, outcome, words);
    }
    Ok(())
}

const MAY_COME: &str =
    "changed meanwhile, and an earlier try to mark it got no answer: the mark may still come";
