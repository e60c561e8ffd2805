//! Bulk jobs are looked at until they have ended, and every record of them is proven.

use std::collections::BTreeMap;
use std::time::Duration;

use shared::deadline::{nap, now};
use shared::model::{Action, Organization, Outcome};
use shared::zendesk::{CallError, Client, Job, JobEnd, RecordResult, Said};

use crate::doubt::{AfterSight, Seen, after_sight, is_transient};
use crate::state::{Chunk, Phase, State};
use crate::work::Work;

/// The pause before each poll of the running jobs, inside an invocation.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Jobs in one poll. Source: Zendesk, `show_many`.
pub const JOBS_PER_POLL: usize = 100;

/// What a look shows of our jobs: those that Zendesk shows, by id; `None` if it got no usable
/// answer.
pub type Shown = Option<BTreeMap<String, Job>>;

/// Looks at some of our jobs, a moment later.
pub async fn look(
    client: &mut Client,
    state: &State,
    places: &[usize],
) -> Result<Shown, CallError> {
    nap(POLL_INTERVAL).await;
    let jobs = places.iter().filter_map(|place| state.jobs.get(*place));
    let ids: Vec<&str> = jobs.map(|job| job.id.as_str()).collect();
    let jobs = match client.job_statuses(&ids).await {
        Err(CallError::Refused { status: 404, .. }) => Vec::new(),
        Err(CallError::Doubt { what, .. } | CallError::Refused { what, .. }) => {
            tracing::warn!("the jobs are not seen: {what}");
            return Ok(None);
        }
        other => other?,
    };
    let by_id = jobs.into_iter().map(|job| (job.id.clone(), job));
    Ok(Some(by_id.collect()))
}

/// Does what a look at one of our jobs calls for. True if the job has ended for us. A job whose
/// records cannot be read back is looked at again, three times in all; what is not proven then is
/// unknown.
pub async fn settle(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    place: usize,
    shown: &Shown,
) -> Result<bool, CallError> {
    let Some(job) = state.jobs.get_mut(place) else {
        return Ok(false);
    };
    let (sent_at, job_id) = (job.sent_at, job.id.clone());
    let seen = match shown.as_ref().map(|shown| shown.get(&job.id)) {
        Some(Some(Job {
            ended: Some(end), ..
        })) => return ended_or_unread(judge(client, work, state, place, end).await, state, place),
        Some(Some(Job { ended: None, .. })) => {
            job.missing_since = None;
            Seen::Running
        }
        Some(None) => Seen::Missing(*job.missing_since.get_or_insert_with(now)),
        None => Seen::Running,
    };
    let ended = match after_sight(seen, sent_at, now()) {
        AfterSight::Wait => return Ok(false),
        AfterSight::Stuck => give_up(client, work, state, place).await,
        AfterSight::AskById => match client.job_status(&job_id).await {
            Ok(Some(Job {
                ended: Some(end), ..
            })) => judge(client, work, state, place, &end).await,
            Ok(Some(Job { ended: None, .. }))
                if after_sight(Seen::Running, sent_at, now()) == AfterSight::Wait =>
            {
                return Ok(false);
            }
            Ok(Some(Job { ended: None, .. }) | None) => give_up(client, work, state, place).await,
            Err(error) => Err(error),
        },
    };
    ended_or_unread(ended, state, place)
}

/// True if a job was judged; false if one of its reads got no usable answer, which is counted.
fn ended_or_unread(
    judged: Result<(), CallError>,
    state: &mut State,
    place: usize,
) -> Result<bool, CallError> {
    match judged {
        Ok(()) => Ok(true),
        Err(CallError::Doubt { .. } | CallError::Refused { .. }) => {
            if let Some(job) = state.jobs.get_mut(place) {
                job.failed_reads += 1;
                tracing::warn!(job_id = job.id, "its records could not be read back");
            }
            Ok(false)
        }
        Err(other) => Err(other),
    }
}

