//! Bulk jobs are looked at until they have ended. Those that do not end are given up by the clock.

use std::collections::BTreeMap;
use std::time::Duration;

use vendors::zendesk::{CallError, Job, JobEnd};

use crate::applier::Applier;
use crate::doubt::{AfterSight, Sight, after_sight};
use crate::state::SentJob;

/// The pause before each look at the running jobs, inside an invocation.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Jobs in one look. Source: Zendesk, `show_many`.
pub const JOBS_PER_LOOK: usize = 100;

const NO_END: &str = "its job did not end, and the organization does not have the wanted values";

/// What a look shows of our jobs: those that Zendesk shows, by id; `None` if it got no usable
/// answer.
pub(crate) type Shown = Option<BTreeMap<String, Job>>;

impl Applier<'_> {
    /// Looks at some of our jobs, after a short pause.
    pub(crate) async fn look(&mut self, ids: &[String]) -> Result<Shown, CallError> {
        self.clock.nap(POLL_INTERVAL).await;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let jobs = match self.client.job_statuses(&ids).await {
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
    /// records cannot be read back is looked at again, three times in all; what is not proven then
    /// is unknown.
    pub(crate) async fn settle(&mut self, id: &str, shown: &Shown) -> Result<bool, CallError> {
        let now = self.clock.now();
        let Some(job) = self.state.job_mut(id) else {
            return Ok(false);
        };
        let sight = match shown.as_ref().map(|shown| shown.get(id)) {
            Some(Some(Job {
                ended: Some(end), ..
            })) => {
                let judged = self.judge(id, end).await;
                return self.ended_or_unread(id, judged);
            }
            Some(Some(Job { ended: None, .. })) => {
                job.missing_since = None;
                Sight::Running
            }
            Some(None) => Sight::Missing(*job.missing_since.get_or_insert(now)),
            None => Sight::Running,
        };
        let ended = match after_sight(sight, job.sent_at, now) {
            AfterSight::Wait => return Ok(false),
            AfterSight::Stuck => self.give_up_job(id).await,
            AfterSight::AskById => match self.ask_for(id).await {
                Ok(Asked::Ended(end)) => self.judge(id, &end).await,
                Ok(Asked::Runs) => return Ok(false),
                Ok(Asked::NotThere) => self.give_up_job(id).await,
                Err(error) => Err(error),
            },
        };
        self.ended_or_unread(id, ended)
    }

    /// Asks for a job that Zendesk's list does not show.
    async fn ask_for(&mut self, id: &str) -> Result<Asked, CallError> {
        let found = self.client.job_status(id).await?;
        let now = self.clock.now();
        let is_stuck =
            |job: &SentJob| after_sight(Sight::Running, job.sent_at, now) != AfterSight::Wait;
        Ok(match found {
            Some(Job {
                ended: Some(end), ..
            }) => Asked::Ended(end),
            Some(_) if !self.state.job_mut(id).is_some_and(|job| is_stuck(job)) => Asked::Runs,
            Some(_) | None => Asked::NotThere,
        })
    }

    /// True if a job was judged; false if one of its reads got no usable answer, which is counted.
    fn ended_or_unread(
        &mut self,
        id: &str,
        judged: Result<(), CallError>,
    ) -> Result<bool, CallError> {
        match judged {
            Ok(()) => Ok(true),
            Err(CallError::Doubt { .. } | CallError::Refused { .. }) => {
                if let Some(job) = self.state.job_mut(id) {
                    job.failed_reads += 1;
                    tracing::warn!(job_id = id, "its records could not be read back");
                }
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }

    /// A job is lost or stuck: its records are read back. Those that are not done are unknown,
    /// because the job may still do them.
    async fn give_up_job(&mut self, id: &str) -> Result<(), CallError> {
        let Some(job) = self.state.job_mut(id).cloned() else {
            return Ok(());
        };
        let sent_at = job.sent_at;
        tracing::warn!(job_id = id, %sent_at, "job lost or stuck; its records are read back");
        let chunk = job.judged();
        let undecided = self.state.undecided(&chunk);
        let not_done = if job.may_be_read_back() {
            self.read_back(&chunk, &undecided).await?
        } else {
            undecided
        };
        self.decide_unknown(&chunk, &not_done, NO_END);
        self.state.close(id);
        Ok(())
    }
}

/// What Zendesk says of a job that it was asked for by its id.
enum Asked {
    Ended(JobEnd),
    Runs,
    /// Zendesk does not know it, or it runs and will not end.
    NotThere,
}
