//! What people are told: a change of the pipeline's state, marks that were set, what has been held
//! for long; and nothing else.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::advice::{nothing_happens, pending};
use super::failures::RUNS_UNTIL_STUBBORN;
use super::links::anchor;
use super::message::{Notice, Parts};
use super::runbook::Heading;
use super::untold::with_untold;
use super::words::counted;
use super::{ReportContext, approvals, judged, minute, next_purge};
use crate::Reporting;
use domain::Result;
use domain::mask::without_addresses;
use domain::model::{
    Action, Applied, Category, Counts, Outcome, PastRun, RecordOutcome, StateMachine, Verdict,
    run_key,
};
use domain::plan::{
    Inputs, KnownResults, Plan, PlannedRun, Reached, Repeated, RunEnd, lost_news, marks_set,
    still_marked,
};

/// The most records named in a notice.
const MOST_NAMED: usize = 5;
/// The most characters of a failure's cause.
const CAUSE_CHARACTERS: usize = 400;

/// A notice of the last run in the history, if there is a reason to tell people of it.
///
/// Source: contract, section 2, "The way out".
///
/// # Errors
/// [`domain::Error::Contract`] if it has no JSON form.
pub fn notice(context: ReportContext<'_>, end: &RunEnd<'_>) -> Result<Option<Notice>> {
    let own = own(context, end);
    let untold = context.history.untold_before();
    let told = with_untold(own, untold, &thread(context));
    told.map(Parts::notice).transpose()
}

/// What there is to tell of this run itself.
fn own(context: ReportContext<'_>, end: &RunEnd<'_>) -> Option<Parts> {
    let now = context.history.runs.last()?;
    let planned = end.planned();
    let news = planned.map(news).unwrap_or_default();
    let subject = subject(context, now, end, &news)?;
    let done = what_was_done(now, end);
    let mut lines = vec![
        match planned.and_then(|run| approvals::in_short(&run.planned.plan)) {
            Some(approval) => format!("{done} {approval}"),
            None => done,
        },
    ];
    lines.extend(what_is_wrong(context, now, end));
    if now.ending == Verdict::Held {
        lines.extend(planned.map(|run| nothing_happens(context, run)));
    } else {
        lines.extend(deadline(context, end));
    }
    if !news.is_empty() {
        let all: Vec<_> = news.iter().map(|one| one.line.as_str()).collect();
        lines.push(all.join(" "));
    }
    let mut steps = vec![what_to_do(context, now, &news)];
    steps.extend(addresses(context));
    Some(Parts {
        subject: format!("partner-sync: {subject}"),
        lines,
        steps,
        thread: thread(context),
    })
}

/// The stack, and the run with which the incident began: Slack and Teams show the messages of one
/// incident together.
fn thread(context: ReportContext<'_>) -> String {
    let stack = context.state_machine.unwrap_or(context.bucket);
    let stack = stack.rsplit(':').next().unwrap_or_default();
    let began = context.history.incident();
    let run_id = began.map_or(context.run_id, |run| run.run_id.as_str());
    format!("{stack} {run_id}")
}

/// The state, and why people are told of it; `None` if there is no reason.
fn subject(
    context: ReportContext<'_>,
    now: &PastRun,
    end: &RunEnd<'_>,
    news: &[News],
) -> Option<String> {
    let change = context
        .history
        .change()
        .map(|(before, _)| what_changed(before, now));
    let marks = marks_in_words(now, end);
    let others = news.iter().map(|one| one.subject.to_owned());
    let mut reasons: Vec<_> = marks.into_iter().chain(others).collect();
    if change.is_none() && reasons.is_empty() {
        reasons.push(reminder(context, now, end)?);
    }
    let change = change.map_or_else(String::new, |change| format!(" ({change})"));
    let reasons: Vec<_> = reasons.into_iter().map(|one| format!(", {one}")).collect();
    Some(format!("{}{change}{}", now.state(), reasons.concat()))
}

