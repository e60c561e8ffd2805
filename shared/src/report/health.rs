//! How the run went: its time, calls and cost, its credentials, the runs before it, and where to
//! read more.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{
    About, Cost, KnownResults, Link, PlannedRun, Reached, RunEnd, Section, minute, seconds_between,
};
use crate::model::{Credential, Mode, Usage};

/// Runs in the table; the chart has more.
const MOST_LISTED: usize = 10;
/// Days before the end of a credential from which a report warns.
const WARN_DAYS: i32 = 30;

/// What each stage used, and what the run cost.
pub(super) fn stages(about: About<'_>, run: PlannedRun<'_>) -> Option<Section> {
    let usage = run.usage;
    let rows = [
        stage_row("gather-accounts", &usage.gather_accounts),
        stage_row("gather-orgs", &usage.gather_orgs),
        stage_row("compare", &usage.compare),
        stage_row("sync", &usage.sync),
        stage_row("all", &usage.total()),
    ];
    let change = about.history.change();
    let people_are_told = change.is_some_and(|(_, now)| now.run_id == about.run_id);
    let cost = Cost::of(usage, people_are_told);
    let at_least = match run.known {
        KnownResults::All => "",
        KnownResults::SoFar | KnownResults::None => "At least ",
    };
    let note = format!(
        "{} s from the start to this report. {at_least}{}: {} state transitions and {} invocations \
         of Lambdas; S3, DynamoDB and logs come on top.",
        seconds_between(about.started_at, about.ended_at),
        cost.usd(),
        cost.transitions,
        cost.invocations,
    );
    let head = [
        "stage",
        "invocations",
        "seconds",
        "API calls",
        "repeated",
        "429s",
        "waits",
    ];
    Section::of("Time, calls and cost", note, &head, rows)
}

fn stage_row(name: &str, usage: &Usage) -> Vec<String> {
    let Usage {
        invocations,
        milliseconds: _,
        pages: _,
        calls,
        retries,
        throttled,
        waits,
        wait_seconds,
        credentials: _,
    } = usage;
    vec![
        name.to_owned(),
        invocations.to_string(),
        usage.seconds(),
        calls.to_string(),
        retries.to_string(),
        throttled.to_string(),
        format!("{waits} ({wait_seconds} s)"),
    ]
}

pub(super) fn credentials(about: About<'_>, run: PlannedRun<'_>) -> Option<Section> {
    let rows = run.usage.total().credentials.into_iter().map(|one| {
        let left = days_left(&one, about.ended_at)
            .map_or_else(|| "no end known".to_owned(), |days| days.to_string());
        vec![
            one.secret,
            one.auth,
            one.ends.map_or_else(String::new, |day| day.to_string()),
            left,
        ]
    });
    Section::of(
        "Credentials",
        "",
        &["secret", "kind", "ends", "days left"],
        rows,
    )
}

/// A warning for each credential that ends soon.
pub(super) fn ending_credentials(about: About<'_>, run: PlannedRun<'_>) -> Vec<String> {
    ending_soon(about, run.usage.total().credentials)
}

pub(super) fn ending_soon(about: About<'_>, credentials: Vec<Credential>) -> Vec<String> {
    let soon = |one: Credential| {
        let days = days_left(&one, about.ended_at).filter(|days| *days < WARN_DAYS)?;
        Some(format!(
            "The credential in {} ends in {days} days: move it to client_credentials.",
            one.secret
        ))
    };
    credentials.into_iter().filter_map(soon).collect()
}

fn days_left(credential: &Credential, now: Timestamp) -> Option<i32> {
    credential.days_left(now.to_zoned(TimeZone::UTC).date())
}

pub(super) fn last_runs(about: About<'_>) -> Option<Section> {
    let newest_first = about.history.runs.iter().rev();
    let rows = newest_first.take(MOST_LISTED).map(|run| {
        vec![
            run.run_id.clone(),
            minute(run.ended_at),
            run.state(),
            run.changed().to_string(),
            run.applied.failed.to_string(),
            run.applied.unknown.to_string(),
            run.seconds.to_string(),
        ]
    });
    let head = [
        "run", "ended", "verdict", "changed", "failed", "unknown", "seconds",
    ];
    Section::of("Last runs", "", &head, rows)
}

/// The section of the runbook under this heading.
pub(super) fn runbook(about: About<'_>, heading: &str) -> Link {
    Link {
        text: heading.to_owned(),
        url: format!("{}#{}", about.runbook, anchor(heading)),
    }
}

/// What GitLab and GitHub make of a heading.
fn anchor(heading: &str) -> String {
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
pub(super) fn links(about: About<'_>, end: RunEnd<'_>) -> Vec<Link> {
    let mut files = vec!["report.html", "report.md", "report.json"];
    if let RunEnd::Planned(run)
    | RunEnd::Failed {
        reached: Reached::Plan(run),
        ..
    } = end
    {
        files.extend([
            "accounts.json",
            "organizations.json",
            "plan.json",
            "creates.json",
            "updates.json",
            "not_in_sync.json",
        ]);
        if about.mode == Mode::Apply {
            files.push("sync-state.json");
        }
        if about.mode == Mode::Apply && run.known != KnownResults::None {
            files.push("results.json");
        }
    }
    let mut links: Vec<_> = files.into_iter().map(|file| link(file, file)).collect();
    links.extend(console_links(about));
    links
}

fn link(text: &str, url: impl Into<String>) -> Link {
    Link {
        text: text.to_owned(),
        url: url.into(),
    }
}

/// Pages of AWS's console; none for another partition, whose console has another host.
fn console_links(about: About<'_>) -> Vec<Link> {
    let machine = about.state_machine.unwrap_or_default();
    let region = match machine.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", "aws", "states", region, ..] if !region.is_empty() => *region,
        _ => return Vec::new(),
    };
    let console = format!("https://{region}.console.aws.amazon.com");
    let executions = machine.replace(":stateMachine:", ":execution:");
    let run_id = about.run_id;
    let bucket = about.bucket;
    vec![
        link(
            "the execution",
            format!(
                "{console}/states/home?region={region}#/v2/executions/details/{executions}:{run_id}"
            ),
        ),
        link(
            "the folder of the run",
            format!("{console}/s3/buckets/{bucket}?region={region}&prefix=runs/{run_id}/"),
        ),
        link(
            "the dashboards",
            format!("{console}/cloudwatch/home?region={region}#dashboards"),
        ),
    ]
}
