//! Updates and marks are sent in bulk: at most 100 a job.

use serde_json::Value;
use shared::model::{Action, Outcome};
use shared::zendesk::{CallError, Client};

use crate::jobs::read_organizations;
use crate::state::{Chunk, State};
use crate::work::Work;

/// Sends a chunk as one job. Marks are read again just before; what changed meanwhile is left out
/// as drifted.
pub async fn send(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    chunk: Chunk,
) -> Result<(), CallError> {
    if chunk.action == Action::Mark {
        leave_out_what_drifted(client, work, state, chunk).await?;
    }
    let undecided = state.undecided(chunk).into_iter();
    let bodies: Vec<Value> = undecided
        .filter_map(|index| work.body(chunk.action, index))
        .collect();
    if bodies.is_empty() {
        state.sent(chunk, None);
        return Ok(());
    }
    // Were the reply lost, or the process killed now, marks found later would be ours.
    state.in_doubt = true;
    match client.update_many(&bodies).await {
        Ok(job) => {
            let Chunk {
                action, from, to, ..
            } = chunk;
            tracing::debug!(job_id = job.id, ?action, from, to, "job sent");
            state.sent(chunk, Some(job.id));
            Ok(())
        }
        Err(CallError::Refused { words, .. }) => {
            state.sent(chunk, None);
            state.failed_as_a_whole(chunk, &words);
            Ok(())
        }
        Err(other) => Err(other),
    }
}

/// Reads the organizations of a chunk of marks again, and decides those that are no longer as
/// compare saw them.
async fn leave_out_what_drifted(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    chunk: Chunk,
) -> Result<(), CallError> {
    let may_be_ours = chunk.again || state.in_doubt;
    let undecided = state.undecided(chunk);
    let now = read_organizations(client, work, Action::Mark, &undecided).await?;
    for index in undecided {
        let id = work.id(Action::Mark, index);
        let organization = id.and_then(|id| now.get(&id));
        let outcome = match organization {
            Some(organization) if work.is_as_read(organization) => continue,
            Some(organization) if may_be_ours && organization.is_marked() => Outcome::Done,
            Some(_) | None => Outcome::Drifted,
        };
        state.decide(Action::Mark, index, outcome, None);
    }
    Ok(())
}