fn what_changed(before: Option<&PastRun>, now: &PastRun) -> String {
    match before {
        None => "the first run".to_owned(),
        Some(before) if before.state() != now.state() => format!("was {}", before.state()),
        Some(before) if before.held != now.held => "other categories than before".to_owned(),
        Some(_) if now.applied.failed + now.applied.unknown > 0 => {
            "records failed as well".to_owned()
        }
        Some(_) => "no record fails any more".to_owned(),
    }
}

/// Marks that this run has set, or may have. Marks that it did not get to are not mentioned.
fn marks_in_words(now: &PastRun, end: &RunEnd<'_>) -> Option<String> {
    let done = now.applied.marked;
    let may_be = end.planned().map_or(0, |run| match run.known {
        KnownResults::None => marks_set(run).len(),
        KnownResults::All | KnownResults::SoFar => unknown_marks(&run.results),
    });
    match (done, may_be) {
        (0, 0) => None,
        (0, _) => Some(format!("{} perhaps set", counted(may_be, "mark"))),
        _ => Some(format!("{} set", counted(done, "mark"))),
    }
}

fn unknown_marks(results: &[RecordOutcome]) -> usize {
    let of_marks = results
        .iter()
        .filter(|result| result.action == Action::Mark);
    let unknown = of_marks.filter(|result| result.outcome == Outcome::Unknown);
    unknown.count()
}

/// Tells people again, if they were told long ago: while something is held, and while the pipeline
/// is bad and marks stand, which only a good run takes back.
fn reminder(context: ReportContext<'_>, now: &PastRun, end: &RunEnd<'_>) -> Option<String> {
    let is_bad = matches!(now.ending, Verdict::Failed | Verdict::Partial);
    let held_since = context.history.held_since;
    let is_worth_it = held_since.is_some() || (is_bad && pending_marks(end) > 0);
    if !is_worth_it || !is_due(context, now.ended_at) {
        return None;
    }
    Some(match held_since {
        Some(since) if now.ending == Verdict::Held => format!("still, since {}", minute(since)),
        _ => "still".to_owned(),
    })
}

/// True if people were told long ago. Runs do not all take the same time, so it may be half an
/// interval of the schedule less.
fn is_due(context: ReportContext<'_>, now: Timestamp) -> bool {
    let Reporting {
        mapping: _,
        runbook: _,
        reminder_hours,
        interval_hours,
    } = context.reporting;
    if *reminder_hours == 0 {
        return false;
    }
    let minutes = i64::from(*reminder_hours) * 60 - i64::from(*interval_hours) * 30;
    let long = SignedDuration::from_mins(minutes);
    let is_long_ago = |told: Timestamp| now.duration_since(told) >= long;
    context.history.told_before().is_none_or(is_long_ago)
}

/// Organizations that the next purge may delete, as far as is known.
fn pending_marks(end: &RunEnd<'_>) -> usize {
    match (end.planned(), end) {
        (Some(run), _) => pending(run),
        (
            None,
            RunEnd::Failed {
                reached: Reached::BeforePlan { own_marks, .. },
                ..
            },
        ) => *own_marks,
        (None, _) => 0,
    }
}

fn what_was_done(run: &PastRun, end: &RunEnd<'_>) -> String {
    let PastRun {
        run_id, ended_at, ..
    } = run;
    let Applied {
        created,
        updated,
        marked,
        failed: _,
        unknown: _,
        drifted: _,
    } = run.applied;
    let conflicts = counted(run.counts.conflicts, "conflict");
    let others = what_a_person_looks_at(&run.counts);
    let numbers =
        format!("{created} created, {updated} updated, {marked} marked, {conflicts}{others}");
    let done = match (end.planned().map(|run| run.known), end) {
        (Some(KnownResults::All), _) => numbers,
        (Some(KnownResults::SoFar), _) => format!("{numbers}, as far as is known"),
        (Some(KnownResults::None), _) => "what it has applied is not known".to_owned(),
        (
            None,
            RunEnd::Failed {
                reached: Reached::BeforePlan { .. },
                ..
            },
        ) => "it came to no plan, and wrote nothing to Zendesk".to_owned(),
        (None, _) => "its plan cannot be read, nor whether it wrote anything to Zendesk".to_owned(),
    };
    format!("Run {run_id} ended {}: {done}.", minute(*ended_at))
}

