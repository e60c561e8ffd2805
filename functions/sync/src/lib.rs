//! Stage 4: the plan, applied. Creates, then updates, then marks; killed anywhere, the next
//! invocation goes on.

mod conclude;
mod create;
mod doubt;
mod fence;
mod jobs;
mod judge;
mod outcomes;
mod related;
mod send;
mod session;
mod state;
mod steps;
mod work;

use std::time::Instant;

use domain::{Error, Result};
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use stage::deadline::{Deadline, RunEnd, now};
use stage::events::{
    Progress, SoFar, SyncEvent, Synced, parse, refuse_if_old, refuse_if_redriven, run_id_of,
};
use stage::logs::log_failed;
use stage::metrics::record_usage;
use stage::secrets::Secrets;
use stage::settings::Sync;
use stage::store::Store;

pub use jobs::POLL_INTERVAL;
pub use session::Session;
use state::{Opened, State};
use steps::Run;
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
    let SyncEvent {
        run_id,
        started_at,
        redriven,
        lease_taken_from,
        plan,
    } = parse(event.payload)?;
    refuse_if_redriven(redriven)?;
    if let Some(started_at) = started_at {
        refuse_if_old(started_at, now())?;
    }
    let work = session.work(store, &run_id, &plan).await?;
    let end = RunEnd::of(started_at);
    let mut state = match open(config, store, &work, deadline, &lease_taken_from).await? {
        Opened::Ours(state) => state,
        Opened::Busy { seconds, so_far } => {
            tracing::info!(run_id = %run_id, wait_seconds = seconds, "another may be running");
            return Ok(Progress::Wait {
                wait_seconds: end.shortened(seconds, now()),
                so_far,
            });
        }
    };

    let run = Run {
        config,
        store,
        secrets,
        session,
        work: &work,
        deadline,
        end,
    };
    let stopped = run.go_on(&mut state).await;
    if stopped.is_err() {
        run.judge_what_runs(&mut state).await;
    }
    let usage = session.meter.take().usage(began, Vec::new());
    record_usage(&usage);
    state.usage.add(&usage);
    run.conclude(stopped, &mut state).await
}

/// Opens the progress, unless another invocation may still be at work: one of this execution, or
/// the last one of the execution whose lease was taken over.
async fn open<S: Store>(
    config: &Sync,
    store: &S,
    work: &Work,
    deadline: Deadline,
    lease_taken_from: &str,
) -> Result<Opened> {
    let run_id = &work.plan().header.run_id;
    let is_alone = config.reserved_concurrency > 0;
    let seconds = fence::seconds_of(store, lease_taken_from, is_alone).await?;
    if seconds > 0 {
        let so_far = SoFar {
            handled: 0,
            total: Some(work.total()),
        };
        return Ok(Opened::Busy { seconds, so_far });
    }
    State::open(
        store,
        run_id,
        work,
        deadline,
        is_alone,
        config.jobs_per_pause,
    )
    .await
}
