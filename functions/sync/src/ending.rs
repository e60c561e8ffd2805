//! The way out: `results.json`, the report, the history, and the pointer to the last good run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use shared::Result;
use shared::lambda::Synced;
use shared::model::{
    Action, Applied, Counts, Header, History, LastGood, Outcome, PastRun, RecordOutcome, Results,
    RunUsage, Summary, Usage,
};
use shared::report::{self, About, Cost, End, Known, Run, notice, seconds_between};
use shared::store::{HISTORY, LATEST, Store, history, key};
use shared::telemetry::{Metric, record};

use crate::state::{Ended, Phase, State};
use crate::work::Work;

/// Writes everything a finished run leaves behind. Doing it again writes the same, but for the
/// time.
pub async fn write<S: Store>(
    store: &S,
    work: &Work,
    state: &State,
    runbook: &str,
    request_ids: &str,
) -> Result<Synced> {
    let (plan, run_id) = (&work.plan, &work.plan.header.run_id);
    let mut history = history(store, run_id).await?;
    let results = counted(outcomes(work, state, true), &mut history, work);
    let results = &put_results(store, run_id, results, state).await?;

    let summary = report::summary(store.bucket(), plan, results);
    let (started_at, ended_at) = (plan.inputs.started_at, Timestamp::now());
    let seconds = seconds_between(started_at, ended_at);
    let Summary {
        counts,
        applied,
        verdict,
        ..
    } = summary.clone();
    history.note(PastRun {
        run_id: run_id.clone(),
        ended_at,
        seconds,
        ending: verdict.into(),
        error: None,
        counts,
        applied,
    });
    let usage = RunUsage {
        sync: state.usage.clone(),
        ..plan.usage.clone()
    };
    let state_machine = plan.inputs.state_machine.as_deref();
    let about = About {
        run_id,
        started_at,
        ended_at,
        bucket: store.bucket(),
        state_machine,
        mode: plan.mode,
        runbook,
        history: &history,
    };
    let (creates, updates, marks) = &work.planned;
    report::write(
        store,
        about,
        End::Planned(Run {
            plan,
            creates,
            updates,
            marks,
            results,
            known: Known::All,
            usage: &usage,
        }),
    )
    .await?;

    if verdict.moves_latest() {
        let (header, instances, failing) = (
            Header::new(run_id, counts.accounts),
            plan.instances.clone(),
            history.failing.clone(),
        );
        store
            .put_json(
                LATEST,
                &LastGood {
                    header,
                    verdict,
                    counts,
                    instances,
                    failing,
                },
                counts.accounts,
            )
            .await?;
    }
    store
        .put_json(HISTORY, &history, history.header.count)
        .await?;
    let notice = notice(
        store.bucket(),
        runbook,
        &history,
        Some(&plan.guard),
        results,
    );
    measure(&summary, seconds, Cost::of(&usage, notice.is_some()));
    let Applied {
        created,
        updated,
        marked,
        failed,
        drifted,
    } = applied;
    let Usage {
        calls,
        throttled,
        milliseconds,
        ..
    } = usage.sync;
    tracing::info!(
        run_id,
        ?verdict,
        created,
        updated,
        marked,
        failed,
        drifted,
        calls,
        throttled,
        milliseconds,
        request_ids,
        "synced"
    );
    Ok(Synced { summary, notice })
}

/// Leaves behind what a stage that failed knows: its progress, and the results so far.
pub async fn leave<S: Store>(store: &S, work: &Work, state: &mut State) -> Result<()> {
    state.save(store, false).await?;
    put_results(
        store,
        &work.plan.header.run_id,
        outcomes(work, state, false),
        state,
    )
    .await
    .map(drop)
}

/// Writes `results.json` and gives its entries back.
async fn put_results<S: Store>(
    store: &S,
    run_id: &str,
    results: Vec<RecordOutcome>,
    state: &State,
) -> Result<Vec<RecordOutcome>> {
    let document = Results {
        header: Header::new(run_id, results.len()),
        results,
        usage: state.usage.clone(),
    };
    store
        .put_json(
            &key(run_id, "results.json"),
            &document,
            document.results.len(),
        )
        .await?;
    Ok(document.results)
}

