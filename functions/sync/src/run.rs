//! An invocation that goes on with a run: what it has in hand, and how it takes a step.

use std::time::Duration;

use domain::{Error, Result};
use jiff::{SignedDuration, Timestamp};
use stage::deadline::{Deadline, TimeLimit};
use stage::secrets::Secrets;
use stage::settings::Sync;
use stage::store::Store;
use tokio::sync::MappedMutexGuard;
use vendors::zendesk::{CallError, Client};

use crate::applier::Applier;
use crate::doubt::until_the_next_look;
use crate::jobs::JOBS_PER_LOOK;
use crate::next::{Step, Times, next};
use crate::session::Session;
use crate::state::State;
use crate::work::Work;

/// The longest pause that is slept instead of waited for in a Wait state.
const LONGEST_NAP_SECONDS: u64 = 5;
/// The pause after a doubtful answer to a call that may be repeated, if Zendesk names none.
const AFTER_A_DOUBT_SECONDS: u64 = 30;
/// How long a run is patient with a Zendesk that lets nothing go forward.
const MOST_PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// After this many looks in a row that found no job ended, the next one comes after a Wait state.
const LOOKS_BEFORE_A_WAIT: u32 = 3;

/// Why an invocation comes to its end.
pub(crate) enum Stop {
    /// All is applied and proven.
    Finished,
    /// The state machine is to wait.
    Wait { seconds: u64, why: String },
    /// Its time is nearly over.
    Deadline,
}

pub(crate) fn wait(seconds: u64, why: &str) -> Stop {
    let why = why.to_owned();
    Stop::Wait { seconds, why }
}

/// What an invocation goes on with.
pub(crate) struct Run<'a, S, K> {
    pub(crate) config: &'a Sync,
    pub(crate) store: &'a S,
    pub(crate) secrets: &'a K,
    pub(crate) session: &'a Session,
    pub(crate) work: &'a Work,
    pub(crate) state: State,
    pub(crate) deadline: Deadline,
    pub(crate) limit: TimeLimit,
    /// Looks in a row that found no job ended.
    pub(crate) looks_in_vain: u32,
}

impl<'a, S: Store, K: Secrets> Run<'a, S, K> {
    pub(crate) fn now(&self) -> Timestamp {
        self.session.wire.now()
    }

    pub(crate) fn next(&self) -> Step {
        let times = Times {
            now: self.now(),
            creates_until: self.limit.half_way_from(self.state.began_at),
            until: self.limit.moment(),
        };
        let left = self.state.left(self.work);
        next(&left, self.config.jobs_per_pause, &times)
    }

    pub(crate) async fn save(&mut self) -> Result<()> {
        let now = self.now();
        self.state.save(self.store, now).await
    }

    pub(crate) async fn client(&self) -> Result<MappedMutexGuard<'a, Client>> {
        let client = self.session.client(self.work, self.config, self.secrets);
        let client = client.await?;
        self.work.may_write_to(&client.host())?;
        Ok(client)
    }

    fn applier<'b>(&'b mut self, client: &'b mut Client) -> Applier<'b> {
        Applier {
            client,
            work: self.work,
            state: &mut self.state,
            clock: &self.session.wire.clock,
        }
    }

    /// Takes a step that needs Zendesk. Returns why the invocation comes to its end, if it does.
    pub(crate) async fn take(&mut self, step: Step) -> Result<Option<Stop>> {
        let mut client = self.client().await?;
        if let Some(seconds) = client.nearly_used_up() {
            return Ok(Some(wait(seconds, "the rate limit is nearly used up")));
        }
        let done = match step {
            Step::Create(place) => {
                let created = self.applier(&mut client).create(place).await;
                created.map(|()| None)
            }
            Step::Send(chunk) => {
                let sent = self.applier(&mut client).send(chunk).await;
                let asked = "Zendesk asked for a pause";
                sent.map(|seconds| seconds.map(|seconds| wait(seconds, asked)))
            }
            Step::Look => self.look_at_jobs(&mut client).await,
            Step::GiveUp
            | Step::GiveUpCreates
            | Step::WaitForCreate(_)
            | Step::Pause
            | Step::Finish => Ok(None),
        };
        self.after(done).await
    }

    /// Looks at the running jobs and judges those that have ended, each saved. Asks for a Wait
    /// state if the last few looks found none.
    async fn look_at_jobs(&mut self, client: &mut Client) -> Result<Option<Stop>, CallError> {
        let running = self.state.jobs.iter().take(JOBS_PER_LOOK);
        let ids: Vec<String> = running.map(|job| job.id.clone()).collect();
        let shown = self.applier(client).look(&ids).await?;
        let mut any_ended = false;
        for (number, id) in ids.iter().enumerate() {
            if number > 0 && !self.deadline.allows_more() {
                return Ok(Some(Stop::Deadline));
            }
            if self.applier(client).settle(id, &shown).await? {
                any_ended = true;
                self.save().await?;
            }
        }
        self.looks_in_vain = if any_ended { 0 } else { self.looks_in_vain + 1 };
        if self.looks_in_vain <= LOOKS_BEFORE_A_WAIT {
            return Ok(None);
        }
        let oldest = self.state.jobs.iter().map(|job| job.sent_at).min();
        let seconds = oldest.map_or(0, |sent_at| until_the_next_look(sent_at, self.now()));
        Ok(Some(wait(seconds, "jobs are running")))
    }

    /// What comes after a step. Whatever can be tried again is tried again after a pause: at least
    /// ten times in a row, and for half an hour.
    async fn after(&mut self, done: Result<Option<Stop>, CallError>) -> Result<Option<Stop>> {
        let error = match done {
            Ok(stop) => {
                self.state.throttled.went_forward();
                self.state.stalled_since = None;
                return Ok(stop);
            }
            Err(error) => error,
        };
        let (seconds, why) = match &error {
            CallError::Pause { seconds, what } => (*seconds, what),
            CallError::TooManyJobs { seconds, what } => {
                self.state.no_room();
                (*seconds, what)
            }
            CallError::Doubt { what, retry_after } => {
                (retry_after.unwrap_or(AFTER_A_DOUBT_SECONDS), what)
            }
            CallError::Refused { .. } | CallError::Fatal(_) => return Err(error.into()),
        };
        let is_patient = self.state.throttled.one_more();
        let now = self.now();
        let stalled_since = *self.state.stalled_since.get_or_insert(now);
        if !is_patient && now.duration_since(stalled_since) >= MOST_PATIENCE {
            return Err(error.into());
        }
        if seconds > LONGEST_NAP_SECONDS {
            return Ok(Some(wait(seconds, why)));
        }
        self.nap(seconds).await;
        Ok(None)
    }

    /// Finds out what the run's jobs did, as far as that can be done now: the run is about to fail.
    pub(crate) async fn judge_what_runs(&mut self) {
        while !self.state.jobs.is_empty() && self.deadline.allows_more() {
            let Ok(mut client) = self.client().await else {
                return;
            };
            if let Err(error) = self.look_at_jobs(&mut client).await {
                tracing::warn!("the run's jobs are not judged: {}", Error::from(error));
                return;
            }
            self.nap(LONGEST_NAP_SECONDS).await;
        }
    }

    async fn nap(&self, seconds: u64) {
        let clock = &self.session.wire.clock;
        clock.nap(Duration::from_secs(seconds)).await;
    }
}
