//! How the run went: its time, calls and cost, its credentials, and the runs before it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cells::Cell;
use super::words::counted;
use super::{Cost, ReportContext, Section, minute, seconds_between};
use domain::model::{Credential, Usage};
use domain::plan::{KnownResults, PlannedRun};

/// Runs in the table; the chart has more.
const MOST_LISTED: usize = 10;
/// A report warns of a credential that ends within this many days.
const WARN_DAYS: i32 = 30;

/// What each stage used, and what the run cost.
pub(super) fn stages(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let usage = &run.usage;
    let rows = [
        stage_row("gather-accounts", &usage.gather_accounts),
        stage_row("gather-orgs", &usage.gather_orgs),
        stage_row("compare", &usage.compare),
        stage_row("sync", &usage.sync),
        stage_row("all", &usage.total()),
    ];
    let cost = Cost::of(usage, context.people_are_told);
    let at_least = match run.known {
        KnownResults::All => "",
        KnownResults::SoFar | KnownResults::None => "At least ",
    };
    let note = format!(
        "{} s from the start to this report. {at_least}{}: {} state transitions and {} invocations \
         of Lambdas, at AWS's list prices; S3, DynamoDB and logs come on top.",
        seconds_between(context.started_at, context.ended_at),
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

fn stage_row(name: &str, usage: &Usage) -> Vec<Cell> {
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
        name.into(),
        (*invocations).into(),
        usage.seconds().into(),
        (*calls).into(),
        (*retries).into(),
        (*throttled).into(),
        format!("{waits} ({wait_seconds} s)").into(),
    ]
}

pub(super) fn credentials(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let rows = run.usage.total().credentials.into_iter().map(|one| {
        let left = days_left(&one, context.ended_at)
            .map_or_else(|| "no end known".to_owned(), |days| days.to_string());
        vec![
            one.secret.into(),
            one.auth.into(),
            one.ends
                .map_or_else(String::new, |day| day.to_string())
                .into(),
            left.into(),
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
pub(super) fn ending_credentials(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Vec<String> {
    ending_soon(context, run.usage.total().credentials)
}

pub(super) fn ending_soon(context: ReportContext<'_>, credentials: Vec<Credential>) -> Vec<String> {
    let soon = |one: Credential| {
        let days = days_left(&one, context.ended_at).filter(|days| *days < WARN_DAYS)?;
        Some(format!(
            "The credential in {} {}: move it to client_credentials.",
            one.secret,
            when(days)
        ))
    };
    credentials.into_iter().filter_map(soon).collect()
}

fn when(days: i32) -> String {
    match usize::try_from(days) {
        Ok(days) => format!("ends in {}", counted(days, "day")),
        Err(_) => "has ended".to_owned(),
    }
}

fn days_left(credential: &Credential, now: Timestamp) -> Option<i32> {
    credential.days_left(now.to_zoned(TimeZone::UTC).date())
}

pub(super) fn last_runs(context: ReportContext<'_>) -> Option<Section> {
    let newest_first = context.history.runs.iter().rev();
    let rows = newest_first.take(MOST_LISTED).map(|run| {
        vec![
            Cell::run(&run.run_id),
            minute(run.ended_at).into(),
            run.state().into(),
            run.changed().into(),
            run.applied.failed.into(),
            run.applied.unknown.into(),
            run.seconds.into(),
        ]
    });
    let head = [
        "run", "ended", "verdict", "changed", "failed", "unknown", "seconds",
    ];
    Section::of("Last runs", "", &head, rows)
}
