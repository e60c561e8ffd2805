//! Updates and marks: 100 a job, every job looked at until it has ended, every record proven.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::deadline::nap;
use shared::model::{Action, Organization, Outcome};
use shared::zendesk::{CallError, Client, Ended, Job, RecordResult};

use crate::state::{Chunk, Exception, Phase, State};
use crate::work::Work;
use crate::{LOOK_AGAIN, LOOK_LATER, LOOKS};

/// Jobs in one look. Source: Zendesk, `show_many`.
const PER_LOOK: usize = 100;
/// Looks in a row in which Zendesk may not know a job before it counts as lost: two pauses lie
/// between.
const LOOKS_UNTIL_LOST: u32 = 8;
/// Pauses a job may outlive before it counts as stuck: five minutes and more.
const PAUSES_UNTIL_STUCK: u32 = 60;

/// Sends a chunk as one job. Marks are read again just before; what changed meanwhile is left out
/// as drifted.
pub async fn send(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    chunk: Chunk,
) -> Result<Option<u64>, CallError> {
    let Chunk {
        action,
        from,
        to,
        again,
    } = chunk;
    if action == Action::Mark {
        let seen_before = again || state.in_doubt;
        let now = read(client, work, action, &open(state, chunk)).await?;
        for index in open(state, chunk) {
            let organization = work.id(action, index).and_then(|id| now.get(&id));
            match organization {
                Some(organization) if work.is_as_read(organization) => {}
                Some(organization) if seen_before && organization.is_marked() => {
                    except(state, action, index, Outcome::Done, None)
                }
                _ => except(state, action, index, Outcome::Drifted, None),
            }
        }
    }
    let bodies: Vec<Value> = open(state, chunk)
        .into_iter()
        .filter_map(|index| work.body(action, index))
        .collect();
    if bodies.is_empty() {
        state.sent(chunk, None);
        return Ok(None);
    }
    // Were the reply lost, or the process killed now, marks found later would be ours.
    state.in_doubt = true;
    match client.update_many(&bodies).await {
        Ok(job) => {
            tracing::debug!(job_id = job.id, ?action, from, to, "job sent");
            state.sent(chunk, Some(job.id));
        }
        Err(CallError::Refused { words, .. }) => {
            state.sent(chunk, None);
            failed_as_a_whole(state, chunk, &words);
        }
        Err(other) => return Err(other),
    }
    Ok(None)
}

/// Looks at the running jobs and judges those that have ended. After some looks without any, it
/// returns the seconds of a pause.
pub async fn look(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    looks: &mut u32,
) -> Result<Option<u64>, CallError> {
    if *looks > 0 || state.running().all(|job| job.pauses == 0) {
        nap(LOOK_AGAIN).await;
    }
    let ids: Vec<String> = state
        .running()
        .take(PER_LOOK)
        .map(|job| job.id.clone())
        .collect();
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = match client.job_statuses(&asked).await {
        Err(CallError::Refused { status: 404, .. }) => Vec::new(),
        other => other?,
    };
    let found: BTreeMap<String, Job> = found.into_iter().map(|job| (job.id.clone(), job)).collect();
    let mut ended = 0;
    for id in &ids {
        let Some(place) = state.jobs.iter().position(|job| job.id == *id) else {
            continue;
        };
        let lost = match found.get(id) {
            Some(Job {
                ended: Some(end), ..
            }) => {
                judge(client, work, state, place, end).await?;
                ended += 1;
                continue;
            }
            Some(Job { ended: None, .. }) => {
                let Some(job) = state.jobs.get_mut(place) else {
                    continue;
                };
                job.missed = 0;
                (job.pauses >= PAUSES_UNTIL_STUCK).then_some(Outcome::Unknown)
            }
            None => {
                let Some(job) = state.jobs.get_mut(place) else {
                    continue;
                };
                job.missed += 1;
                (job.missed >= LOOKS_UNTIL_LOST).then_some(Outcome::Failed)
            }
        };
        if let Some(otherwise) = lost {
            tracing::warn!(job_id = id, "job lost or stuck; its records are read back");
            let chunk = state.jobs.get(place).map(|job| job.chunk);
            if let Some(chunk) = chunk {
                let indexes = open(state, chunk);
                read_back(client, work, state, chunk.action, &indexes, Some(otherwise)).await?;
                close(state, place, Phase::Judged);
            }
            ended += 1;
        }
    }
    if ended > 0 {
        *looks = 0;
        return Ok(None);
    }
    *looks += 1;
    if *looks <= LOOKS {
        return Ok(None);
    }
    for job in state
        .jobs
        .iter_mut()
        .filter(|job| job.phase == Phase::Running)
    {
        job.pauses += 1;
    }
    Ok(Some(LOOK_LATER))
}

