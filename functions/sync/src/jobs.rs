//! Bulk jobs are looked at until they have ended. Those that do not end are given up by the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::model::{Action, Organization, Outcome};
use stage::deadline::{nap, now};
use vendors::zendesk::{CallError, Client, Job};

use crate::doubt::{AfterSight, Seen, after_sight};
use crate::judge::judge;
use crate::state::{Phase, State};
use crate::work::Work;

/// The pause before each poll of the running jobs, inside an invocation.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
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

const NO_END: &str = "its job did not end, and the organization does not have the wanted values";
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
