//! The head of the report: how it ended, in one line, and what to do now, with the exact command.

use super::{About, End, Run, health, next_purge, summary};
use crate::model::{Ending, Mode, Outcome, Summary};
use crate::plan::start_command;

/// The head of a report.
pub(super) struct Advice {
    pub(super) ending: Ending,
    pub(super) mode: Option<Mode>,
    pub(super) headline: String,
    pub(super) what_to_do: Vec<String>,
    pub(super) command: Option<String>,
    /// The heading in `infra/RUNBOOK.md`.
    pub(super) runbook: &'static str,
    pub(super) warnings: Vec<String>,
}

pub(super) fn of(about: About<'_>, end: End<'_>) -> Advice {
    match end {
        End::Planned(run) => planned(about, run),
        End::Failed { error, cause, run } => failed(about, error, cause, run),
        End::Skipped { holder } => Advice {
            ending: Ending::Skipped,
            mode: None,
            headline: "Another run was under way".to_owned(),
            what_to_do: vec![format!("Nothing: the next hour runs again. Under way was {holder}.")],
            command: None,
            runbook: "A run is SKIPPED",
            warnings: Vec::new(),
        },
    }
}

fn planned(about: About<'_>, run: Run<'_>) -> Advice {
    let summary = summary(about.bucket, run.plan, run.known());
    let command = run.plan.release.clone();
    let (what_to_do, runbook) = todo(run, &summary);
    let mut warnings: Vec<String> = run.plan.warnings.iter().map(|why| format!("The inputs look emptier than they should: {why}.")).collect();
    warnings.extend(health::ending_credentials(about, run));
    let refused = &run.plan.guard.refused_approvals;
    if !refused.is_empty() {
        warnings.push(format!("Refused approvals, which fit nothing that is held in this plan: {}.", refused.join(", ")));
    }
    Advice { ending: summary.verdict.into(), mode: Some(run.plan.mode), headline: headline(&summary), what_to_do, command, runbook, warnings }
}

fn headline(summary: &Summary) -> String {
    let Summary { counts, applied, held, .. } = summary;
    let held: Vec<_> = held.iter().map(|held| format!("{} {:?}", held.count, held.category).to_lowercase()).collect();
    match Ending::from(summary.verdict) {
        Ending::Held => format!("{} held: more than goes without approval", held.join(" and ")),
        Ending::Planned if held.is_empty() => {
            format!("{} creates, {} updates, {} marks planned; nothing was applied", counts.creates, counts.updates, counts.marks)
        }
        Ending::Planned => format!("nothing was applied; {} would be held", held.join(" and ")),
        Ending::NothingToDo if counts.conflicts > 0 => format!("nothing to write; {} conflicts wait for a person", counts.conflicts),
        Ending::NothingToDo => "both systems are equal".to_owned(),
        _ => {
            let failed = if applied.failed > 0 { format!(", {} FAILED", applied.failed) } else { String::new() };
            format!("{} created, {} updated, {} marked{failed}", applied.created, applied.updated, applied.marked)
        }
    }
}

fn todo(run: Run<'_>, summary: &Summary) -> (Vec<String>, &'static str) {
    let (Run { plan, marks, .. }, results) = (run, run.known());
    let mut lines = Vec::new();
    let mut runbook = "Where to look";
    let stubborn = results.iter().filter(|one| one.runs_failed.is_some_and(|runs| runs >= super::sections::STUBBORN)).count();
    if stubborn > 0 {
        lines.push(format!("{stubborn} records have failed again and again: read Zendesk's words below and correct the record they are about."));
    }
    if summary.applied.failed > stubborn {
        lines.push("The other failures need nothing yet: the next run tries them again by itself.".to_owned());
    }
    if !plan.conflicts.is_empty() {
        lines.push(format!("Resolve the conflicts below ({}); until then nothing is done to their records.", plan.conflicts.len()));
    }
    let marked = results.iter().filter(|one| one.action == crate::model::Action::Mark && one.outcome == Outcome::Done).count();
    if marked > 0 {
        lines.push(format!(
            "{marked} of {} marks were set: look through them below before {}; then they are deleted.",
            marks.len(),
            next_purge(plan.header.generated_at)
        ));
    }
    if plan.release.is_some() && plan.mode == Mode::Apply {
        lines.push(
            "Read the held entries below. If they are wrong, do nothing: they are never applied. If they are right, release exactly them:".to_owned(),
        );
        runbook = "Alarm HeldChanges";
    } else if plan.release.is_some() {
        lines.push("Nothing was applied. In apply mode a part of this plan would be held; to release it:".to_owned());
        runbook = "Looking at a change before it is applied";
    } else if plan.mode == Mode::Plan {
        lines.push("Nothing was applied. In apply mode all of this plan would be.".to_owned());
        runbook = "Looking at a change before it is applied";
    }
    if runbook == "Where to look" && summary.applied.failed > 0 {
        runbook = "Alarm FailedRecords";
    } else if runbook == "Where to look" && !plan.conflicts.is_empty() {
        runbook = "Alarm Conflicts";
    }
    if lines.is_empty() {
        lines.push("Nothing.".to_owned());
    }
    (lines, runbook)
}

fn failed(about: About<'_>, error: &str, cause: &str, run: Option<Run<'_>>) -> Advice {
    let (advice, runbook) = match error {
        "Sync.Throttled" => ("Look who else uses the vendor's API. The next run tries again by itself.", "Sync.Throttled"),
        "Sync.Transient" => ("See the vendor's status page. The next run tries again by itself.", "Sync.Transient"),
        "Sync.Auth" => ("Correct the secret or the rights the cause names. Do not start it again and again: that may lock the user.", "Sync.Auth"),
        "Sync.Contract" => ("Correct the field or record the cause names.", "Sync.Contract"),
        "Sync.Incomplete" => ("Nothing if it happens once: the next run reads again.", "Sync.Incomplete"),
        "Sync.Input" => ("Start it again with an input that is known.", "Sync.Input"),
        "Sync.Config" => ("Correct the stack's parameters or the secret the cause names.", "Sync.Config"),
        "Sync.Rejected" => ("Read the vendor's words in the cause.", "Sync.Rejected"),
        _ => ("The name is AWS's own: look at the execution's history and at the function's log.", "Alarm RunFailed"),
    };
    let state = match run {
        Some(_) => {
            "What was applied is noted in sync-state.json; every record is either done or not, and the next run reads everything again and does the rest."
        }
        None => "It failed before there was a plan: nothing was written to Zendesk.",
    };
    Advice {
        ending: Ending::Failed,
        mode: run.map(|run| run.plan.mode),
        headline: error.to_owned(),
        what_to_do: vec![format!("What happened: {cause}"), advice.to_owned(), format!("{state} To start one now:")],
        command: Some(start_command(about.state_machine, "{}")),
        runbook,
        warnings: run.map(|run| run.plan.warnings.clone()).unwrap_or_default(),
    }
}