/// Judges every record of a job that has ended: only exactly one `success: true` is a success. What
/// a failed job does not name is sent again in halves, unless its fields show that it was done.
async fn judge(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    place: usize,
    end: &Ended,
) -> Result<(), CallError> {
    let Some(chunk) = state.jobs.get(place).map(|job| job.chunk) else {
        return Ok(());
    };
    let sent = open(state, chunk);
    let place_of: BTreeMap<u64, usize> = sent
        .iter()
        .filter_map(|&index| Some((work.id(chunk.action, index)?, index)))
        .collect();
    let mut results = BTreeMap::<usize, Vec<&RecordResult>>::new();
    for result in &end.results {
        let by_position = || {
            result
                .position
                .and_then(|position| sent.get(position).copied())
        };
        let index = result
            .id
            .map_or_else(by_position, |id| place_of.get(&id).copied());
        results
            .entry(index.unwrap_or(usize::MAX))
            .or_default()
            .push(result);
    }
    let (mut failed, mut silent) = (Vec::new(), Vec::new());
    for &index in &sent {
        match results.get(&index).map_or(&[][..], Vec::as_slice) {
            [RecordResult { failed: None, .. }] => {}
            [
                RecordResult {
                    failed: Some(words),
                    ..
                },
            ] => failed.push((index, words.clone())),
            _ => silent.push(index),
        }
    }
    if !end.completed && silent.len() == sent.len() {
        close(state, place, Phase::Halved);
        failed_as_a_whole(state, chunk, &end.message);
        return Ok(());
    }
    let otherwise = if end.completed {
        Some(Outcome::Failed)
    } else {
        None
    };
    let rest = read_back(client, work, state, chunk.action, &silent, otherwise).await?;
    for (index, words) in failed {
        except(state, chunk.action, index, Outcome::Failed, Some(words));
    }
    close(state, place, Phase::Judged);
    if !rest.is_empty() {
        for &index in sent.iter().filter(|index| !silent.contains(index)) {
            if state.exception(chunk.action, index).is_none() {
                except(state, chunk.action, index, Outcome::Done, None);
            }
        }
        failed_as_a_whole(state, chunk, &end.message);
    }
    Ok(())
}

/// Halves a chunk until the record that spoils it stands alone.
fn failed_as_a_whole(state: &mut State, chunk: Chunk, words: &str) {
    let Chunk {
        action,
        from,
        to,
        again: _,
    } = chunk;
    if to - from > 1 {
        let middle = from + (to - from) / 2;
        state.again.extend([
            Chunk {
                action,
                from,
                to: middle,
                again: true,
            },
            Chunk {
                action,
                from: middle,
                to,
                again: true,
            },
        ]);
    } else {
        except(state, action, from, Outcome::Failed, Some(words.to_owned()));
    }
}

/// Reads organizations of which Zendesk gave no result, and judges them by their fields. Those
/// without the wanted values end with the given outcome, or are returned if there is none.
async fn read_back(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    action: Action,
    indexes: &[usize],
    otherwise: Option<Outcome>,
) -> Result<Vec<usize>, CallError> {
    let mut undecided = Vec::new();
    if indexes.is_empty() {
        return Ok(undecided);
    }
    let now = read(client, work, action, indexes).await?;
    for &index in indexes {
        let (outcome, error) = match work.id(action, index).and_then(|id| now.get(&id)) {
            Some(organization) if work.is_done(action, index, organization) => {
                (Outcome::Done, None)
            }
            Some(_) if otherwise.is_none() => {
                undecided.push(index);
                continue;
            }
            Some(_) => (
                otherwise.unwrap_or(Outcome::Failed),
                Some(
                    "Zendesk gave no result, and the organization does not have the wanted values"
                        .to_owned(),
                ),
            ),
            None => (
                Outcome::Failed,
                Some("Zendesk gave no result, and the organization is gone".to_owned()),
            ),
        };
        except(state, action, index, outcome, error);
    }
    Ok(undecided)
}

async fn read(
    client: &mut Client,
    work: &Work,
    action: Action,
    indexes: &[usize],
) -> Result<BTreeMap<u64, Organization>, CallError> {
    let ids: Vec<u64> = indexes
        .iter()
        .filter_map(|&index| work.id(action, index))
        .collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(client
        .show_many(&ids)
        .await?
        .into_iter()
        .map(|one| (one.id, one))
        .collect())
}

/// The places of a chunk that are not decided yet.
fn open(state: &State, chunk: Chunk) -> Vec<usize> {
    (chunk.from..chunk.to)
        .filter(|&index| state.exception(chunk.action, index).is_none())
        .collect()
}

fn except(
    state: &mut State,
    action: Action,
    index: usize,
    outcome: Outcome,
    error: Option<String>,
) {
    state.exceptions.push(Exception {
        action,
        index,
        outcome,
        error,
    });
}

fn close(state: &mut State, place: usize, phase: Phase) {
    if let Some(job) = state.jobs.get_mut(place) {
        job.phase = phase;
    }
}
