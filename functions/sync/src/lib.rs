#![doc = env!("CARGO_PKG_DESCRIPTION")]
//!
//! Un-marks, then creates, then updates, then marks; killed anywhere, the next invocation goes on.
//! [`handler`] opens the saved progress, takes one step after the other, each saved, and ends the
//! invocation:
//! - `work` and `state`: what is to be applied, and how far that is (`list`, `chunk`; `segments` of
//!   lists that are `add_only`).
//! - `next`: which step comes next. `doubt`: how a doubtful answer is judged. Both pure, each with
//!   its table. `refusal`: what is left out of a record that was refused.
//! - `applier`: what writes to Zendesk; its steps are in `create`, `send`, `jobs` with `judge` and
//!   `read_back`.
//! - `related`, `results`, `giving_up`, `conclude`: what a run that ends leaves.
//! - `fence`, `session`: other invocations, and what a warm process keeps.

mod add_only;
mod applier;
mod chunk;
mod conclude;
mod create;
mod doubt;
mod fence;
mod giving_up;
mod jobs;
mod judge;
mod list;
mod next;
mod read_back;
mod refusal;
mod related;
mod results;
mod run;
mod segments;
mod send;
mod session;
mod state;
mod work;

use domain::{Error, Result};
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use stage::deadline::{Deadline, TimeLimit, refuse_if_redriven, start_of};
use stage::events::{Progress, SoFar, SyncEvent, Synced, parse};
use stage::metrics::record_usage;
use stage::secrets::Secrets;
use stage::settings::Sync;
use stage::store::Store;

pub use jobs::POLL_INTERVAL;
pub use session::Session;

use next::Step;
use run::{Run, Stop, wait};
use state::{Opened, State};
use work::Work;

/// Applies the plan as far as the invocation's time allows.
///
/// # Errors
/// [`Error::Contract`] if the plan or its lists were changed, or saved progress belongs to another
/// plan; otherwise as Zendesk answers. Progress is saved after every write, so the same input may
/// be sent again.
pub async fn handler<S: Store, K: Secrets>(
    config: &Result<Sync, Error>,
    store: &S,
    secrets: &K,
    session: &Session,
    event: LambdaEvent<Value>,
) -> Result<Progress<Synced>, Error> {
    let wire = &session.wire;
    let began = wire.now();
    let config = config.as_ref().map_err(Clone::clone)?;
    let deadline = Deadline::of(&event.context, &wire.clock);
    let event: SyncEvent = parse(event.payload)?;
    refuse_if_redriven(event.redriven)?;
    let started_at = start_of(event.started_at, began)?;
    let work = session
        .work(store, &event.run_id, &event.plan, config)
        .await?;
    let limit = TimeLimit::of(started_at);
    let state = match open(config, store, &work, &deadline, &event.lease_taken_from).await? {
        Opened::Ours(state) => *state,
        Opened::Busy { seconds, so_far } => {
            let wait_seconds = limit.wait_seconds(seconds, wire.now());
            tracing::info!(run_id = %event.run_id, wait_seconds, "another may be running");
            return Ok(Progress::Wait {
                wait_seconds,
                so_far,
            });
        }
    };

    let mut run = Run {
        config,
        store,
        secrets,
        session,
        work: &work,
        state,
        deadline,
        limit,
        looks_in_vain: 0,
    };
    let stopped = run.go_on().await;
    if stopped.is_err() {
        run.judge_what_runs().await;
    }
    let now = wire.now();
    let usage = wire.meter.take().usage(began, now, Vec::new());
    record_usage(&usage, now);
    run.state.usage.add(&usage);
    run.conclude(stopped).await
}

/// Opens the progress, unless another invocation may still be at work: one of this execution, or
/// the last one of the execution whose lease was taken over.
async fn open<S: Store>(
    config: &Sync,
    store: &S,
    work: &Work,
    deadline: &Deadline,
    lease_taken_from: &str,
) -> Result<Opened> {
    let is_alone = config.reserved_concurrency > 0;
    let now = deadline.now();
    let fence = fence::of(store, lease_taken_from, is_alone, now).await?;
    let seconds = fence.seconds;
    if seconds > 0 {
        let so_far = SoFar {
            handled: 0,
            total: Some(work.total()),
        };
        return Ok(Opened::Busy { seconds, so_far });
    }
    let jobs_per_pause = config.jobs_per_pause;
    State::open(
        store,
        work,
        deadline,
        is_alone,
        jobs_per_pause,
        fence.creates_from,
    )
    .await
}

impl<S: Store, K: Secrets> Run<'_, S, K> {
    /// Goes on from the saved progress, step by step, until all is done or the invocation must end.
    async fn go_on(&mut self) -> Result<Stop, Error> {
        let mut has_begun = false;
        loop {
            let step = self.next();
            match step {
                Step::GiveUp => {
                    self.state.give_up(self.work);
                    continue;
                }
                Step::GiveUpCreates => {
                    self.state.give_up_creates(self.work);
                    continue;
                }
                Step::Finish if has_begun && self.has_to_ask() && !self.deadline.allows_more() => {
                    return Ok(Stop::Deadline);
                }
                Step::Finish => {
                    self.ask_for_users_and_tickets().await;
                    self.session.give_back().await;
                    return Ok(Stop::Finished);
                }
                Step::WaitForCreate(seconds) => {
                    return Ok(wait(seconds, "a create is, or may be, in doubt"));
                }
                Step::Pause => {
                    self.state.pausing();
                    return Ok(wait(self.config.pause_seconds, "enough jobs were sent"));
                }
                Step::Create(_) | Step::Send(_) | Step::Look => {}
            }
            if has_begun && !self.deadline.allows_more() {
                return Ok(Stop::Deadline);
            }
            has_begun = true;
            if let Some(stop) = self.take(step).await? {
                return Ok(stop);
            }
            self.save().await?;
        }
    }
}
