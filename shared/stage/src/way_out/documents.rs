//! The documents a run leaves when it ends.

use domain::model::{HISTORY, Header, History, LATEST, LastGood, MEMORY, Memory, Results, run_key};
use domain::plan::{Plan, PlannedRun};
use domain::{Error, Result};
use jiff::Timestamp;
use report::Report;
use serde::Serialize;

use super::EndingRun;
use crate::recall::find_memory;
use crate::store::Store;

/// Writes `results.json`: of a run that ends, an outcome for every record; of a stage that failed,
/// for those whose outcome is known.
///
/// # Errors
/// As for [`Store::put`].
pub async fn put_results<S: Store>(
    store: &S,
    run_id: &str,
    now: Timestamp,
    run: &PlannedRun<'_>,
) -> Result<()> {
    let count = run.results.len();
    let document = Results {
        header: Header::new(run_id, now, count),
        results: run.results.clone(),
        related: run.related.clone(),
        usage: run.usage.sync.clone(),
    };
    put(store, &run_key(run_id, "results.json"), &document, count).await
}

/// The last runs. The history begins anew if there is none, or if it cannot be read: nothing is
/// decided by it.
pub(super) async fn read_history<S: Store>(store: &S, run: EndingRun<'_>) -> Result<History> {
    match store.find_json(HISTORY).await {
        Ok(Some(history)) => Ok(history),
        Ok(None) => Ok(History::new(run.run_id, run.ended_at)),
        Err(Error::Contract(why)) => {
            let run_id = run.run_id;
            tracing::warn!(run_id, "the history begins anew: {why}");
            Ok(History::new(run_id, run.ended_at))
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn put_history<S: Store>(store: &S, history: &History) -> Result<()> {
    put(store, HISTORY, history, history.header.count).await
}

/// Writes the memory. If another run has written one since this run's plan was made, the one that
/// started later is right, and gets the marks of the other.
pub(super) async fn put_memory<S: Store>(store: &S, plan: &Plan, own: Memory) -> Result<()> {
    let known_before = plan.inputs.memory.as_ref();
    let is_known = |run_id: &str| {
        run_id == plan.header.run_id || known_before.is_some_and(|one| one.header.run_id == run_id)
    };
    let memory = match find_memory(store, &plan.header.run_id).await? {
        Some(other) if is_known(&other.header.run_id) => own,
        Some(other) if other.started_at > own.started_at => other.with_marks_of(own),
        Some(other) => own.with_marks_of(other),
        None => own,
    };
    put(store, MEMORY, &memory, memory.header.count).await
}

pub(super) async fn put_report<S: Store>(store: &S, run_id: &str, report: &Report) -> Result<()> {
    let html = report.html()?.into_bytes();
    let markdown = report.markdown().into_bytes();
    let json = report.json()?;
    for (file, bytes, content_type) in [
        ("report.html", html, "text/html; charset=utf-8"),
        ("report.md", markdown, "text/markdown; charset=utf-8"),
        ("report.json", json, "application/json"),
    ] {
        let key = run_key(run_id, file);
        store.put(&key, bytes, content_type).await?;
    }
    Ok(())
}

/// Moves the pointer to the last good run.
pub(super) async fn put_latest<S: Store>(
    store: &S,
    run: EndingRun<'_>,
    applied: &PlannedRun<'_>,
    history: &History,
) -> Result<()> {
    let plan = &applied.planned.plan;
    let accounts = plan.counts.accounts;
    let latest = LastGood {
        header: Header::new(run.run_id, run.ended_at, accounts),
        verdict: applied.verdict(),
        counts: plan.counts,
        linked: Some(plan.guard.seen.linked),
        instances: plan.instances.clone(),
        failing: history.failing.clone(),
    };
    put(store, LATEST, &latest, accounts).await
}

async fn put<S: Store, T: Serialize + Sync>(
    store: &S,
    key: &str,
    document: &T,
    count: usize,
) -> Result<()> {
    store.put_json(key, document, count).await.map(drop)
}
