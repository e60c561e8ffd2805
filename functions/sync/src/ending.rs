//! The way out: `results.json`, the report, and the pointer to the last good run.

use std::collections::BTreeMap;

use shared::Result;
use shared::model::{Action, Header, LastGood, Outcome, RecordOutcome, Results, Summary, Verdict};
use shared::report;
use shared::store::{LATEST, Store, key};

use crate::state::{Ended, Phase, State};
use crate::work::Work;

/// Writes everything a finished run leaves behind and returns the execution's output. Doing it twice changes nothing.
pub async fn write<S: Store>(store: &S, work: &Work, state: &State) -> Result<Summary> {
    let header = &work.plan.header;
    let last: Option<LastGood> = store.find_json(LATEST).await?;
    let mut results = outcomes(work, state);
    for result in results.iter_mut().filter(|result| matches!(result.outcome, Outcome::Failed | Outcome::Unknown)) {
        let (before, this) = last.as_ref().map_or((0, 1), |last| {
            let before = last.failing.get(&result.failing_key()).copied().unwrap_or_default();
            (before, u32::from(last.header.run_id != header.run_id))
        });
        result.runs_failed = Some((before + this).max(1));
    }
    let document = Results { header: Header::new(&header.run_id, results.len()), results };
    store.put_json(&key(&header.run_id, "results.json"), &document, document.results.len()).await?;
    let (creates, updates, marks) = &work.planned;
    let summary = report::write(store, report::Run { plan: &work.plan, creates, updates, marks, results: &document.results }).await?;
    if matches!(summary.verdict, Verdict::Ok | Verdict::NothingToDo | Verdict::Partial) {
        let failing: BTreeMap<String, u32> =
            document.results.iter().filter_map(|result| result.runs_failed.map(|runs| (result.failing_key(), runs))).collect();
        let good = LastGood { header: Header::new(&header.run_id, failing.len()), verdict: summary.verdict, counts: summary.counts, failing };
        store.put_json(LATEST, &good, good.header.count).await?;
    }
    tracing::info!(run_id = header.run_id, verdict = ?summary.verdict, applied = ?summary.applied, "synced");
    Ok(summary)
}

/// One outcome for every record that was to be applied, in the order of the plan.
fn outcomes(work: &Work, state: &State) -> Vec<RecordOutcome> {
    let creates = state.creates.iter().enumerate().map(|(index, Ended { outcome, id, error })| RecordOutcome {
        action: Action::Create,
        id: *id,
        salesforce_id: work.salesforce_id(Action::Create, index),
        outcome: *outcome,
        job_id: None,
        error: error.clone(),
        runs_failed: None,
    });
    let exceptions: BTreeMap<_, _> = state.exceptions.iter().map(|one| ((one.action, one.index), one)).collect();
    let mut job_of = BTreeMap::new();
    for job in state.jobs.iter().filter(|job| job.phase == Phase::Judged) {
        job_of.extend((job.chunk.from..job.chunk.to).map(|index| ((job.chunk.action, index), &job.id)));
    }
    let bulk = [Action::Update, Action::Mark].into_iter().flat_map(|action| (0..work.len(action)).map(move |index| (action, index)));
    let bulk = bulk.map(|(action, index)| {
        let exception = exceptions.get(&(action, index));
        let job_id = job_of.get(&(action, index)).map(|id| (*id).clone());
        let proven = if job_id.is_some() { Outcome::Done } else { Outcome::Unknown };
        let outcome = exception.map_or(proven, |one| one.outcome);
        RecordOutcome {
            action,
            id: work.id(action, index),
            salesforce_id: work.salesforce_id(action, index),
            outcome,
            job_id: job_id.filter(|_| outcome != Outcome::Drifted),
            error: exception.and_then(|one| one.error.clone()),
            runs_failed: None,
        }
    });
    creates.chain(bulk).collect()
}
