//! The head of the report: how it ended, in one line, and what to do now, with the exact command.

use super::{About, Came, End, Run, Step, health, next_purge, summary};
use crate::Error;
use crate::model::{
    Action, Applied, Ending, Mode, Outcome, RecordOutcome, Summary, without_addresses,
};
use crate::plan::{Plan, start_command};

/// The head of a report.
pub(super) struct Advice {
    pub(super) ending: Ending,
    pub(super) headline: String,
    pub(super) steps: Vec<Step>,
    /// The heading in `infra/RUNBOOK.md`.
    pub(super) runbook: &'static str,
    pub(super) warnings: Vec<String>,
}

pub(super) fn of(about: About<'_>, end: End<'_>) -> Advice {
    match end {
        End::Planned(run) => planned(about, run),
        End::Failed { error, cause, came } => failed(about, error, cause, came),
        End::Skipped { holder } => Advice {
            ending: Ending::Skipped,
            headline: "another run was under way".to_owned(),
            steps: vec![step(format!(
                "Nothing: the next hour runs again. Under way was {holder}."
            ))],
            runbook: "A run is SKIPPED",
            warnings: Vec::new(),
        },
    }
}

fn step(text: impl Into<String>) -> Step {
    Step {
        text: text.into(),
        command: None,
    }
}

fn planned(about: About<'_>, run: Run<'_>) -> Advice {
    let summary = summary(about.bucket, run.plan, run.results);
    let (steps, runbook) = todo(about, run, &summary);
    let mut warnings = emptier(run.plan);
    warnings.extend(health::ending_credentials(about, run));
    let refused = &run.plan.guard.refused_approvals;
    if !refused.is_empty() {
        warnings.push(format!(
            "Refused approvals, which fit nothing that is held in this plan: {}.",
            refused.join(", ")
        ));
    }
    Advice {
        ending: summary.verdict.into(),
        headline: headline(&summary, run.results),
        steps,
        runbook,
        warnings,
    }
}

fn emptier(plan: &Plan) -> Vec<String> {
    plan.warnings
        .iter()
        .map(|why| format!("The inputs look emptier than they should: {why}."))
        .collect()
}

fn headline(summary: &Summary, results: &[RecordOutcome]) -> String {
    let Summary {
        counts,
        applied,
        held,
        ..
    } = summary;
    let held: Vec<_> = held
        .iter()
        .map(|held| format!("{} {}", held.count, held.category.name()))
        .collect();
    let Applied {
        created,
        updated,
        marked,
        ..
    } = applied;
    let done = format!("{created} created, {updated} updated, {marked} marked");
    match Ending::from(summary.verdict) {
        Ending::Held => format!(
            "{} held until a person approves them; {done}",
            held.join(" and ")
        ),
        Ending::Planned if held.is_empty() => {
            format!(
                "{} creates, {} updates, {} marks planned; nothing was applied",
                counts.creates, counts.updates, counts.marks
            )
        }
        Ending::Planned => format!("nothing was applied; {} would be held", held.join(" and ")),
        Ending::NothingToDo if counts.conflicts > 0 => format!(
            "nothing to write; {} conflicts wait for a person",
            counts.conflicts
        ),
        Ending::NothingToDo => "both systems are equal".to_owned(),
        Ending::Partial => {
            let of = |wanted| results.iter().filter(|one| one.outcome == wanted).count();
            format!(
                "{done}; {} failed, {} unknown",
                of(Outcome::Failed),
                of(Outcome::Unknown)
            )
        }
        _ => done,
    }
}

