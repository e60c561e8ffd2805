//! What people are told: a change of the pipeline's state, and nothing else.

use serde::Serialize;

use super::advice::section_for;
use super::minute;
use super::sections::RUNS_UNTIL_STUBBORN;
use crate::model::{
    Action, Applied, Conclusion, History, Outcome, PastRun, RecordOutcome, run_key,
};
use crate::plan::{Guard, Inputs, Plan, Repeated};

/// Records named in a notice.
const MOST_NAMED: usize = 5;
/// Characters of a subject; SNS takes fewer than 100.
const SUBJECT_CHARACTERS: usize = 99;

/// A message to people: ids, names of errors and numbers, nobody's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// At most 99 characters, as SNS wants it.
    pub subject: String,
    /// At most ten lines.
    pub message: String,
}

/// A notice of the last run in the history, if the pipeline's state has changed with it, or if a
/// person has to know of its plan in any case.
#[must_use]
pub fn notice(
    bucket: &str,
    runbook: &str,
    history: &History,
    plan: Option<&Plan>,
    results: &[RecordOutcome],
) -> Option<Notice> {
    let in_any_case = plan.map(|plan| in_any_case(plan, results));
    let in_any_case = in_any_case.unwrap_or_default();
    let (was, now) = match history.change() {
        Some((Some(before), now)) => (format!("was {}", before.state()), now),
        Some((None, now)) => ("the first run".to_owned(), now),
        None if in_any_case.is_empty() => return None,
        None => ("as before".to_owned(), history.runs.last()?),
    };
    let headline = format!("partner-sync: {} ({was})", now.state());
    let mut lines = vec![
        headline.clone(),
        format!("Run {}, ended {}.", now.run_id, minute(now.ended_at)),
    ];
    let guard = plan.map(|plan| &plan.guard);
    lines.extend(what_happened(now, runbook, guard, results));
    lines.extend(in_any_case);
    lines.push(format!(
        "Report: s3://{bucket}/{}",
        run_key(&now.run_id, "report.html")
    ));
    Some(Notice {
        subject: headline.chars().take(SUBJECT_CHARACTERS).collect(),
        message: lines.join("\n"),
    })
}

/// What people are told whatever the state is: a lost memory, and values that are written in vain
/// for the third time.
fn in_any_case(plan: &Plan, results: &[RecordOutcome]) -> Vec<String> {
    let mut lines = Vec::new();
    let Inputs {
        memory,
        memory_lost,
        ..
    } = &plan.inputs;
    let told_before = memory.as_ref().and_then(|memory| memory.lost.as_ref());
    if let Some(why) = memory_lost
        && told_before != Some(why)
    {
        lines.push(format!(
            "The memory is lost: {why}. Every clock starts anew, and all marks are held."
        ));
    }
    let is_written = |id| {
        let mut of_record = results.iter().filter(|result| result.id == Some(id));
        of_record.any(|result| result.outcome == Outcome::Done)
    };
    // Written once more by this run, so that the next one counts on.
    let is_stubborn_now = |one: &&Repeated| one.runs == RUNS_UNTIL_STUBBORN && is_written(one.id);
    let in_vain: Vec<_> = plan.repeated.iter().filter(is_stubborn_now).collect();
    if !in_vain.is_empty() {
        let name = |one: &Repeated| format!("{} of organization {}", one.field, one.id);
        let names = named(in_vain.into_iter().map(name).collect());
        lines.push(format!(
            "Written in vain in {RUNS_UNTIL_STUBBORN} runs in a row: {names}. Find out who writes \
             them."
        ));
    }
    lines
}

/// One line, or one for each held category, or one for what failed and one for what is unknown.
fn what_happened(
    run: &PastRun,
    runbook: &str,
    guard: Option<&Guard>,
    results: &[RecordOutcome],
) -> Vec<String> {
    match run.ending {
        Conclusion::Held => guard.map(held_categories).unwrap_or_default(),
        Conclusion::Partial => not_done(run.applied, results),
        Conclusion::Failed => {
            let section = section_for(run.error.as_deref().unwrap_or_default());
            vec![format!("What to do: {runbook}, {section}.")]
        }
        Conclusion::Ok | Conclusion::NothingToDo | Conclusion::Planned | Conclusion::Skipped => {
            let Applied {
                created,
                updated,
                marked,
                failed: _,
                unknown: _,
                drifted: _,
            } = run.applied;
            let conflicts = run.counts.conflicts;
            vec![format!(
                "{created} created, {updated} updated, {marked} marked, {conflicts} conflicts."
            )]
        }
    }
}

fn held_categories(guard: &Guard) -> Vec<String> {
    let held = guard.categories.iter().filter(|judged| judged.is_held());
    held.map(|judged| format!("Held {}: {}.", judged.category.name(), judged.message))
        .collect()
}

/// What failed, and what may be applied or not.
fn not_done(applied: Applied, results: &[RecordOutcome]) -> Vec<String> {
    let Applied {
        created: _,
        updated: _,
        marked: _,
        failed,
        unknown,
        drifted: _,
    } = applied;
    let mut lines = Vec::new();
    if failed > 0 {
        let names = records_that_are(Outcome::Failed, results);
        lines.push(format!("{failed} records failed: {names}."));
    }
    if unknown > 0 {
        let names = records_that_are(Outcome::Unknown, results);
        lines.push(format!(
            "Of {unknown} records it is not known whether they were applied: {names}."
        ));
    }
    lines
}

/// The ids of the first few records with this outcome.
fn records_that_are(outcome: Outcome, results: &[RecordOutcome]) -> String {
    let all = results.iter().filter(|result| result.outcome == outcome);
    named(all.map(record_id).collect())
}

/// The first few, and how many more there are.
fn named(mut ids: Vec<String>) -> String {
    let more = ids.len().saturating_sub(MOST_NAMED);
    ids.truncate(MOST_NAMED);
    if more > 0 {
        ids.push(format!("{more} more"));
    }
    ids.join(", ")
}

fn record_id(result: &RecordOutcome) -> String {
    let kind = match result.action {
        Action::Create => "account",
        Action::Update | Action::Mark => "organization",
    };
    let id = match result.id {
        Some(id) => id.to_string(),
        None => result.failing_key(),
    };
    format!("{kind} {id}")
}
