//! How the run went: its time, calls and cost, its credentials, the runs before it, and where to
//! read more.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{About, Came, Cost, End, Known, Link, Run, Section, minute, seconds_between};
use crate::model::{Credential, Mode, Usage};

/// Runs in the table; the chart has more.
const LISTED: usize = 10;
/// Days before the end of a credential from which a report warns.
const WARN_DAYS: i32 = 30;

pub(super) fn stages(about: About<'_>, run: Run<'_>) -> Option<Section> {
    let usage = run.usage;
    let row = |name: &str, usage: &Usage| {
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
        let seconds = usage.seconds();
        let waited = format!("{waits} ({wait_seconds} s)");
        vec![
            name.to_owned(),
            invocations.to_string(),
            seconds,
            calls.to_string(),
            retries.to_string(),
            throttled.to_string(),
            waited,
        ]
    };
    let rows = vec![
        row("gather-accounts", &usage.gather_accounts),
        row("gather-orgs", &usage.gather_orgs),
        row("compare", &usage.compare),
        row("sync", &usage.sync),
        row("all", &usage.total()),
    ];
    let told = about
        .history
        .change()
        .is_some_and(|(_, now)| now.run_id == about.run_id);
    let cost = Cost::of(usage, told);
    let note = format!(
        "{} s from the start to this report. {}{}: {} state transitions and {} invocations of \
         Lambdas; S3, DynamoDB and logs come on top.",
        seconds_between(about.started_at, about.ended_at),
        if run.known == Known::All {
            ""
        } else {
            "At least "
        },
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

pub(super) fn credentials(about: About<'_>, run: Run<'_>) -> Option<Section> {
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
pub(super) fn ending_credentials(about: About<'_>, run: Run<'_>) -> Vec<String> {
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
    let rows = about.history.runs.iter().rev().take(LISTED).map(|run| {
        let numbers = [run.changed(), run.applied.failed].map(|number| number.to_string());
        let [changed, failed] = numbers;
        vec![
            run.run_id.clone(),
            minute(run.ended_at),
            run.state(),
            changed,
            failed,
            run.seconds.to_string(),
        ]
    });
    Section::of(
        "Last runs",
        "",
        &["run", "ended", "verdict", "changed", "failed", "seconds"],
        rows,
    )
}

/// The section of the runbook.
pub(super) fn runbook(about: About<'_>, heading: &str) -> Link {
    let plain = heading
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let anchor: String = plain
        .map(|c| {
            if c == ' ' {
                '-'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    Link {
        text: heading.to_owned(),
        url: format!("{}#{anchor}", about.runbook),
    }
}

/// Documents beside the report by their names, and AWS's console for the execution and the folder.
pub(super) fn links(about: About<'_>, end: End<'_>) -> Vec<Link> {
    let link = |text: &str, url: String| Link {
        text: text.to_owned(),
        url,
    };
    let here = |file: &str| link(file, file.to_owned());
    let mut links = vec![here("report.html"), here("report.md"), here("report.json")];
    if let End::Planned(run)
    | End::Failed {
        came: Came::ToThePlan(run),
        ..
    } = end
    {
        links.extend(
            [
                "accounts.json",
                "organizations.json",
                "plan.json",
                "creates.json",
                "updates.json",
                "not_in_sync.json",
            ]
            .map(here),
        );
        if about.mode == Mode::Apply {
            links.push(here("sync-state.json"));
            links.extend((run.known != Known::Nothing).then(|| here("results.json")));
        }
    }
    // The console of another partition has another host.
    let machine = about
        .state_machine
        .filter(|arn| arn.starts_with("arn:aws:states:"));
    if let (Some(machine), Some(region)) = (
        machine,
        machine
            .and_then(|arn| arn.split(':').nth(3))
            .filter(|region| !region.is_empty()),
    ) {
        let console = format!("https://{region}.console.aws.amazon.com");
        let execution = format!(
            "{}:{}",
            machine.replace(":stateMachine:", ":execution:"),
            about.run_id
        );
        links.push(link(
            "the execution",
            format!("{console}/states/home?region={region}#/v2/executions/details/{execution}"),
        ));
        let folder = format!(
            "{console}/s3/buckets/{}?region={region}&prefix=runs/{}/",
            about.bucket, about.run_id
        );
        links.push(link("the folder of the run", folder));
        links.push(link(
            "the dashboards",
            format!("{console}/cloudwatch/home?region={region}#dashboards"),
        ));
    }
    links
}
