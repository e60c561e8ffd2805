//! Updates and marks are sent in bulk: at most 100 a job.

use std::time::Duration;

use domain::model::{Action, Outcome};
use serde_json::Value;
use stage::deadline::nap;
use vendors::zendesk::{CallError, Client};

use crate::doubt::{AfterDoubt, ChangedMark, MOST_FAILED_READS, after_doubts, of_changed_mark};
use crate::jobs::{read_back, read_organizations};
use crate::state::{Chunk, State};
use crate::work::Work;

/// The pause after a lost reply: the job may be running, and another one beside it would hinder it.
const AFTER_A_DOUBT: Duration = Duration::from_secs(5);
/// The pause after marks could not be read.
const AFTER_A_FAILED_READ_SECONDS: u64 = 30;

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
        match leave_out_what_drifted(client, work, state, chunk).await {
            Err(CallError::Doubt { .. } | CallError::Refused { .. }) => {
                return Ok(not_read(state, chunk));
            }
            other => other?,
        }
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
        [one] => {
            let outcome = chunk.of_not_done();
            state.decide(chunk.action, *one, outcome, Some(words));
        }
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
    let not_done = match read_back(client, work, state, chunk.action, &undecided).await {
        Err(CallError::Doubt { .. } | CallError::Refused { .. })
            if chunk.doubts <= MOST_FAILED_READS =>
        {
            state.doubted(chunk);
            nap(AFTER_A_DOUBT).await;
            return Ok(());
        }
        Err(CallError::Doubt { .. } | CallError::Refused { .. }) => undecided,
        other => other?,
    };
    for index in not_done {
        state.decide(chunk.action, index, Outcome::Unknown, Some(NO_ANSWER));
    }
    state.take(chunk);
    Ok(())
}

/// The organizations of a chunk of marks could not be read, and are not marked unseen: they are
/// read once more behind the others, three times in all. Returns the seconds to stay away.
fn not_read(state: &mut State, chunk: Chunk) -> Option<u64> {
    state.take(chunk);
    let unread = chunk.unread + 1;
    if unread < MOST_FAILED_READS {
        state.again.push(Chunk { unread, ..chunk });
        return Some(AFTER_A_FAILED_READ_SECONDS);
    }
    for index in state.undecided(chunk) {
        state.decide(chunk.action, index, chunk.of_not_done(), Some(NOT_READ));
    }
    None
}

const NOT_READ: &str = "not marked: Zendesk did not show the organization before it was to be";

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
                was_sent: chunk.again || work.was_marked_before(organization.id),
                may_come: chunk.lost || work.was_marked_before(organization.id),
            }),
            None => of_changed_mark(ChangedMark {
                is_marked: false,
                was_sent: chunk.again,
                may_come: chunk.lost,
            }),
        };
        let words = (outcome == Outcome::Unknown).then_some(MAY_COME);
        state.decide(Action::Mark, index, outcome, words);
    }
    Ok(())
}

const MAY_COME: &str =
    "changed meanwhile, and an earlier try to mark it got no answer: the mark may still come";