/// A job is lost or stuck: its records are read back, and of what is not done it cannot be known
/// whether it will be.
async fn give_up(
    client: &mut Client,
    work: &Work,
    state: &mut State,
    place: usize,
) -> Result<(), CallError> {
    let Some(job) = state.jobs.get(place) else {
        return Ok(());
    };
    let chunk = job.chunk;
    let (job_id, sent_at, may_read) = (&job.id, job.sent_at, job.may_be_read_back());
    tracing::warn!(job_id, %sent_at, "job lost or stuck; its records are read back");
    let undecided = state.undecided(chunk);
    let not_done = if may_read {
        read_back(client, work, state, chunk.action, &undecided).await?
    } else {
        undecided
    };
    for index in not_done {
        state.decide(chunk.action, index, Outcome::Unknown, Some(NO_END));
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
    /// No result, several, one that says neither; or one that a job without proper end does not
    /// give to an organization.
    silent: Vec<usize>,
}

impl Judgement {
    fn of(work: &Work, chunk: Chunk, sent: &[usize], end: &JobEnd) -> Self {
        let results = results_by_record(work, chunk, sent, end);
        let mut judgement = Self::default();
        for &index in sent {
            let one = match results.get(&index).map_or(&[][..], Vec::as_slice) {
                [one] if end.completed || one.id.is_some() => &one.said,
                _ => &Said::Nothing,
            };
            match one {
                Said::Done => judgement.succeeded.push(index),
                Said::Failed(words) => judgement.failed.push((index, words.clone())),
                Said::Nothing => judgement.silent.push(index),
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

/// Judges every record of a job that has ended: only exactly one `success: true` is a success.
///
/// Of a completed job, what is silent is read back. What a job without proper end does not prove is
/// sent again in halves, a single record with its last words. Transient words are tried once more.
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
    let (chunk, may_read) = (job.chunk, job.may_be_read_back());
    let sent = state.undecided(chunk);
    let Judgement {
        succeeded,
        failed,
        silent,
    } = Judgement::of(work, chunk, &sent, end);
    if !may_read {
        for index in silent {
            state.decide(chunk.action, index, Outcome::Unknown, Some(NOT_READ));
        }
        decide_named(state, chunk, failed);
        state.close(place, Phase::Judged);
        return Ok(());
    }
    let unproven = read_back(client, work, state, chunk.action, &silent).await?;

    let last_words = last_words(end);
    let is_halved = !end.completed && sent.len() > 1;
    let words_of = |index| {
        let words = if end.completed {
            NOT_AS_WANTED
        } else {
            &last_words
        };
        (index, words.to_owned())
    };
    let (mut once_more, mut halves) = (Vec::new(), Vec::new());
    let mut decided = Vec::new();
    if is_halved {
        halves = unproven;
    } else {
        decided.extend(unproven.into_iter().map(words_of));
    }
    decided.extend(failed);
    decided.retain(|(index, words)| {
        let is_tried_again = is_transient(words) && !chunk.once_more;
        if is_tried_again && is_halved {
            halves.push(*index);
        } else if is_tried_again {
            once_more.push(*index);
        }
        !is_tried_again
    });
    decide_named(state, chunk, decided);
    halves.sort_unstable();
    once_more.sort_unstable();
    if !(once_more.is_empty() && halves.is_empty()) {
        // What is sent once more leaves out what is decided, so what succeeded must be.
        for index in succeeded {
            state.decide(chunk.action, index, Outcome::Done, None);
        }
    }
    let was_all = halves.len() == sent.len();
    state.close(
        place,
        if was_all {
            Phase::Halved
        } else {
            Phase::Judged
        },
    );
    state.send_in_halves(chunk, &halves);
    state.send_once_more(chunk, &once_more);
    Ok(())
}

/// Decides records that were not done, with the words for it.
fn decide_named(state: &mut State, chunk: Chunk, records: Vec<(usize, String)>) {
    for (index, words) in records {
        state.decide(chunk.action, index, chunk.of_not_done(), Some(&words));
    }
}

/// What a job without proper end says of its single record: its words for a place, else its
/// message.
fn last_words(end: &JobEnd) -> String {
    let words = end.results.iter().find_map(|result| match &result.said {
        Said::Failed(words) => Some(words),
        Said::Done | Said::Nothing => None,
    });
    words.unwrap_or(&end.message).clone()
}

const NOT_READ: &str = "its job does not tell, and the organization could not be read back";
const NO_END: &str = "its job did not end, and the organization does not have the wanted values";
const NOT_AS_WANTED: &str =
    "Zendesk gave no result, and the organization does not have the wanted values";
const NOT_SHOWN: &str = "Zendesk gave no result, and does not show the organization";

/// Reads organizations of which Zendesk gave no result, and judges them by their fields. Returns
/// those that do not have the wanted values.
pub async fn read_back(
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
            // It may be deleted, or not shown: that it was not done is not known.
            None => state.decide(action, index, Outcome::Unknown, Some(NOT_SHOWN)),
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
