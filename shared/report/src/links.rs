//! Where to read more: the runbook, the documents beside the report, AWS's console.

use super::runbook::Heading;
use super::{Link, ReportContext};
use domain::model::{Mode, StateMachine};
use domain::plan::{KnownResults, RunEnd};

/// The section of the runbook under this heading.
pub(super) fn runbook(context: ReportContext<'_>, heading: Heading) -> Link {
    let text = heading.text();
    Link {
        text: text.to_owned(),
        url: format!("{}#{}", context.reporting.runbook, anchor(text)),
    }
}

/// What GitLab and GitHub make of a heading.
pub(super) fn anchor(heading: &str) -> String {
    let mut anchor = String::new();
    for c in heading.chars() {
        match c {
            ' ' => anchor.push('-'),
            '-' | '_' => anchor.push(c),
            c if c.is_ascii_alphanumeric() => anchor.push(c.to_ascii_lowercase()),
            _ => {}
        }
    }
    anchor
}

/// Documents beside the report by their names, and AWS's console for the execution and the folder.
pub(super) fn links(context: ReportContext<'_>, end: &RunEnd<'_>) -> Vec<Link> {
    let mut files = vec!["report.html", "report.md", "report.json"];
    if let Some(run) = end.planned() {
        files.extend([
            "accounts.json",
            "organizations.json",
            "plan.json",
            "creates.json",
            "updates.json",
            "not_in_sync.json",
        ]);
        if context.mode == Mode::Apply {
            files.push("sync-state.json");
        }
        if context.mode == Mode::Apply && run.known != KnownResults::None {
            files.push("results.json");
        }
    }
    let mut links: Vec<_> = files.into_iter().map(|file| link(file, file)).collect();
    links.extend(console_links(context));
    links
}

pub(super) fn link(text: &str, url: impl Into<String>) -> Link {
    Link {
        text: text.to_owned(),
        url: url.into(),
    }
}

/// Pages of AWS's console; none without a state machine, or in a partition that is not known.
fn console_links(context: ReportContext<'_>) -> Vec<Link> {
    let Some(machine) = context.state_machine.and_then(StateMachine::of) else {
        return Vec::new();
    };
    let pages = [
        ("the execution", machine.execution_page(context.run_id)),
        ("the state machine", machine.page()),
        (
            "the folder of the run",
            machine.folder_page(context.bucket, context.run_id),
        ),
        ("the dashboards", machine.dashboards_page()),
    ];
    let known = pages
        .into_iter()
        .filter_map(|(text, page)| Some(link(text, page?)));
    known.collect()
}
