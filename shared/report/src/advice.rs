//! The head of the report: how it ended, in one line, and what to do now, with the exact command.

use super::failures::RUNS_UNTIL_STUBBORN;
use super::reasons::{self, entry};
use super::runbook::Heading;
use super::words::{counted, which};
use super::{Instruction, ReportContext, approvals, health, links, minute, next_purge};
use domain::mask::without_addresses;
use domain::model::{
    Action, Applied, Category, Held, Mode, Outcome, RecordOutcome, StateMachine, Verdict,
};
use domain::plan::{
    Keeper, Kept, Plan, PlannedRun, Reached, RunEnd, approval, marks_pending, verdict,
};

/// The head of a report.
pub(super) struct Advice {
    pub(super) conclusion: Verdict,
    pub(super) headline: String,
    pub(super) instructions: Vec<Instruction>,
    pub(super) runbook: Heading,
    pub(super) warnings: Vec<String>,
}

/// An instruction and the runbook's section that explains it, if one does.
type Explained = (Instruction, Option<Heading>);

pub(super) fn of(context: ReportContext<'_>, end: &RunEnd<'_>) -> Advice {
    match end {
        RunEnd::Planned(run) => planned(context, run),
        RunEnd::Failed {
            error,
            cause,
            reached,
        } => failed(context, error, cause, reached),
        RunEnd::Skipped { holder, approve } => skipped(context, holder, approve),
    }
}

fn skipped(context: ReportContext<'_>, holder: &str, approve: &[String]) -> Advice {
    let under_way = format!("Under way was {holder}.");
    let instruction = if approve.is_empty() {
        let text = format!("Nothing: the next run does it. {under_way}");
        let page = StateMachine::page_of_execution(holder);
        Instruction::on(
            text,
            page.map(|url| links::link("Open that execution", url)),
        )
    } else {
        let text = format!(
            "The approval was not used. Start it again, with the same input, once the other run \
             has ended. {under_way}"
        );
        Instruction::start(text, context, &approval(approve))
    };
    Advice {
        conclusion: Verdict::Skipped,
        headline: "another run was under way".to_owned(),
        instructions: vec![instruction],
        runbook: Heading::RUN_IS_SKIPPED,
        warnings: Vec::new(),
    }
}

