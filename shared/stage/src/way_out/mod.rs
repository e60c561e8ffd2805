//! The way out: the one place where a run ends, however it ends. Source: contract, section 2,
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
//! A run that is killed in between begins again at the first step, and each step may be done twice:
//! documents are overwritten, the history holds a run once, and a failing record is counted once a
//! run.

mod documents;
mod failing;
mod left_behind;
mod measure;

use domain::Result;
use domain::model::{
    Applied, Category, History, Mode, PastRun, RecordOutcome, ReportLocation, Summary, Verdict,
    run_key,
};
use domain::plan::{Plan, Planned, PlannedRun, RunEnd, remember, verdict};
use jiff::Timestamp;
use report::{Notice, Report, ReportContext, Reporting, is_told_again, notice, seconds_between};

use crate::store::Store;
pub use documents::put_results;
use documents::{put_history, put_latest, put_memory, put_report, read_history};
pub use left_behind::reached;

/// The run that ends.
#[derive(Debug, Clone, Copy)]
pub struct EndingRun<'a> {
    pub run_id: &'a str,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// The state machine's ARN.
    pub state_machine: Option<&'a str>,
    /// What was to be done with the plan.
    pub mode: Mode,
    pub reporting: &'a Reporting,
}

impl<'a> EndingRun<'a> {
    /// The run of a plan, which ends now.
    pub fn of(plan: &'a Plan, reporting: &'a Reporting, now: Timestamp) -> Self {
        Self {
            run_id: &plan.header.run_id,
            started_at: plan.inputs.started_at,
            ended_at: now,
            state_machine: plan.inputs.state_machine.as_deref(),
            mode: plan.mode,
            reporting,
        }
    }
}

/// Ends a run, and returns what people are to be told of it.
///
/// # Errors
/// As for [`Store::put`]. Called again, it goes through all steps again.
pub async fn end<S: Store>(
    store: &S,
    run: EndingRun<'_>,
    mut end: RunEnd<'_>,
) -> Result<Option<Notice>> {
    let mut history = read_history(store, run).await?;
    if let RunEnd::Planned(applied) = &mut end
        && run.mode == Mode::Apply
    {
        failing::count(applied, &mut history, run.ended_at);
        put_results(store, run.run_id, run.ended_at, applied).await?;
    }
    let verdict = end.verdict();
    // A run in plan mode and a skipped run change nothing that the next run depends on.
    let is_noted = run.mode == Mode::Apply && verdict != Verdict::Skipped;
    let told = if is_noted {
        note(store, run, &end, &mut history).await?
    } else {
        None
    };

    let context = ReportContext {
        people_are_told: told.is_some(),
        ..context(store.bucket(), run, &history)
    };
    match put_report(store, run.run_id, &Report::of(context, &end)).await {
        // A message that is never sent is worse than a report that is missing.
        Err(error) if verdict == Verdict::Failed && told.is_some() => {
            tracing::error!(run_id = run.run_id, "no report of this run: {error}");
        }
        written => written?,
    }
    if is_noted {
        if let RunEnd::Planned(applied) = &end
            && verdict.moves_latest(&held_categories(applied))
        {
            put_latest(store, run, applied, &history).await?;
        }
        measure::record_end(&end, context);
    }
    Ok(told)
}

/// Notes the run for the next ones, and says what people are to be told of it.
async fn note<S: Store>(
    store: &S,
    run: EndingRun<'_>,
    end: &RunEnd<'_>,
    history: &mut History,
) -> Result<Option<Notice>> {
    history.note(past_run(run, end));
    let told = notice(context(store.bucket(), run, history), end)?;
    if told.is_some() {
        history.tell();
    }
    put_history(store, history).await?;
    if let Some(applied) = end.planned() {
        let plan = &applied.planned.plan;
        put_memory(store, plan, remember(applied, run.ended_at)).await?;
    }
    Ok(told)
}

/// Notes that the message about a run could not be sent, so that the next run tells it. The run has
/// ended: it is in the history.
///
/// # Errors
/// As for [`Store::put`].
pub async fn not_told<S: Store>(
    store: &S,
    run: EndingRun<'_>,
    subject: &str,
    message: &str,
) -> Result<()> {
    let mut history = read_history(store, run).await?;
    let own = (!is_told_again(subject)).then(|| format!("{subject}\n\n{message}"));
    if !history.not_told(run.run_id, own) {
        let run_id = run.run_id;
        tracing::error!(
            run_id,
            "the history does not have the run nobody was told of"
        );
        return Ok(());
    }
    put_history(store, &history).await
}

/// Leaves what the next runs must know if this run is cut off and never comes to its end: marks
/// that may be set, and what is held. Its own end overwrites it.
///
/// # Errors
/// As for [`Store::put`].
pub async fn foresee<S: Store>(store: &S, planned: &Planned, now: Timestamp) -> Result<()> {
    let memory = remember(&PlannedRun::cut_off(planned), now);
    put_memory(store, &planned.plan, memory).await
}

/// The execution's output.
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

fn past_run(run: EndingRun<'_>, end: &RunEnd<'_>) -> PastRun {
    let applied = end.planned();
    let results = applied.map(|one| Applied::of(&one.results));
    let counts = applied.map(|one| one.planned.plan.counts);
    PastRun {
        run_id: run.run_id.to_owned(),
        ended_at: run.ended_at,
        seconds: seconds_between(run.started_at, run.ended_at),
        ending: end.verdict(),
        error: end.error().map(str::to_owned),
        counts: counts.unwrap_or_default(),
        applied: results.unwrap_or_default(),
        linked: applied.map(|one| one.planned.plan.guard.seen.linked),
        held: applied.map(held_categories).unwrap_or_default(),
        offered: applied
            .map(|one| one.planned.plan.guard.held())
            .unwrap_or_default(),
        claim: applied
            .map(|one| one.planned.plan.inputs.claim.clone())
            .unwrap_or_default(),
        told: false,
        untold: Vec::new(),
    }
}

/// The categories that the plan holds: a run that failed did not apply them either.
fn held_categories(applied: &PlannedRun<'_>) -> Vec<Category> {
    let held = applied.planned.plan.guard.held();
    held.into_iter().map(|held| held.category).collect()
}

fn context<'a>(bucket: &'a str, run: EndingRun<'a>, history: &'a History) -> ReportContext<'a> {
    let EndingRun {
        run_id,
        started_at,
        ended_at,
        state_machine,
        mode,
        reporting,
    } = run;
    ReportContext {
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