/// How many organizations of each kind a person may want to look at, if there are any.
fn what_a_person_looks_at(counts: &Counts) -> String {
    let kinds = [
        (counts.unexplained, "unexplained"),
        (counts.merged, "merged"),
        (counts.exempt, "exempt"),
    ];
    let there = kinds.iter().filter(|(number, _)| *number > 0);
    let words: Vec<_> = there
        .map(|(number, kind)| format!(", {number} {kind}"))
        .collect();
    words.concat()
}

/// The cause of a failure; a line for each held category; what failed, and what is unknown.
fn what_is_wrong(context: ReportContext<'_>, run: &PastRun, end: &RunEnd<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let RunEnd::Failed { cause, .. } = end {
        lines.push(format!("What happened: {}", in_a_line(cause)));
        let held = context.history.held_since.map(|since| {
            format!(
                "Something has been held since {}, and stays held.",
                minute(since)
            )
        });
        lines.extend(held);
    }
    let Some(planned) = end.planned() else {
        return lines;
    };
    if run.ending == Verdict::Held {
        lines.extend(held_categories(planned));
    }
    let not_done = not_done(run.applied, &planned.results);
    if !not_done.is_empty() {
        lines.push(not_done.join(" "));
    }
    lines
}

/// A cause without e-mail addresses, on one line, and cut off if it is long.
fn in_a_line(cause: &str) -> String {
    let cause = without_addresses(cause).replace(char::is_control, " ");
    match cause.char_indices().nth(CAUSE_CHARACTERS) {
        Some((end, _)) => format!("{}...", cause.get(..end).unwrap_or_default()),
        None => cause,
    }
}

/// A line for each held category; marks of both kinds share one.
fn held_categories(run: &PlannedRun<'_>) -> Vec<String> {
    let categories = run.planned.plan.guard.categories.iter();
    let held = categories.filter(|judged| judged.is_held());
    let (marks, others): (Vec<_>, Vec<_>) = held
        .map(|one| {
            let words = judged::message(run, one);
            let line = format!("Held {}: {words}.", one.category.name());
            (one.category, line)
        })
        .partition(|(category, _)| matches!(category, Category::Marks | Category::Unexplained));
    let mut lines: Vec<_> = others.into_iter().map(|(_, line)| line).collect();
    let marks: Vec<_> = marks.into_iter().map(|(_, line)| line).collect();
    if !marks.is_empty() {
        lines.push(marks.join(" "));
    }
    lines
}

/// When what is marked is deleted.
fn deadline(context: ReportContext<'_>, end: &RunEnd<'_>) -> Option<String> {
    let pending = pending_marks(end);
    let is_certain = end
        .planned()
        .is_some_and(|run| run.known == KnownResults::All);
    let up_to = if is_certain { "" } else { "up to " };
    (pending > 0).then(|| {
        format!(
            "On {} those of {up_to}{} are deleted that have no tickets other than closed ones. \
             Only a good run or a person takes a mark back.",
            next_purge(context.mapping(), context.ended_at),
            counted(pending, "marked organization"),
        )
    })
}

/// Something that people are told whatever the state is.
struct News {
    subject: &'static str,
    line: String,
    section: Heading,
}

/// A lost memory, values written in vain for the third time, marks that could not be taken back for
/// the first time, an approval that released nothing.
fn news(run: &PlannedRun<'_>) -> Vec<News> {
    let all = [
        not_taken_back(run),
        refused_approval(&run.planned.plan),
        lost_memory(&run.planned.plan.inputs),
        written_in_vain(run),
    ];
    all.into_iter().flatten().collect()
}

fn not_taken_back(run: &PlannedRun<'_>) -> Option<News> {
    let still = still_marked(run);
    let is_new = |id: &u64| {
        let mut of_record = run.results.iter().filter(|result| result.id == Some(*id));
        of_record.any(|result| result.runs_failed == Some(1))
    };
    let new: Vec<_> = still.iter().filter(|id| is_new(id)).collect();
    (!new.is_empty()).then(|| News {
        subject: "a mark could not be taken back",
        line: format!(
            "Marks that could not be taken back: of {}.",
            named(new.iter().map(|id| format!("organization {id}")).collect())
        ),
        section: Heading::TAKING_BACK_A_MARK,
    })
}

