//! What people are told: a change of the pipeline's state, marks that were set, what is held for
//! long; and nothing else.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::advice::{nothing_happens, section_for};
use super::links::anchor;
use super::sections::RUNS_UNTIL_STUBBORN;
use super::words::{counted, which};
use super::{About, PlannedRun, Reached, RunEnd, minute, next_purge};
use crate::mask::without_addresses;
use crate::model::{
    Action, Applied, Conclusion, History, Outcome, PastRun, RecordOutcome, StateMachine, run_key,
};
use crate::plan::{Guard, Inputs, Plan, Repeated, marks_pending};

/// Records named in a notice.
const MOST_NAMED: usize = 5;
/// Characters of a subject; SNS takes fewer than 100.
const SUBJECT_CHARACTERS: usize = 99;
/// Characters of a failure's cause.
const CAUSE_CHARACTERS: usize = 400;

/// A message to people: ids, names of errors and numbers, nobody's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// At most 99 characters, as SNS wants it.
    pub subject: String,
    /// At most ten lines.
    pub message: String,
}

/// A notice of the last run in the history, if there is a reason to tell people of it.
///
/// Source: issue "The operator decides", 5.
#[must_use]
pub fn notice(about: About<'_>, end: RunEnd<'_>) -> Option<Notice> {
    let now = about.history.runs.last()?;
    let planned = planned(end);
    let in_any_case = planned.map(in_any_case).unwrap_or_default();
    let headline = match headline(about, now, planned) {
        Some(headline) => headline,
        None if in_any_case.is_empty() => return None,
        None => format!("{} (as before)", now.state()),
    };
    let mut lines = vec![what_was_done(now, end, planned)];
    lines.extend(what_is_wrong(now, end, planned));
    if now.ending == Conclusion::Held {
        lines.extend(planned.map(|run| nothing_happens(about, run)));
    } else {
        lines.extend(deadline(about, planned));
    }
    if !in_any_case.is_empty() {
        lines.push(in_any_case.join(" "));
    }
    lines.push(what_to_do(about, now));
    lines.extend(addresses(about));
    Some(Notice {
        subject: format!("partner-sync: {headline}")
            .chars()
            .take(SUBJECT_CHARACTERS)
            .collect(),
        message: lines.join("\n"),
    })
}

