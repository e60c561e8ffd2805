//! The way out: the one place where a run ends, whatever its end. Source: contract, section 2,
//! "The way out".
//!
//! # The order, and why
//! 1. `results.json`: what became of every record. Everything after it is made from it.
//! 2. `history.json`: before the report, which shows it; and a report that cannot be written must
//!    not silence the message about a failure.
//! 3. `memory.json`: before anything that can fail for a reason of its own, because the next run is
//!    judged by it. It follows from the plan and the results alone.
//! 4. `report.html`, `report.md`, `report.json`.
//! 5. `latest.json`: a run counts as good only once a person could judge it.
//! 6. Metrics and the message to people: they cannot be taken back.
//!
//! Who is killed in between begins again at the first step, and each may be done twice: documents
//! are overwritten, the history holds a run once, and a failing record is counted once a run.

mod failing;
mod known;

use jiff::Timestamp;

use crate::deadline::now;
use crate::loader::Planned;
use crate::metrics::{Metric, record};
use crate::recall::find_memory;
use crate::store::Store;
use domain::model::{
    Applied, Conclusion, Guarded, HISTORY, Header, History, LATEST, LastGood, MEMORY, Memory, Mode,
    PastRun, RecordOutcome, Related, ReportLocation, Results, Summary, Usage, run_key,
};
use domain::plan::{Plan, next_purge, verdict};
use domain::{Error, Result};
use known::{AppliedPlan, KnownRun};
use report::Reporting;
use report::{About, Cost, Notice, Report, notice, seconds_between};

const SECONDS_OF_AN_HOUR: u64 = 3600;

#[derive(Debug, Clone, Copy)]
pub struct EndingRun<'a> {
    pub run_id: &'a str,
    pub started_at: Timestamp,
    pub state_machine: Option<&'a str>,
    /// What was to be done with the plan.
    pub mode: Mode,
    /// What its report and messages need to know.
    pub reporting: &'a Reporting,
}