fn planned(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Advice {
    let applied = Applied::of(&run.results);
    let conclusion = verdict(&run.planned.plan, &applied);
    let (instructions, sections): (Vec<_>, Vec<_>) =
        what_to_do(context, run, &applied).into_iter().unzip();
    let first_section = sections.into_iter().flatten().next();
    Advice {
        conclusion,
        headline: headline(conclusion, run, &applied),
        instructions,
        runbook: first_section.unwrap_or(Heading::WHERE_TO_LOOK),
        warnings: warnings(context, run),
    }
}

fn warnings(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Vec<String> {
    let mut warnings = warnings_of(context, &run.planned.plan);
    warnings.extend(health::ending_credentials(context, run));
    warnings.extend(approvals::refused(&run.planned.plan));
    warnings
}

/// What could not be known, and why the inputs look emptier than they should.
fn warnings_of(context: ReportContext<'_>, plan: &Plan) -> Vec<String> {
    let emptier = |why| format!("The inputs look emptier than they should: {why}.");
    let suspicions = plan.warnings.iter().map(reasons::warning).map(emptier);
    let unknowns = plan.unknowns.iter();
    let unknowns = unknowns.map(|one| reasons::unknown(one, context.mapping()));
    unknowns.chain(suspicions).collect()
}

fn headline(conclusion: Verdict, run: &PlannedRun<'_>, applied: &Applied) -> String {
    let counts = &run.planned.plan.counts;
    let held = held_in_words(&run.planned.plan.guard.held());
    let Applied {
        created,
        updated,
        marked,
        failed,
        unknown,
        drifted: _,
    } = applied;
    let done = format!("{created} created, {updated} updated, {marked} marked");
    match conclusion {
        Verdict::Held => format!("{held} held until a person approves them; {done}"),
        Verdict::Planned if held.is_empty() => format!(
            "{}, {}, {} planned; nothing was applied",
            counted(counts.creates, "create"),
            counted(counts.updates, "update"),
            counted(counts.marks + counts.unexplained, "mark")
        ),
        Verdict::Planned => format!("nothing was applied; {held} would be held"),
        Verdict::NothingToDo if counts.conflicts > 0 => format!(
            "nothing to write; {} {} for a person",
            counted(counts.conflicts, "conflict"),
            which(counts.conflicts, "waits", "wait")
        ),
        Verdict::NothingToDo => "both systems are equal".to_owned(),
        Verdict::Partial => format!("{done}; {failed} failed, {unknown} unknown"),
        Verdict::Ok | Verdict::Skipped | Verdict::Failed => done,
    }
}

fn held_in_words(held: &[Held]) -> String {
    let words: Vec<_> = held
        .iter()
        .map(|held| counted(held.count, entry(held.category)))
        .collect();
    words.join(" and ")
}

/// Everything a person may do now, the most urgent first.
fn what_to_do(
    context: ReportContext<'_>,
    run: &PlannedRun<'_>,
    applied: &Applied,
) -> Vec<Explained> {
    let mut all = Vec::new();
    all.extend(about_waiting(context, run));
    all.extend(about_unexplained(&run.planned.plan));
    all.extend(about_the_plan(context, &run.planned.plan));
    all.extend(about_parts(context, &run.planned.plan));
    let started = approvals::started_with(context, &run.planned.plan);
    all.extend(started.map(|instruction| (instruction, None)));
    all.extend(about_failures(&run.results, applied));
    all.extend(about_marks(context, run));
    all.extend(about_merged(&run.planned.plan));
    if !run.planned.plan.found.conflicts.is_empty() {
        let text = format!(
            "Resolve {} below; until a person decides, what clashes waits.",
            counted(run.planned.plan.found.conflicts.len(), "conflict")
        );
        all.push((Instruction::new(text), Some(Heading::CONFLICTS)));
    }
    if all.is_empty() {
        all.push((Instruction::new("Nothing."), None));
    }
    all
}

/// What to look at before anybody approves a mark that Salesforce does not explain.
fn about_unexplained(plan: &Plan) -> Option<Explained> {
    let held = plan.guard.held();
    let unexplained = held
        .iter()
        .find(|held| held.category == Category::Unexplained)?;
    let text = format!(
        "Salesforce gives no evidence for {}. Look at the account in Salesforce, at the permission \
         of the integration's user, and at the organization's account_type. Correct what is wrong, \
         and the next run goes on by itself.",
        counted(unexplained.count, entry(Category::Unexplained))
    );
    let section = (held.len() == 1).then_some(Heading::UNEXPLAINED);
    Some((Instruction::new(text), section))
}

/// How to release what is held, or to apply what was only planned.
fn about_the_plan(context: ReportContext<'_>, plan: &Plan) -> Option<Explained> {
    let doubt = if plan.warnings.is_empty() {
        ""
    } else {
        "First find out why the inputs are so much emptier (runbook, Alarm SuspiciouslyEmptyRun). "
    };
    let digests: Vec<_> = plan
        .guard
        .held()
        .into_iter()
        .map(|held| held.digest)
        .collect();
    let released = approval(&digests);
    match (plan.mode, digests.is_empty()) {
        (Mode::Apply, true) => None,
        (Mode::Apply, false) => {
            let text = format!(
                "{doubt}Read the held entries below. If they are wrong, do nothing: they are never \
                 applied. If they are right, release exactly them:"
            );
            let instruction = Instruction::start(text, context, &released);
            Some((instruction, Some(Heading::HELD_CHANGES)))
        }
        (Mode::Plan, false) if plan.release.is_none() => {
            let text = format!(
                "Nothing was applied, and in apply mode a part of this plan would be held. \
                 {doubt}Read what would be held below. Only what a run in apply mode has held in \
                 the last 24 hours can be approved: start one in apply mode first, and release \
                 from its report. It applies what needs no approval, and holds the same:"
            );
            let section = Heading::LOOKING_AT_A_CHANGE;
            Some((Instruction::start(text, context, "{}"), Some(section)))
        }
        (Mode::Plan, false) => {
            let text = format!(
                "Nothing was applied, and in apply mode a part of this plan would be held. \
                 {doubt}Read what would be held below. If it is wrong, do not approve it. If it is \
                 right, this applies all of the plan, if the next one is the same:"
            );
            let section = Heading::LOOKING_AT_A_CHANGE;
            Some((Instruction::start(text, context, &released), Some(section)))
        }
        (Mode::Plan, true) => {
            let text = "Nothing was applied. To apply what is planned then:";
            let section = Heading::LOOKING_AT_A_CHANGE;
            Some((Instruction::start(text, context, "{}"), Some(section)))
        }
    }
}

/// How to release one held category and leave the others held.
fn about_parts(context: ReportContext<'_>, plan: &Plan) -> Vec<Explained> {
    let held = plan.guard.held();
    if held.len() < 2 || plan.release.is_none() {
        return Vec::new();
    }
    let part = |held: Held| {
        let what = counted(held.count, entry(held.category));
        let text = format!("Or release only the {what}, and leave the rest held:");
        let input = approval(&[held.digest]);
        (Instruction::start(text, context, &input), None)
    };
    held.into_iter().map(part).collect()
}

/// Says that waiting costs nothing while something is held.
fn about_waiting(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Explained> {
    let is_held = !run.planned.plan.guard.held().is_empty();
    (is_held && run.planned.plan.mode == Mode::Apply).then(|| {
        let mut text = nothing_happens(context, run);
        let since = context.history.held_since;
        if let Some(since) = since.filter(|since| *since < context.started_at) {
            text = format!("{text} Something has been held since {}.", minute(since));
        }
        (Instruction::new(text), None)
    })
}

/// Says that nothing is deleted or changed while a person waits, and until when.
pub(super) fn nothing_happens(context: ReportContext<'_>, run: &PlannedRun<'_>) -> String {
    let purge = next_purge(context.mapping(), context.ended_at);
    let marked = match pending(run) {
        0 => "no partner organization is known to be marked".to_owned(),
        some => format!(
            "of {}, it deletes those that have no tickets other than closed ones",
            counted(some, "marked organization")
        ),
    };
    format!(
        "Nothing is deleted or changed while you wait: what is held is left alone in every run, \
         until somebody approves exactly it. The next purge is on {purge}, and deletes none of the \
         held ones; {marked}."
    )
}

/// Organizations that the next purge may delete, as far as this run knows.
pub(super) fn pending(run: &PlannedRun<'_>) -> usize {
    marks_pending(run)
}

/// Organizations of merged accounts, which only a person can bring together.
fn about_merged(plan: &Plan) -> Option<Explained> {
    let is_a_pair = |one: &&Kept| {
        matches!(
            one.reason,
            Keeper::Merged {
                organization: Some(_),
                ..
            }
        )
    };
    let pairs = plan.found.merged.iter().filter(is_a_pair).count();
    (pairs > 0).then(|| {
        let text = format!(
            "Bring {} of merged accounts together in Zendesk: see \"Merged accounts\" below. The \
             one that stays must carry the surviving account's id before anybody merges them.",
            counted(pairs, "pair")
        );
        (Instruction::new(text), Some(Heading::MERGED))
    })
}

fn about_failures(results: &[RecordOutcome], applied: &Applied) -> Vec<Explained> {
    let is_stubborn = |result: &&RecordOutcome| {
        result
            .runs_failed
            .is_some_and(|runs| runs >= RUNS_UNTIL_STUBBORN)
    };
    let (not_done, in_vain): (Vec<_>, Vec<_>) = results
        .iter()
        .filter(is_stubborn)
        .partition(|result| result.outcome.is_failure());
    let failed_again = not_done
        .iter()
        .filter(|result| result.outcome == Outcome::Failed)
        .count();
    let about_failed = Some(Heading::FAILED_RECORDS);
    let about_unknown = Some(Heading::UNKNOWN_RECORDS);
    let mut all = Vec::new();
    if !not_done.is_empty() {
        let text = format!(
            "{} {} failed, or stayed unknown, again and again: read why below, and correct what \
             stands in the way.",
            counted(not_done.len(), "record"),
            which(not_done.len(), "has", "have")
        );
        let section = if failed_again > 0 {
            about_failed
        } else {
            about_unknown
        };
        all.push((Instruction::new(text), section));
    }
    if applied.failed > failed_again {
        let text = "The other failures need nothing yet: the next run tries them again by itself.";
        all.push((Instruction::new(text), about_failed));
    }
    if applied.unknown > 0 {
        let text = format!(
            "Of {} it is not known whether it was applied: open the organization in Zendesk (for a \
             create, search for the account's name or external id) and compare it with this \
             report's value. The next run compares anew and mends it by itself: create nothing by \
             hand before it has looked.",
            counted(applied.unknown, "record")
        );
        all.push((Instruction::new(text), about_unknown));
    }
    if !in_vain.is_empty() {
        let text = format!(
            "{} {} written again and again and does not keep the value: find out below who takes \
             it back.",
            counted(in_vain.len(), "record"),
            which(in_vain.len(), "is", "are")
        );
        all.push((Instruction::new(text), Some(Heading::WRITTEN_IN_VAIN)));
    }
    all
}

fn about_marks(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Explained> {
    let is_set =
        |result: &&RecordOutcome| result.action == Action::Mark && result.outcome == Outcome::Done;
    let set = run.results.iter().filter(is_set).count();
    if set == 0 {
        return None;
    }
    let planned = run.planned.free_marks().count();
    let purge = next_purge(context.mapping(), context.ended_at);
    let text = format!(
        "{set} of {} {} set: look below, before {purge}, when those are deleted that have no \
         tickets other than closed ones.",
        counted(planned, "mark"),
        which(set, "was", "were")
    );
    Some((Instruction::new(text), Some(Heading::MARKS_WERE_SET)))
}

fn failed(context: ReportContext<'_>, error: &str, cause: &str, reached: &Reached<'_>) -> Advice {
    let warnings = match reached {
        Reached::Plan(run) => warnings_of(context, &run.planned.plan),
        Reached::BeforePlan { .. } | Reached::UnreadablePlan => Vec::new(),
    };
    Advice {
        conclusion: Verdict::Failed,
        headline: error.to_owned(),
        instructions: vec![
            Instruction::new(format!("What happened: {}", without_addresses(cause))),
            Instruction::new(advice_for(error)),
            Instruction::new(what_was_written(context.mode, reached)),
            start_again(context),
        ],
        runbook: Heading::of_error(error),
        warnings,
    }
}

fn advice_for(error: &str) -> &'static str {
    match error {
        "Sync.Throttled" => {
            "Look who else uses the vendor's API. The next run tries again by itself."
        }
        "Sync.Transient" => "See the vendor's status page. The next run tries again by itself.",
        "Sync.Auth" => {
            "Correct the secret or the rights the cause names. Do not try again and again: that \
             may lock the user."
        }
        "Sync.Contract" => "Correct the field or record the cause names.",
        "Sync.Incomplete" => "Nothing if it happens once: the next run reads again.",
        "Sync.Input" => "Start a new execution, with an input that is known.",
        "Sync.Config" => "Correct the stack's parameters or the secret the cause names.",
        "Sync.Rejected" => "Look the status up in the vendor's error list.",
        "Sync.Bug" => {
            "Report it with the place the cause names: it is a fault of this program. The next run \
             begins anew by itself."
        }
        _ => "The name is AWS's own.",
    }
}

/// What a failed run may have done to Zendesk.
fn what_was_written(mode: Mode, reached: &Reached<'_>) -> &'static str {
    match (reached, mode) {
        (Reached::BeforePlan { .. }, _) => {
            "It failed before there was a plan: nothing was written to Zendesk."
        }
        (Reached::Plan(_) | Reached::UnreadablePlan, Mode::Plan) => {
            "In plan mode nothing is applied."
        }
        (Reached::Plan(_), Mode::Apply) => {
            "The plan below may be applied in part. The next run reads everything again and does \
             the rest."
        }
        (Reached::UnreadablePlan, Mode::Apply) => {
            "Its plan cannot be read, so this report cannot tell whether anything was written to \
             Zendesk."
        }
    }
}

fn start_again(context: ReportContext<'_>) -> Instruction {
    let (text, input) = match context.mode {
        Mode::Plan => ("After that, plan anew:", "{\"mode\": \"plan\"}"),
        Mode::Apply => (
            "After that, or if nothing is to be corrected, start a new run, or wait for the next \
             one:",
            "{}",
        ),
    };
    Instruction::start(text, context, input)
}