fn measure(summary: &Summary, seconds: u64, cost: Cost) {
    let Summary {
        verdict,
        counts: Counts { conflicts, .. },
        applied,
        held,
        run_id: _,
        mode: _,
        report: _,
    } = summary;
    let Applied {
        created,
        updated,
        marked,
        failed,
        drifted,
    } = *applied;
    record(Metric::GoodRun, i32::from(verdict.moves_latest()));
    record(
        Metric::HeldChanges,
        held.iter().map(|held| held.count).sum::<usize>(),
    );
    record(Metric::FailedRecords, failed);
    record(Metric::DriftedRecords, drifted);
    record(Metric::Conflicts, *conflicts);
    record(Metric::Created, created);
    record(Metric::Updated, updated);
    record(Metric::Marked, marked);
    record(Metric::RunSeconds, seconds);
    record(Metric::RunCostMicroUsd, cost.micro_usd());
}

/// Adds to each failed record in how many runs in a row it has failed, and keeps those numbers in
/// the history. A run that is in the history already was killed after it had counted. A record that
/// is held and was not tried keeps its number.
fn counted(
    mut results: Vec<RecordOutcome>,
    history: &mut History,
    work: &Work,
) -> Vec<RecordOutcome> {
    let this = u32::from(!history.has(&work.plan.header.run_id));
    for result in results
        .iter_mut()
        .filter(|result| result.outcome.is_failure())
    {
        let before = history
            .failing
            .get(&result.failing_key())
            .copied()
            .unwrap_or_default();
        result.runs_failed = Some((before + this).max(1));
    }
    let tried: BTreeMap<String, Option<u32>> = results
        .iter()
        .map(|result| (result.failing_key(), result.runs_failed))
        .collect();
    let planned = work.failing_keys();
    let mut failing = std::mem::take(&mut history.failing);
    failing.retain(|key, _| planned.contains(key) && !tried.contains_key(key));
    failing.extend(
        tried
            .into_iter()
            .filter_map(|(key, runs)| Some((key, runs?))),
    );
    history.keep_failing(failing);
    results
}

/// An outcome for every record that was to be applied, in the order of the plan. Of a run that is
/// not finished, only those that are decided.
fn outcomes(work: &Work, state: &State, finished: bool) -> Vec<RecordOutcome> {
    let creates = state
        .creates
        .iter()
        .enumerate()
        .map(|(index, Ended { outcome, id, error })| RecordOutcome {
            action: Action::Create,
            id: *id,
            salesforce_id: work.salesforce_id(Action::Create, index),
            outcome: *outcome,
            job_id: None,
            error: error.clone(),
            runs_failed: None,
        });
    let exceptions: BTreeMap<_, _> = state
        .exceptions
        .iter()
        .map(|one| ((one.action, one.index), one))
        .collect();
    let mut job_of = BTreeMap::new();
    for job in state.jobs.iter().filter(|job| job.phase == Phase::Judged) {
        job_of.extend(
            (job.chunk.from..job.chunk.to).map(|index| ((job.chunk.action, index), &job.id)),
        );
    }
    // A record that is sent again has a judged job behind it, and is open all the same.
    let running = state.running().map(|job| job.chunk);
    let open: BTreeSet<_> = running
        .chain(state.again.iter().copied())
        .flat_map(|chunk| (chunk.from..chunk.to).map(move |index| (chunk.action, index)))
        .collect();
    let bulk = [Action::Update, Action::Mark]
        .into_iter()
        .flat_map(|action| (0..work.len(action)).map(move |index| (action, index)));
    let bulk = bulk.filter_map(|(action, index)| {
        let (exception, job) = (
            exceptions.get(&(action, index)),
            job_of.get(&(action, index)),
        );
        let outcome = match (exception, job) {
            (Some(exception), _) => exception.outcome,
            (None, _) if !finished && open.contains(&(action, index)) => return None,
            (None, Some(_)) => Outcome::Done,
            (None, None) if finished => Outcome::Unknown,
            (None, None) => return None,
        };
        Some(RecordOutcome {
            action,
            id: work.id(action, index),
            salesforce_id: work.salesforce_id(action, index),
            outcome,
            job_id: job
                .map(|id| (*id).clone())
                .filter(|_| outcome != Outcome::Drifted),
            error: exception.and_then(|one| one.error.clone()),
            runs_failed: None,
        })
    });
    creates.chain(bulk).collect()
}