/// The plan and what became of it, if the run came so far.
fn planned(end: RunEnd<'_>) -> Option<PlannedRun<'_>> {
    match end {
        RunEnd::Planned(run)
        | RunEnd::Failed {
            reached: Reached::Plan(run),
            ..
        } => Some(run),
        RunEnd::Failed { .. } | RunEnd::Skipped { .. } => None,
    }
}

/// Why people are told; `None` if it is for none of these reasons.
fn headline(about: About<'_>, now: &PastRun, planned: Option<PlannedRun<'_>>) -> Option<String> {
    let state = now.state();
    match about.history.change() {
        Some((Some(before), _)) if before.state() == state => {
            return Some(format!("{state} (other categories than before)"));
        }
        Some((Some(before), _)) => return Some(format!("{state} (was {})", before.state())),
        Some((None, _)) => return Some(format!("{state} (the first run)")),
        None => {}
    }
    let marked = marks_set(now, planned);
    if marked > 0 {
        return Some(format!("{state}, {} set", counted(marked, "mark")));
    }
    let since = about.history.held_since()?;
    is_due(about.history, about.reporting.reminder_hours, now.ended_at)
        .then(|| format!("{state} (still, since {})", minute(since)))
}

/// Marks that are set by this run, or may be.
fn marks_set(now: &PastRun, planned: Option<PlannedRun<'_>>) -> usize {
    let Some(run) = planned else {
        return now.applied.marked;
    };
    let may_be = |result: &&RecordOutcome| {
        let may_be = matches!(result.outcome, Outcome::Done | Outcome::Unknown);
        result.action == Action::Mark && may_be
    };
    run.results.iter().filter(may_be).count()
}

/// True if it is long ago that people were told of what is held.
fn is_due(history: &History, reminder_hours: u32, now: Timestamp) -> bool {
    if reminder_hours == 0 {
        return false;
    }
    let hours = SignedDuration::from_hours(i64::from(reminder_hours));
    let is_long_ago = |told: Timestamp| now.duration_since(told) >= hours;
    history.told_before().is_none_or(is_long_ago)
}

fn what_was_done(run: &PastRun, end: RunEnd<'_>, planned: Option<PlannedRun<'_>>) -> String {
    let PastRun {
        run_id,
        ended_at,
        applied:
            Applied {
                created,
                updated,
                marked,
                failed: _,
                unknown: _,
                drifted: _,
            },
        ..
    } = run;
    let done = match end {
        _ if planned.is_some() => {
            let conflicts = counted(run.counts.conflicts, "conflict");
            format!("{created} created, {updated} updated, {marked} marked, {conflicts}")
        }
        RunEnd::Failed {
            reached: Reached::BeforePlan { .. },
            ..
        } => "it came to no plan, and wrote nothing to Zendesk".to_owned(),
        _ => "its plan cannot be read, nor whether it wrote anything to Zendesk".to_owned(),
    };
    format!("Run {run_id} ended {}: {done}.", minute(*ended_at))
}

/// The cause of a failure; or a line for each held category; or one for what failed and one for
/// what is unknown.
fn what_is_wrong(run: &PastRun, end: RunEnd<'_>, planned: Option<PlannedRun<'_>>) -> Vec<String> {
    if let RunEnd::Failed { cause, .. } = end {
        return vec![format!("What happened: {}", in_a_line(cause))];
    }
    let Some(planned) = planned else {
        return Vec::new();
    };
    match run.ending {
        Conclusion::Held => held_categories(&planned.plan.guard),
        Conclusion::Partial => not_done(run.applied, planned.results),
        Conclusion::Ok
        | Conclusion::NothingToDo
        | Conclusion::Planned
        | Conclusion::Skipped
        | Conclusion::Failed => Vec::new(),
    }
}

/// A cause without addresses, on one line, and not endless.
fn in_a_line(cause: &str) -> String {
    let cause = without_addresses(cause).replace(char::is_control, " ");
    match cause.char_indices().nth(CAUSE_CHARACTERS) {
        Some((end, _)) => format!("{}...", cause.get(..end).unwrap_or_default()),
        None => cause,
    }
}

fn held_categories(guard: &Guard) -> Vec<String> {
    let held = guard.categories.iter().filter(|judged| judged.is_held());
    held.map(|judged| format!("Held {}: {}.", judged.category.name(), judged.message))
        .collect()
}

/// When what is marked is deleted.
fn deadline(about: About<'_>, planned: Option<PlannedRun<'_>>) -> Option<String> {
    let run = planned?;
    let pending = marks_pending(run.plan, run.updates, run.results);
    (pending > 0).then(|| {
        format!(
            "{} {} deleted on {}, unless the mark is taken back before.",
            counted(pending, "marked organization"),
            which(pending, "is", "are"),
            next_purge(about.ended_at)
        )
    })
}

/// What people are told whatever the state is: a lost memory, and values that are written in vain
/// for the third time.
fn in_any_case(run: PlannedRun<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let Plan {
        inputs, repeated, ..
    } = run.plan;
    let Inputs {
        memory,
        memory_lost,
        ..
    } = inputs;
    let told_before = memory.as_ref().and_then(|memory| memory.lost.as_ref());
    if let Some(why) = memory_lost
        && told_before != Some(why)
    {
        lines.push(format!(
            "The memory is lost: {why}. Every clock starts anew, and all marks are held."
        ));
    }
    let is_written = |id| {
        let mut of_record = run.results.iter().filter(|result| result.id == Some(id));
        of_record.any(|result| result.outcome == Outcome::Done)
    };
    // Written once more by this run, so that the next one counts on.
    let is_stubborn_now = |one: &&Repeated| one.runs == RUNS_UNTIL_STUBBORN && is_written(one.id);
    let in_vain: Vec<_> = repeated.iter().filter(is_stubborn_now).collect();
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
        lines.push(format!("{} failed: {names}.", counted(failed, "record")));
    }
    if unknown > 0 {
        let names = records_that_are(Outcome::Unknown, results);
        lines.push(format!(
            "Of {} it is not known whether it was applied: {names}.",
            counted(unknown, "record")
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

/// The runbook's section: an address, or the file and the heading if it has none.
fn what_to_do(about: About<'_>, run: &PastRun) -> String {
    let heading = match run.ending {
        Conclusion::Held => "Alarm HeldChanges",
        Conclusion::Partial if run.applied.failed > 0 => "Alarm FailedRecords",
        Conclusion::Partial => "Alarm UnknownRecords",
        Conclusion::Failed => section_for(run.error.as_deref().unwrap_or_default()),
        Conclusion::Ok | Conclusion::NothingToDo if run.applied.marked > 0 => "Marks were set",
        Conclusion::Ok | Conclusion::NothingToDo | Conclusion::Planned | Conclusion::Skipped => {
            "Where to look"
        }
    };
    let runbook = &about.reporting.runbook;
    if runbook.starts_with("https://") {
        format!("What to do: {runbook}#{}", anchor(heading))
    } else {
        format!("What to do: {runbook}, section \"{heading}\".")
    }
}

/// The execution and the report in the console; without a console, the report in the bucket.
fn addresses(about: About<'_>) -> Vec<String> {
    let key = run_key(about.run_id, "report.html");
    let machine = about.state_machine.and_then(StateMachine::of);
    let execution = machine.and_then(|machine| machine.execution_page(about.run_id));
    let report = machine.and_then(|machine| machine.document_page(about.bucket, &key));
    let mut lines = Vec::new();
    lines.extend(execution.map(|page| format!("Execution: {page}")));
    lines.push(match report {
        Some(page) => format!("Report: {page}"),
        None => format!("Report: s3://{}/{key}", about.bucket),
    });
    lines
}
