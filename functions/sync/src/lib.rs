//! Stage 4: the plan, applied. Creates, then updates, then marks; killed anywhere, the next
//! invocation goes on.

mod bulk;
mod create;
mod ending;
mod session;
mod state;
mod work;

use std::time::{Duration, Instant};

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::Sync;
use shared::deadline::Deadline;
use shared::lambda::{Progress, SyncEvent, Synced, parse, run_id_of};
use shared::secrets::Secrets;
use shared::store::Store;
use shared::telemetry::{log_failed, record_usage};
use shared::zendesk::CallError;
use shared::{Error, Result};

pub use session::Session;
use state::{State, Step};
use work::Work;

/// Between two looks at running jobs: a short sleep a few times, then a Wait state.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const LOOKS: u32 = 3;
const LOOK_LATER: u64 = 5;

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
    let run_id = run_id_of(&event.payload);
    let synced = apply(config, store, secrets, session, event).await;
    synced.inspect_err(|error| log_failed("sync", &run_id, error, &session.meter.take_ids()))
}

async fn apply<S: Store, K: Secrets>(
    config: &Result<Sync, Error>,
    store: &S,
    secrets: &K,
    session: &Session,
    event: LambdaEvent<Value>,
) -> Result<Progress<Synced>, Error> {
    let began = Instant::now();
    let config = config.as_ref().map_err(Clone::clone)?;
    let deadline = Deadline::from(&event.context);
    let SyncEvent { run_id, plan } = parse(event.payload)?;
    let work = Work::load(store, &run_id, &plan).await?;
    let mut state = State::open(store, &run_id, &work).await?;

    let stopped = go_on(config, store, secrets, session, &work, &mut state, deadline).await;
    let usage = session.meter.take().usage(began, Vec::new());
    record_usage(&usage);
    let so_far = state.so_far(&work);
    let handled = so_far.handled;
    match stopped {
        Ok(Stop::Finished) => {
            state.usage.add(&usage);
            state.save(store, false).await?;
            ending::write(
                store,
                &work,
                &state,
                &config.runbook,
                &session.meter.take_ids(),
            )
            .await
            .map(Progress::Done)
        }
        Ok(Stop::Wait {
            seconds: wait_seconds,
            why,
        }) => {
            state.usage.add(&usage.waiting(wait_seconds));
            state.save(store, true).await?;
            tracing::info!(
                run_id = %run_id,
                handled,
                wait_seconds,
                request_ids = session.meter.take_ids(),
                "pause: {why}"
            );
            Ok(Progress::Wait {
                wait_seconds,
                so_far,
            })
        }
        Ok(Stop::Deadline) => {
            state.usage.add(&usage);
            state.save(store, true).await?;
            tracing::info!(
                run_id = %run_id,
                handled,
                request_ids = session.meter.take_ids(),
                "to be continued"
            );
            Ok(Progress::Continue { so_far })
        }
        Err(error) => {
            state.usage.add(&usage);
            // What stopped the stage matters more: the writes are saved, and the last one counts as
            // in doubt.
            let left = ending::leave(store, &work, &mut state).await;
            let _ = left.inspect_err(
                |lost| tracing::warn!(run_id = %run_id, "its results so far are lost: {lost}"),
            );
            Err(error)
        }
    }
}

/// Why an invocation comes to its end.
enum Stop {
    Finished,
    Wait { seconds: u64, why: String },
    Deadline,
}

/// One step after the other, each saved.
async fn go_on<S: Store, K: Secrets>(
    config: &Sync,
    store: &S,
    secrets: &K,
    session: &Session,
    work: &Work,
    state: &mut State,
    deadline: Deadline,
) -> Result<Stop, Error> {
    let Sync {
        bucket: _,
        runbook: _,
        secret,
        jobs_per_pause,
        pause_seconds,
    } = config;
    let (mut looks, mut begun) = (0, false);
    loop {
        let step = state.next(work, *jobs_per_pause);
        if step == Step::Finish {
            return Ok(Stop::Finished);
        }
        let mut client = session
            .client(&work.plan.header.run_id, secret, secrets)
            .await?;
        if begun && !deadline.allows_more() {
            return Ok(Stop::Deadline);
        }
        if let Some(seconds) = client.nearly_used_up() {
            return Ok(Stop::Wait {
                seconds,
                why: "the rate limit is nearly used up".to_owned(),
            });
        }
        begun = true;
        let done = match step {
            Step::Create(index) => create::create(&mut client, work, state, index).await,
            Step::Send(chunk) => bulk::send(&mut client, work, state, chunk).await,
            Step::Look => bulk::look(&mut client, work, state, &mut looks).await,
            Step::Pause | Step::Finish => {
                state.pausing();
                Ok(Some(*pause_seconds))
            }
        };
        match done {
            Ok(pause) => {
                state.throttled.went_forward();
                if let Some(seconds) = pause {
                    let why = if step == Step::Pause {
                        "enough jobs were sent"
                    } else {
                        "jobs are running"
                    };
                    return Ok(Stop::Wait {
                        seconds,
                        why: why.to_owned(),
                    });
                }
            }
            Err(CallError::Pause { seconds, what }) if state.throttled.one_more() => {
                return Ok(Stop::Wait { seconds, why: what });
            }
            Err(error) => return Err(error.into()),
        }
        state.save(store, false).await?;
    }
}
