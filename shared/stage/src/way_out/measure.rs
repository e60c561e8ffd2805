//! The metrics of a run that is noted in the history.

use domain::model::{Applied, PastRun};
use domain::plan::{RunEnd, marks_pending};
use report::{Cost, ReportContext, seconds_between};

use crate::metrics::{Metric, record};

const SECONDS_OF_AN_HOUR: u64 = 3600;

pub(super) fn record_end(end: &RunEnd<'_>, context: ReportContext<'_>) {
    let hours_held = context.history.held_since.map_or(0, |since| {
        seconds_between(since, context.ended_at) / SECONDS_OF_AN_HOUR
    });
    record(Metric::HoursHeld, hours_held);
    if let Some(purge) = context.reporting.mapping.purge {
        let purge = purge.next(context.ended_at);
        let hours_to_purge = seconds_between(context.ended_at, purge) / SECONDS_OF_AN_HOUR;
        record(Metric::HoursToPurge, hours_to_purge);
    }
    let is_good = context.history.runs.last().is_some_and(PastRun::is_good);
    record(Metric::GoodRun, i32::from(is_good));
    if let Some(applied) = end.planned() {
        let counts = applied.planned.plan.counts;
        record(Metric::MarksPending, marks_pending(applied));
        record(Metric::Waiting, counts.waiting);
        record(Metric::Unlinked, counts.unlinked);
        record(Metric::Unexplained, counts.unexplained);
        record(Metric::Exempt, counts.exempt);
    }
    let RunEnd::Planned(run) = end else {
        return;
    };
    let Applied {
        created,
        updated,
        marked,
        failed,
        unknown,
        drifted,
    } = Applied::of(&run.results);
    let plan = &run.planned.plan;
    let held: usize = plan.guard.held().iter().map(|held| held.count).sum();
    let cost = Cost::of(&run.usage, context.people_are_told);
    let seconds = seconds_between(context.started_at, context.ended_at);
    record(Metric::HeldChanges, held);
    record(Metric::FailedRecords, failed);
    record(Metric::UnknownRecords, unknown);
    record(Metric::DriftedRecords, drifted);
    record(Metric::Conflicts, plan.counts.conflicts);
    record(Metric::Created, created);
    record(Metric::Updated, updated);
    record(Metric::Marked, marked);
    record(Metric::RunSeconds, seconds);
    record(Metric::RunCostMicroUsd, cost.micro_usd());
}