fn refused_approval(plan: &Plan) -> Option<News> {
    let lines = approvals::told_of_refused(plan);
    (!lines.is_empty()).then(|| News {
        subject: "an approval released nothing",
        line: lines.join(" "),
        section: Heading::HELD_CHANGES,
    })
}

fn lost_memory(inputs: &Inputs) -> Option<News> {
    let why = lost_news(inputs)?;
    let line = if inputs.memory_lost.is_some() {
        format!("The memory is lost: {why}. Every clock starts anew, and all marks are held.")
    } else {
        format!(
            "The memory was lost in a run before that was cut off: {why}. Every clock started anew."
        )
    };
    Some(News {
        subject: "the memory is lost",
        line,
        section: Heading::THE_MEMORY_IS_LOST,
    })
}

fn written_in_vain(run: &PlannedRun<'_>) -> Option<News> {
    let done = run.results.iter();
    let done = done.filter(|result| result.outcome == Outcome::Done);
    let done: BTreeSet<u64> = done.filter_map(|result| result.id).collect();
    // This run has written it once more, so the next run may count one more.
    let is_stubborn_now =
        |one: &&Repeated| one.runs == RUNS_UNTIL_STUBBORN && done.contains(&one.id);
    let in_vain: Vec<_> = run
        .planned
        .plan
        .found
        .repeated
        .iter()
        .filter(is_stubborn_now)
        .collect();
    if in_vain.is_empty() {
        return None;
    }
    let name = |one: &Repeated| format!("{} of organization {}", one.field, one.id);
    let names = named(in_vain.into_iter().map(name).collect());
    Some(News {
        subject: "written in vain",
        line: format!(
            "Written in vain in {RUNS_UNTIL_STUBBORN} runs in a row: {names}. Find out who writes \
             them."
        ),
        section: Heading::WRITTEN_IN_VAIN,
    })
}

/// What failed, and what may have been applied or not.
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
fn what_to_do(context: ReportContext<'_>, run: &PastRun, news: &[News]) -> String {
    let of_state = match run.ending {
        Verdict::Held if run.held == [Category::Unexplained] => Some(Heading::UNEXPLAINED),
        Verdict::Held => Some(Heading::HELD_CHANGES),
        Verdict::Partial if run.applied.failed > 0 => Some(Heading::FAILED_RECORDS),
        Verdict::Partial => Some(Heading::UNKNOWN_RECORDS),
        Verdict::Failed => Some(Heading::of_error(run.error.as_deref().unwrap_or_default())),
        Verdict::Ok | Verdict::NothingToDo | Verdict::Planned | Verdict::Skipped => {
            (run.applied.marked > 0).then_some(Heading::MARKS_WERE_SET)
        }
    };
    let urgent = news.first().map(|one| one.section);
    let heading = urgent.or(of_state).unwrap_or(Heading::WHERE_TO_LOOK);
    let runbook = &context.reporting.runbook;
    if runbook.starts_with("https://") {
        format!("What to do: {runbook}#{}", anchor(heading.text()))
    } else {
        format!("What to do: {runbook}, section \"{}\".", heading.text())
    }
}

/// The execution and the report in the console; without a console, the report in the bucket.
fn addresses(context: ReportContext<'_>) -> Vec<String> {
    let key = run_key(context.run_id, "report.html");
    let machine = context.state_machine.and_then(StateMachine::of);
    let execution = machine.and_then(|machine| machine.execution_page(context.run_id));
    let report = machine.and_then(|machine| machine.document_page(context.bucket, &key));
    let mut lines = Vec::new();
    lines.extend(execution.map(|page| format!("Execution: {page}")));
    lines.push(match report {
        Some(page) => format!("Report: {page}"),
        None => format!("Report: s3://{}/{key}", context.bucket),
    });
    lines
}
