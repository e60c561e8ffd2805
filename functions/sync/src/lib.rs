//! Stage 4: the plan, applied. Creates, then updates, then marks; killed anywhere, the next
//! invocation goes on.

mod create;
mod jobs;
mod outcomes;
mod send;
mod session;
mod state;
mod steps;
mod work;

use std::time::Instant;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::config::Sync;
use shared::deadline::{Deadline, now};
use shared::lambda::{
    Progress, SyncEvent, Synced, parse, refuse_if_old, refuse_if_redriven, run_id_of,
};
use shared::secrets::Secrets;
use shared::store::Store;
use shared::telemetry::{log_failed, record_usage};
use shared::way_out::{self, Ending, EndingRun};
use shared::{Error, Result};

pub use session::Session;
use state::State;
use steps::{Stop, go_on};
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
        plan,
    } = parse(event.payload)?;
    refuse_if_redriven(redriven)?;
    if let Some(started_at) = started_at {
        refuse_if_old(started_at, now())?;
    }
    let work = Work::load(store, &run_id, &plan).await?;
    let mut state = State::open(store, &run_id, &work).await?;

    let stopped = go_on(config, store, secrets, session, &work, &mut state, deadline).await;
    let usage = session.meter.take().usage(began, Vec::new());
    record_usage(&usage);
    state.usage.add(&usage);
    let so_far = state.so_far(&work);
    match stopped {
        Ok(Stop::Finished) => {
            state.save(store, false).await?;
            let synced = finish(config, store, session, &work, &state).await?;
            Ok(Progress::Done(synced))
        }
        Ok(Stop::Wait { seconds, why }) => {
            state.usage.waited(seconds);
            state.save(store, true).await?;
            tracing::info!(
                run_id = %run_id,
                handled = so_far.handled,
                wait_seconds = seconds,
                request_ids = session.meter.take_ids(),
                "pause: {why}"
            );
            Ok(Progress::Wait {
                wait_seconds: seconds,
                so_far,
            })
        }
        Ok(Stop::Deadline) => {
            state.save(store, true).await?;
            tracing::info!(
                run_id = %run_id,
                handled = so_far.handled,
                request_ids = session.meter.take_ids(),
                "to be continued"
            );
            Ok(Progress::Continue { so_far })
        }
        Err(error) => {
            // What stopped the stage matters more: the writes are saved, and the last one counts as
            // in doubt.
            if let Err(lost) = leave(store, &work, &mut state).await {
                tracing::warn!(run_id = %run_id, "its results so far are lost: {lost}");
            }
            Err(error)
        }
    }
}

/// Everything is applied: the run ends.
async fn finish<S: Store>(
    config: &Sync,
    store: &S,
    session: &Session,
    work: &Work,
    state: &State,
) -> Result<Synced> {
    let plan = work.plan();
    let results = outcomes::of_finished(work, state);
    let summary = way_out::summary(store.bucket(), plan, &results);
    let run = EndingRun::of(plan, &config.runbook);
    let ending = Ending::Applied {
        planned: &work.planned,
        results,
        usage: &state.usage,
    };
    let notice = way_out::end(store, run, ending).await?;
    tracing::info!(
        run_id = plan.header.run_id,
        verdict = ?summary.verdict,
        created = summary.applied.created,
        updated = summary.applied.updated,
        marked = summary.applied.marked,
        failed = summary.applied.failed,
        drifted = summary.applied.drifted,
        calls = state.usage.calls,
        throttled = state.usage.throttled,
        milliseconds = state.usage.milliseconds,
        request_ids = session.meter.take_ids(),
        "synced"
    );
    Ok(Synced { summary, notice })
}

/// A stage that failed leaves its progress and the results so far, for the report of the failure.
async fn leave<S: Store>(store: &S, work: &Work, state: &mut State) -> Result<()> {
    state.save(store, false).await?;
    let results = outcomes::so_far(work, state);
    let run_id = &work.plan().header.run_id;
    way_out::put_results(store, run_id, &results, &state.usage).await
}
