//! Bulk jobs are looked at until they have ended, and every record of them is proven.

use std::collections::BTreeMap;
use std::time::Duration;

use shared::deadline::nap;
use shared::model::{Action, Organization, Outcome};
use shared::zendesk::{CallError, Client, Job, JobEnd, RecordResult};

use crate::state::{Chunk, Phase, State};
use crate::work::Work;

/// The pause before each poll of the running jobs, inside an invocation.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Polls without any job that has ended, after which the next one waits in a Wait state.
const POLLS_BEFORE_WAIT: u32 = 3;
/// The length of that Wait state, in seconds.
const WAIT_BETWEEN_POLLS_SECONDS: u64 = 5;
/// Jobs in one poll. Source: Zendesk, `show_many`.
const JOBS_PER_POLL: usize = 100;
/// Polls in a row in which Zendesk may not know a job before it counts as lost: two Wait states lie
/// between.
const POLLS_UNTIL_LOST: u32 = 8;
/// Wait states a job may outlive before it counts as stuck: five minutes and more.
const WAITS_UNTIL_STUCK: u32 = 60;

/// What a poll says of one job of ours.
enum Fate<'a> {
    /// It has ended.
    Ended(&'a JobEnd),
    /// It runs.
    Running,
    /// Zendesk does not know it.
    Missing,
}

/// Polls the running jobs and judges those that have ended. Returns the seconds of a Wait state if
/// the last few polls found none.
pub async fn poll(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    polls: &mut u32,
) -> Result<Option<u64>, CallError> {
    let is_first_after_a_wait = *polls == 0 && state.running().any(|job| job.pauses > 0);
    if !is_first_after_a_wait {
        nap(POLL_INTERVAL).await;
    }
    let ids: Vec<String> = state
        .running()
        .take(JOBS_PER_POLL)
        .map(|job| job.id.clone())
        .collect();
    let known = known_jobs(client, &ids).await?;
    let mut any_ended = false;
    for id in &ids {
        let fate = match known.get(id) {
            Some(Job {
                ended: Some(end), ..
            }) => Fate::Ended(end),
            Some(Job { ended: None, .. }) => Fate::Running,
            None => Fate::Missing,
        };
        any_ended |= settle(client, work, state, id, fate).await?;
    }
    if any_ended {
        *polls = 0;
        return Ok(None);
    }
    *polls += 1;
    if *polls <= POLLS_BEFORE_WAIT {
        return Ok(None);
    }
    state.outlived_a_wait();
    Ok(Some(WAIT_BETWEEN_POLLS_SECONDS))
}

async fn known_jobs(
    client: &mut Client,
    ids: &[String],
) -> Result<BTreeMap<String, Job>, CallError> {
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let jobs = match client.job_statuses(&asked).await {
        Err(CallError::Refused { status: 404, .. }) => Vec::new(),
        other => other?,
    };
    Ok(jobs.into_iter().map(|job| (job.id.clone(), job)).collect())
}

/// Does what a job's fate calls for. True if the job has ended for us.
async fn settle(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    id: &str,
    fate: Fate<'_>,
) -> Result<bool, CallError> {
    let Some(place) = state.jobs.iter().position(|job| job.id == id) else {
        return Ok(false);
    };
    match fate {
        Fate::Ended(end) => judge(client, work, state, place, end).await?,
        Fate::Running => {
            let waits = state.seen_running(place);
            if waits < WAITS_UNTIL_STUCK {
                return Ok(false);
            }
            give_up(client, work, state, place, Outcome::Unknown).await?;
        }
        Fate::Missing => {
            let polls = state.missed(place);
            if polls < POLLS_UNTIL_LOST {
                return Ok(false);
            }
            give_up(client, work, state, place, Outcome::Failed).await?;
        }
    }
    Ok(true)
}

/// A job is lost or stuck: its records are read back, and what is not done gets this outcome.
async fn give_up(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    place: usize,
    otherwise: Outcome,
) -> Result<(), CallError> {
    let Some(job) = state.jobs.get(place) else {
        return Ok(());
    };
    let chunk = job.chunk;
    tracing::warn!(
        job_id = job.id,
        "job lost or stuck; its records are read back"
    );
    let undecided = state.undecided(chunk);
    let not_done = read_back(client, work, state, chunk.action, &undecided).await?;
    for index in not_done {
        state.decide(chunk.action, index, otherwise, Some(NOT_AS_WANTED));
    }
    state.close(place, Phase::Judged);
    Ok(())
}

