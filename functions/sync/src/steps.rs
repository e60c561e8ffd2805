//! One step after the other, each saved, until the work is done or the invocation must end.

use std::time::Duration;

use domain::{Error, Result};
use jiff::SignedDuration;
use stage::deadline::{Deadline, RunEnd, nap, now};
use stage::secrets::Secrets;
use stage::settings::Sync;
use stage::store::Store;
use tokio::sync::MappedMutexGuard;
use vendors::zendesk::{CallError, Client};

use crate::create::create;
use crate::doubt::until_the_next_look;
use crate::jobs::{JOBS_PER_POLL, look, settle};
use crate::send::send;
use crate::session::Session;
use crate::state::{NextStep, State};
use crate::work::Work;

/// The longest pause that is slept instead of waited for in a Wait state.
const LONGEST_NAP_SECONDS: u64 = 5;
/// The pause after a doubtful answer to a call that may be repeated, if Zendesk names none.
const AFTER_A_DOUBT_SECONDS: u64 = 30;
/// How long a run is patient with a Zendesk that lets nothing go forward.
const MOST_PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// Looks without any job that has ended, after which the next one comes after a Wait state.
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

/// What an invocation goes on with, besides its progress.
pub(crate) struct Run<'a, S, K> {
    pub(crate) config: &'a Sync,
    pub(crate) store: &'a S,
    pub(crate) secrets: &'a K,
    pub(crate) session: &'a Session,
    pub(crate) work: &'a Work,
    pub(crate) deadline: Deadline,
    pub(crate) end: RunEnd,
}

impl<S: Store, K: Secrets> Run<'_, S, K> {
    /// Goes on from the saved progress.
    pub(crate) async fn go_on(&self, state: &mut State) -> Result<Stop, Error> {
        let mut has_begun = false;
        let mut looks = 0;
        loop {
            self.give_up_in_time(state);
            let step = state.next(self.work, self.config.jobs_per_pause);
            match step {
                NextStep::Finish => {
                    if has_begun && self.has_to_ask(state) && !self.deadline.allows_more() {
                        return Ok(Stop::Deadline);
                    }
                    self.ask_what_hangs_on_marks(state).await;
                    return Ok(Stop::Finished);
                }
                NextStep::WaitForCreate(seconds) => {
                    return Ok(wait(seconds, "a create is in doubt"));
                }
                NextStep::Pause => {
                    state.pausing();
                    return Ok(wait(self.config.pause_seconds, "enough jobs were sent"));
                }
                NextStep::Create(_) | NextStep::Send(_) | NextStep::Poll => {}
            }
            if has_begun && !self.deadline.allows_more() {
                return Ok(Stop::Deadline);
            }
            has_begun = true;
            let mut client = self.client().await?;
            if let Some(seconds) = client.nearly_used_up() {
                return Ok(wait(seconds, "the rate limit is nearly used up"));
            }
            let done = self.do_step(step, &mut client, state, &mut looks).await;
            if let Some(stop) = after(done, state).await? {
                return Ok(stop);
            }
            state.save(self.store).await?;
        }
    }

    /// The run is going to fail: what its jobs did is found out, as far as that can be done now.
    pub(crate) async fn judge_what_runs(&self, state: &mut State) {
        while state.running().next().is_some() && self.deadline.allows_more() {
            let Ok(mut client) = self.client().await else {
                return;
            };
            if let Err(error) = self.poll(&mut client, state, &mut 0).await {
                tracing::warn!("the run's jobs are not judged: {}", Error::from(error));
                return;
            }
            nap(Duration::from_secs(LONGEST_NAP_SECONDS)).await;
        }
    }

    pub(crate) async fn client(&self) -> Result<MappedMutexGuard<'_, Client>> {
        let run_id = &self.work.plan().header.run_id;
        let client = self
            .session
            .client(run_id, &self.config.secret, self.secrets)
            .await?;
        self.work.may_write_to(&client.host())?;
        Ok(client)
    }

    /// Ends what would keep the run from ending by itself: creates in doubt may take half of its
    /// time, and everything ends with it.
    fn give_up_in_time(&self, state: &mut State) {
        if now() >= self.end.half_way_from(state.began_at) {
            state.give_up_creates(self.work);
        }
        if self.end.is_over(now()) {
            state.give_up(self.work);
        }
    }

    async fn do_step(
        &self,
        step: NextStep,
        client: &mut Client,
        state: &mut State,
        looks: &mut u32,
    ) -> Result<Option<Stop>, CallError> {
        match step {
            NextStep::Create(index) => {
                create(client, self.work, state, index).await?;
                Ok(None)
            }
            NextStep::Send(chunk) => {
                let seconds = send(client, self.work, state, chunk).await?;
                Ok(seconds.map(|seconds| wait(seconds, "Zendesk asked for a pause")))
            }
            NextStep::Poll => self.poll(client, state, looks).await,
            NextStep::WaitForCreate(_) | NextStep::Pause | NextStep::Finish => Ok(None),
        }
    }

    /// Looks at the running jobs and judges those that have ended, each saved. Asks for a Wait
    /// state if the last few looks found none.
    async fn poll(
        &self,
        client: &mut Client,
        state: &mut State,
        looks: &mut u32,
    ) -> Result<Option<Stop>, CallError> {
        let places = state.running_places(JOBS_PER_POLL);
        let shown = look(client, state, &places).await?;
        let (mut any_ended, mut is_first) = (false, true);
        for place in places {
            if !is_first && !self.deadline.allows_more() {
                return Ok(Some(Stop::Deadline));
            }
            is_first = false;
            if settle(client, self.work, state, place, &shown).await? {
                any_ended = true;
                state.save(self.store).await?;
            }
        }
        *looks = if any_ended { 0 } else { *looks + 1 };
        if *looks <= LOOKS_BEFORE_A_WAIT {
            return Ok(None);
        }
        let oldest = state.running().map(|job| job.sent_at).min();
        let seconds = oldest.map_or(0, |sent_at| until_the_next_look(sent_at, now()));
        Ok(Some(wait(seconds, "jobs are running")))
    }
}

fn wait(seconds: u64, why: &str) -> Stop {
    let why = why.to_owned();
    Stop::Wait { seconds, why }
}

/// What comes after a step. Whatever can be tried again is, after a pause: ten times in a row at
/// least, and for half an hour.
async fn after(
    done: Result<Option<Stop>, CallError>,
    state: &mut State,
) -> Result<Option<Stop>, Error> {
    let error = match done {
        Ok(stop) => {
            state.throttled.went_forward();
            state.stalled_since = None;
            return Ok(stop);
        }
        Err(error) => error,
    };
    let (seconds, why) = match &error {
        CallError::Pause { seconds, what } => (*seconds, what),
        CallError::TooManyJobs { seconds, what } => {
            state.no_room();
            (*seconds, what)
        }
        CallError::Doubt { what, retry_after } => {
            (retry_after.unwrap_or(AFTER_A_DOUBT_SECONDS), what)
        }
        CallError::Refused { .. } | CallError::Fatal(_) => return Err(error.into()),
    };
    let is_patient = state.throttled.one_more();
    let stalled_since = *state.stalled_since.get_or_insert_with(now);
    if !is_patient && now().duration_since(stalled_since) >= MOST_PATIENCE {
        return Err(error.into());
    }
    if seconds > LONGEST_NAP_SECONDS {
        return Ok(Some(wait(seconds, why)));
    }
    nap(Duration::from_secs(seconds)).await;
    Ok(None)
}