impl<'a> EndingRun<'a> {
    /// The run of a plan.
    pub fn of(plan: &'a Plan, reporting: &'a Reporting) -> Self {
        Self {
            run_id: &plan.header.run_id,
            started_at: plan.inputs.started_at,
            state_machine: plan.inputs.state_machine.as_deref(),
            mode: plan.mode,
            reporting,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Ending<'a> {
    /// Its plan was applied, but for what is held.
    Applied {
        planned: &'a Planned,
        /// An outcome for every record that was to be applied.
        results: Vec<RecordOutcome>,
        /// What hangs on the organizations that are to be marked, held or not.
        related: &'a [Related],
        usage: &'a Usage,
    },
    /// In plan mode, with a plan.
    Planned(&'a Planned),
    /// It could not go on.
    Failed {
        error: &'a str,
        /// What happened, and what to do.
        cause: &'a str,
    },
    /// Another execution was running.
    Skipped {
        holder: &'a str,
        /// What this execution was to approve.
        approve: &'a [String],
    },
}

/// Ends a run, and returns what people are to be told of it.
///
/// # Errors
/// As for [`Store::put`]. Called again, it goes through all steps again.
pub async fn end<S: Store>(
    store: &S,
    run: EndingRun<'_>,
    ending: Ending<'_>,
) -> Result<Option<Notice>> {
    let ended_at = now();
    let mut history = read_history(store, run.run_id).await?;
    let ending = counted(ending, &mut history);
    if let Ending::Applied {
        planned: _,
        results,
        related,
        usage,
    } = &ending
    {
        put_results(store, run.run_id, results, related, usage).await?;
    }

    let known = KnownRun::of(store, run.run_id, ending).await?;
    let past = past_run(run, &known, ended_at);
    let conclusion = past.ending;
    // A plan somebody looks at and a skipped run change nothing that the next run goes by.
    let is_noted = run.mode == Mode::Apply && conclusion != Conclusion::Skipped;
    let told = if is_noted {
        note(store, run, past, &known, &mut history).await?
    } else {
        None
    };

    let about = About {
        people_are_told: told.is_some(),
        ..about(store.bucket(), run, ended_at, &history)
    };
    let report = Report::of(about, known.run_end());
    match put_report(store, run.run_id, &report).await {
        // A message that is never sent is worse than a report that is missing.
        Err(error) if conclusion == Conclusion::Failed && told.is_some() => {
            tracing::error!(run_id = run.run_id, "no report of this run: {error}");
        }
        written => written?,
    }

    if is_noted && conclusion.moves_latest() {
        put_latest(store, &known, &history).await?;
    }
    if is_noted {
        measure(&known, about);
    }
    Ok(told)
}

/// Notes the run for the next ones, and says what people are to be told of it.
async fn note<S: Store>(
    store: &S,
    run: EndingRun<'_>,
    past: PastRun,
    known: &KnownRun<'_>,
    history: &mut History,
) -> Result<Option<Notice>> {
    let ended_at = past.ended_at;
    history.note(past);
    let about = about(store.bucket(), run, ended_at, history);
    let told = notice(about, known.run_end());
    if told.is_some() {
        history.tell();
    }
    put_json(store, HISTORY, &history, history.header.count).await?;
    if let Some(applied) = known.applied() {
        let memory = applied.memory(known.is_finished(), ended_at);
        put_memory(store, applied, memory).await?;
    }
    Ok(told)
}

/// The ending, with each failed record's number of runs in which it has failed.
fn counted<'a>(mut ending: Ending<'a>, history: &mut History) -> Ending<'a> {
    if let Ending::Applied {
        planned, results, ..
    } = &mut ending
    {
        failing::count(results, history, planned);
    }
    ending
}

pub fn summary(bucket: &str, plan: &Plan, results: &[RecordOutcome]) -> Summary {
    let applied = Applied::of(results);
    let run_id = &plan.header.run_id;
    Summary {
        verdict: verdict(plan, &applied),
        run_id: run_id.clone(),
        mode: plan.mode,
        counts: plan.counts,
        applied,
        held: plan.guard.held(),
        report: ReportLocation {
            bucket: bucket.to_owned(),
            html: run_key(run_id, "report.html"),
            markdown: run_key(run_id, "report.md"),
        },
    }
}

/// Writes `results.json`: of a run that ends, an outcome for every record; of a stage that failed,
/// for those of which it is known.
///
/// # Errors
/// As for [`Store::put`].
pub async fn put_results<S: Store>(
    store: &S,
    run_id: &str,
    results: &[RecordOutcome],
    related: &[Related],
    usage: &Usage,
) -> Result<()> {
    let document = Results {
        header: Header::new(run_id, results.len()),
        results: results.to_vec(),
        related: related.to_vec(),
        usage: usage.clone(),
    };
    let key = run_key(run_id, "results.json");
    put_json(store, &key, &document, results.len()).await
}

/// The last runs. The history begins anew if there is none, or if it cannot be read: nothing is
/// decided by it.
async fn read_history<S: Store>(store: &S, run_id: &str) -> Result<History> {
    match store.find_json(HISTORY).await {
        Ok(Some(history)) => Ok(history),
        Ok(None) => Ok(History::new(run_id)),
        Err(Error::Contract(why)) => {
            tracing::warn!(run_id, "the history begins anew: {why}");
            Ok(History::new(run_id))
        }
        Err(other) => Err(other),
    }
}

fn past_run(run: EndingRun<'_>, known: &KnownRun<'_>, ended_at: Timestamp) -> PastRun {
    let applied = known.applied();
    PastRun {
        run_id: run.run_id.to_owned(),
        ended_at,
        seconds: seconds_between(run.started_at, ended_at),
        ending: known.conclusion(),
        error: known.error(),
        counts: applied.map(|run| run.plan().counts).unwrap_or_default(),
        applied: applied
            .map(|run| Applied::of(&run.results))
            .unwrap_or_default(),
        held: held_categories(applied),
        told: false,
    }
}

/// What this run left held. A run that failed did not come to apply anything else either.
fn held_categories(applied: Option<&AppliedPlan<'_>>) -> Vec<Guarded> {
    let held = applied
        .map(|run| run.plan().guard.held())
        .unwrap_or_default();
    held.into_iter().map(|held| held.category).collect()
}

fn about<'a>(
    bucket: &'a str,
    run: EndingRun<'a>,
    ended_at: Timestamp,
    history: &'a History,
) -> About<'a> {
    let EndingRun {
        run_id,
        started_at,
        state_machine,
        mode,
        reporting,
    } = run;
    About {
        run_id,
        started_at,
        ended_at,
        bucket,
        state_machine,
        mode,
        reporting,
        history,
        people_are_told: false,
    }
}