fn todo(about: About<'_>, run: Run<'_>, summary: &Summary) -> (Vec<Step>, &'static str) {
    let Run {
        plan,
        marks,
        results,
        ..
    } = run;
    let (mut steps, mut sections) = (Vec::new(), Vec::new());
    let doubt = if plan.warnings.is_empty() {
        ""
    } else {
        "First find out why the inputs are so much emptier (runbook, Alarm SuspiciouslyEmptyRun). "
    };
    match (plan.mode, &plan.release) {
        (Mode::Apply, Some(command)) => {
            let text = format!(
                "{doubt}Read the held entries below. If they are wrong, do nothing: they are never \
                 applied. If they are right, release exactly them:"
            );
            steps.push(Step {
                text,
                command: Some(command.clone()),
            });
            sections.push("Alarm HeldChanges");
        }
        (Mode::Plan, Some(command)) => {
            let text = format!(
                "Nothing was applied, and in apply mode a part of this plan would be held. \
                 {doubt}Read what would be held below. If it is wrong, do \
                 not approve it. If it is right, this applies all of the plan, if the next one is \
                 the same:"
            );
            steps.push(Step {
                text,
                command: Some(command.clone()),
            });
            sections.push("Looking at a change before it is applied");
        }
        (Mode::Plan, None) => {
            let command = Some(start_command(about.state_machine, "{}"));
            steps.push(Step {
                text: "Nothing was applied. To apply what is planned then:".to_owned(),
                command,
            });
            sections.push("Looking at a change before it is applied");
        }
        (Mode::Apply, None) => {}
    }
    let stubborn = results
        .iter()
        .filter(|one| {
            one.runs_failed
                .is_some_and(|runs| runs >= super::sections::STUBBORN)
        })
        .count();
    if stubborn > 0 {
        let text = format!(
            "{stubborn} records have failed again and again: read why below, and correct what \
             stands in their way."
        );
        steps.push(step(text));
    }
    if summary.applied.failed > stubborn {
        steps.push(step(
            "The other failures need nothing yet: the next run tries them again by itself.",
        ));
    }
    if summary.applied.failed > 0 {
        sections.push("Alarm FailedRecords");
    }
    if !plan.conflicts.is_empty() {
        steps.push(step(format!(
            "Resolve the conflicts below ({}); until a person decides, what clashes waits.",
            plan.conflicts.len()
        )));
        sections.push("Alarm Conflicts");
    }
    let marked = results
        .iter()
        .filter(|one| one.action == Action::Mark && one.outcome == Outcome::Done)
        .count();
    if marked > 0 {
        let (all, purge) = (marks.len(), next_purge(about.ended_at));
        steps.push(step(format!(
            "{marked} of {all} marks were set: look through them below before \
                                 {purge}, when they are deleted."
        )));
    }
    if steps.is_empty() {
        steps.push(step("Nothing."));
    }
    (steps, sections.first().copied().unwrap_or("Where to look"))
}

/// The runbook's section of an error: its own name, if it is one of ours.
pub(super) fn section_for(error: &str) -> &'static str {
    Error::NAMES
        .into_iter()
        .find(|name| *name == error)
        .unwrap_or("AWS's own names")
}

fn failed(about: About<'_>, error: &str, cause: &str, came: Came<'_>) -> Advice {
    let advice = match error {
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
        "Sync.Input" => "Start it again with an input that is known.",
        "Sync.Config" => "Correct the stack's parameters or the secret the cause names.",
        "Sync.Rejected" => "Look the status up in the vendor's error list.",
        _ => "The name is AWS's own.",
    };
    let (state, warnings) = match came {
        Came::ToThePlan(run) if about.mode == Mode::Plan => {
            ("In plan mode nothing is applied.", emptier(run.plan))
        }
        Came::ToThePlan(run) => (
            "The plan below may be applied in part. The next run reads everything again and does \
             the rest.",
            emptier(run.plan),
        ),
        Came::NotSoFar { .. } => (
            "It failed before there was a plan: nothing was written to Zendesk.",
            Vec::new(),
        ),
        Came::NobodyKnows if about.mode == Mode::Plan => {
            ("In plan mode nothing is applied.", Vec::new())
        }
        Came::NobodyKnows => (
            "Its plan cannot be read, so this report cannot tell whether anything was written to \
             Zendesk.",
            Vec::new(),
        ),
    };
    let (text, input) = match about.mode {
        Mode::Plan => ("After that, plan anew:", "{\"mode\": \"plan\"}"),
        Mode::Apply => (
            "After that, or if nothing is to be corrected, start a new run, or wait for the next \
             hour:",
            "{}",
        ),
    };
    let again = Step {
        text: text.to_owned(),
        command: Some(start_command(about.state_machine, input)),
    };
    Advice {
        ending: Ending::Failed,
        headline: error.to_owned(),
        steps: vec![
            step(format!("What happened: {}", without_addresses(cause))),
            step(advice),
            step(state),
            again,
        ],
        runbook: section_for(error),
        warnings,
    }
}
