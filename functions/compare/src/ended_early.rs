//! A run that ended before its report could be written: it failed, or another one was running.

use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::lambda::{EndedEarly, EndedEarlyEvent, Recorded, parse};
use shared::model::{Applied, Counts, Ending, PastRun};
use shared::plan::{Create, Creates, List, Lists, Mark, NotInSync, Plan, Update, Updates};
use shared::report::{self, About, End, Run, notice, seconds_between};
use shared::store::{HISTORY, Store, history, key};
use shared::telemetry::{Metric, record};
use shared::{Error, Result};

/// Writes the report, and for a failed run its place in the history.
///
/// # Errors
/// [`Error::Input`] for an event that is not known; as for [`Store::put`].
pub(crate) async fn record_end<S: Store>(store: &S, event: LambdaEvent<Value>) -> Result<Recorded> {
    let EndedEarlyEvent { run_id, started_at, state_machine, ended } = parse(event.payload)?;
    let ended_at = Timestamp::now();
    let mut history = history(store, &run_id).await?;
    let stored = match ended {
        EndedEarly::Failed { .. } => Stored::find(store, &run_id).await,
        EndedEarly::Skipped { .. } => None,
    };
    if let EndedEarly::Failed { error, cause: _ } = &ended {
        history.note(PastRun {
            run_id: run_id.to_string(),
            ended_at,
            seconds: seconds_between(started_at, ended_at),
            ending: Ending::Failed,
            error: Some(error.clone()),
            counts: stored.as_ref().map_or_else(Counts::default, |stored| stored.plan.counts),
            applied: Applied::default(),
        });
    }
    let about = About { run_id: &run_id, started_at, ended_at, bucket: store.bucket(), state_machine: state_machine.as_deref(), history: &history };
    let end = match &ended {
        EndedEarly::Failed { error, cause } => End::Failed { error, cause, run: stored.as_ref().map(Stored::run) },
        EndedEarly::Skipped { holder } => End::Skipped { holder },
    };
    report::write(store, about, end).await?;
    let EndedEarly::Failed { error, .. } = &ended else {
        tracing::info!(run_id = %run_id, "skipped");
        return Ok(Recorded { notice: None });
    };
    store.put_json(HISTORY, &history, history.header.count).await?;
    record(Metric::GoodRun, 0);
    tracing::info!(run_id = %run_id, error, "recorded as failed");
    Ok(Recorded { notice: notice(store.bucket(), &history, &[], &[]) })
}

/// The plan of the run, if it came so far.
struct Stored {
    plan: Plan,
    creates: Vec<Create>,
    updates: Vec<Update>,
    marks: Vec<Mark>,
}

impl Stored {
    /// Finds it. A run that failed may have left anything, and the report is written all the same.
    async fn find<S: Store>(store: &S, run_id: &str) -> Option<Self> {
        let plan: Plan = found(store, &key(run_id, "plan.json")).await?;
        let Lists { creates, updates, not_in_sync } = &plan.lists;
        let (_, creates) = found::<Creates, S>(store, &creates.reference.key).await?.into_parts();
        let (_, updates) = found::<Updates, S>(store, &updates.reference.key).await?.into_parts();
        let (_, marks) = found::<NotInSync, S>(store, &not_in_sync.reference.key).await?.into_parts();
        Some(Self { plan, creates, updates, marks })
    }

    fn run(&self) -> Run<'_> {
        let Self { plan, creates, updates, marks } = self;
        Run { plan, creates, updates, marks, results: None, usage: &plan.usage }
    }
}

async fn found<T: DeserializeOwned, S: Store>(store: &S, key: &str) -> Option<T> {
    let found = store.find_json(key).await;
    found.inspect_err(|error: &Error| tracing::warn!("the report goes without it: {error}")).ok().flatten()
}