/// What an ended job says of the records that were sent with it.
#[derive(Default)]
struct Judgement {
    /// Exactly one result, `success: true`.
    succeeded: Vec<usize>,
    /// Exactly one result, an error.
    failed: Vec<(usize, String)>,
    /// No result, or several.
    silent: Vec<usize>,
}

impl Judgement {
    fn of(work: &Work, chunk: Chunk, sent: &[usize], end: &JobEnd) -> Self {
        let results = results_by_record(work, chunk, sent, end);
        let mut judgement = Self::default();
        for &index in sent {
            match results.get(&index).map_or(&[][..], Vec::as_slice) {
                [RecordResult { failed: None, .. }] => judgement.succeeded.push(index),
                [
                    RecordResult {
                        failed: Some(words),
                        ..
                    },
                ] => judgement.failed.push((index, words.clone())),
                _ => judgement.silent.push(index),
            }
        }
        judgement
    }
}

/// The results of each record: by the organization's id, else by the place in what was sent.
fn results_by_record<'a>(
    work: &Work,
    chunk: Chunk,
    sent: &[usize],
    end: &'a JobEnd,
) -> BTreeMap<usize, Vec<&'a RecordResult>> {
    let mut index_of = BTreeMap::new();
    for &index in sent {
        if let Some(id) = work.id(chunk.action, index) {
            index_of.insert(id, index);
        }
    }
    let mut results = BTreeMap::<usize, Vec<_>>::new();
    for result in &end.results {
        let index = match (result.id, result.position) {
            (Some(id), _) => index_of.get(&id),
            (None, Some(position)) => sent.get(position),
            (None, None) => None,
        };
        if let Some(index) = index {
            results.entry(*index).or_default().push(result);
        }
    }
    results
}

/// Judges every record of a job that has ended: only exactly one `success: true` is a success. What
/// a failed job does not name is sent again in halves, unless its fields show that it was done.
async fn judge(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    place: usize,
    end: &JobEnd,
) -> Result<(), CallError> {
    let Some(job) = state.jobs.get(place) else {
        return Ok(());
    };
    let chunk = job.chunk;
    let sent = state.undecided(chunk);
    let Judgement {
        succeeded,
        failed,
        silent,
    } = Judgement::of(work, chunk, &sent, end);
    if !end.completed && silent.len() == sent.len() {
        state.close(place, Phase::Halved);
        state.failed_as_a_whole(chunk, &end.message);
        return Ok(());
    }
    let not_done = read_back(client, work, state, chunk.action, &silent).await?;
    for (index, words) in failed {
        state.decide(chunk.action, index, Outcome::Failed, Some(&words));
    }
    state.close(place, Phase::Judged);
    if end.completed {
        for index in not_done {
            state.decide(chunk.action, index, Outcome::Failed, Some(NOT_AS_WANTED));
        }
    } else if !not_done.is_empty() {
        // The halves leave out what is decided, so what succeeded must be.
        for index in succeeded {
            state.decide(chunk.action, index, Outcome::Done, None);
        }
        state.failed_as_a_whole(chunk, &end.message);
    }
    Ok(())
}

const NOT_AS_WANTED: &str =
    "Zendesk gave no result, and the organization does not have the wanted values";
const GONE: &str = "Zendesk gave no result, and the organization is gone";

/// Reads organizations of which Zendesk gave no result, and judges them by their fields. Returns
/// those that do not have the wanted values.
async fn read_back(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    action: Action,
    indexes: &[usize],
) -> Result<Vec<usize>, CallError> {
    let now = read_organizations(client, work, action, indexes).await?;
    let mut not_done = Vec::new();
    for &index in indexes {
        let id = work.id(action, index);
        match id.and_then(|id| now.get(&id)) {
            Some(organization) if work.is_done(action, index, organization) => {
                state.decide(action, index, Outcome::Done, None);
            }
            Some(_) => not_done.push(index),
            None => state.decide(action, index, Outcome::Failed, Some(GONE)),
        }
    }
    Ok(not_done)
}

/// The organizations of these updates or marks, as Zendesk has them now; those that are gone are
/// left out.
pub async fn read_organizations(
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
    let organizations = client.show_many(&ids).await?;
    Ok(organizations.into_iter().map(|one| (one.id, one)).collect())
}