async fn put_report<S: Store>(store: &S, run_id: &str, report: &Report) -> Result<()> {
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

/// Leaves what the next runs must know if this run is cut off and never comes to its end: marks
/// that may be set, and what is held. Its own end overwrites it.
///
/// # Errors
/// As for [`Store::put`].
pub async fn foresee<S: Store>(store: &S, planned: &Planned) -> Result<()> {
    let applied = AppliedPlan::cut_off(planned);
    put_memory(store, &applied, applied.memory(false, now())).await
}

/// Writes the memory. If another run has written one since this run's plan was made, the one that
/// started later is right, and gets the marks of the other.
async fn put_memory<S: Store>(store: &S, applied: &AppliedPlan<'_>, own: Memory) -> Result<()> {
    let plan = applied.plan();
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
    put_json(store, MEMORY, &memory, memory.header.count).await
}

/// Moves the pointer to the last good run.
async fn put_latest<S: Store>(store: &S, known: &KnownRun<'_>, history: &History) -> Result<()> {
    let Some(applied) = known.applied() else {
        return Ok(());
    };
    let plan = applied.plan();
    let accounts = plan.counts.accounts;
    let latest = LastGood {
        header: Header::new(&plan.header.run_id, accounts),
        verdict: verdict(plan, &Applied::of(&applied.results)),
        counts: plan.counts,
        instances: plan.instances.clone(),
        failing: history.failing.clone(),
    };
    put_json(store, LATEST, &latest, accounts).await
}

async fn put_json<S: Store, T: serde::Serialize + Sync>(
    store: &S,
    key: &str,
    document: &T,
    count: usize,
) -> Result<()> {
    store.put_json(key, document, count).await.map(drop)
}

/// Records the metrics of a run that is noted in the history.
fn measure(known: &KnownRun<'_>, about: About<'_>) {
    let hours_held = about.history.held_since.map_or(0, |since| {
        seconds_between(since, about.ended_at) / SECONDS_OF_AN_HOUR
    });
    record(Metric::HoursHeld, hours_held);
    let purge = next_purge(about.ended_at);
    let hours_to_purge = seconds_between(about.ended_at, purge) / SECONDS_OF_AN_HOUR;
    record(Metric::HoursToPurge, hours_to_purge);
    let is_good = known.conclusion().moves_latest();
    record(Metric::GoodRun, i32::from(is_good));
    if let Some(applied) = known.applied() {
        let counts = applied.plan().counts;
        record(Metric::MarksPending, applied.marks_pending());
        record(Metric::Waiting, counts.waiting);
        record(Metric::Unlinked, counts.unlinked);
    }
    let KnownRun::Planned(applied) = known else {
        return;
    };
    let Applied {
        created,
        updated,
        marked,
        failed,
        unknown,
        drifted,
    } = Applied::of(&applied.results);
    let plan = applied.plan();
    let held: usize = plan.guard.held().iter().map(|held| held.count).sum();
    let cost = Cost::of(&applied.usage, about.people_are_told);
    let seconds = seconds_between(about.started_at, about.ended_at);
    record(Metric::HeldChanges, held);
    record(Metric::FailedRecords, failed);
    record(Metric::UnknownRecords, unknown);
    record(Metric::DriftedRecords, drifted);
    record(Metric::Conflicts, plan.counts.conflicts);
    record(Metric::Created, created);
    record(Metric::Updated, updated);
    record(Metric::Marked, marked);
    record(Metric::RunSeconds, seconds);
    record(Metric::RunCostMicroUsd, cost.micro_usd());
}
