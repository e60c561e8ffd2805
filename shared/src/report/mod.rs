//! What a person reads after a run: one model, rendered as Markdown and as a page.

mod html;
mod markdown;
mod sections;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::Result;
use crate::model::{Applied, RecordOutcome, Report, Summary};
use crate::plan::{Create, Mark, Plan, Update, verdict};
use crate::store::{Store, key};

/// Everything a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its creates, held or not.
    pub creates: &'a [Create],
    /// Its updates, held or not.
    pub updates: &'a [Update],
    /// Its marks, held or not.
    pub marks: &'a [Mark],
    /// What became of those that were applied.
    pub results: &'a [RecordOutcome],
}

/// A part of the report, before it has a form. All text is raw; the renderers escape it.
struct Section {
    title: String,
    note: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// The report before it has a form.
struct Page {
    run_id: String,
    verdict: &'static str,
    advice: String,
    command: Option<String>,
    sections: Vec<Section>,
}

/// Writes `report.md` and `report.html` and returns the execution's output.
///
/// # Errors
/// As for [`Store::put`].
pub async fn write<S: Store>(store: &S, run: Run<'_>) -> Result<Summary> {
    let summary = summary(store.bucket(), run.plan, run.results);
    let page = sections::page(run, &summary);
    store.put(&summary.report.markdown, markdown::render(&page).into_bytes(), "text/markdown; charset=utf-8").await?;
    store.put(&summary.report.html, html::render(&page).into_bytes(), "text/html; charset=utf-8").await?;
    Ok(summary)
}

/// The execution's output.
#[must_use]
pub fn summary(bucket: &str, plan: &Plan, results: &[RecordOutcome]) -> Summary {
    let applied = Applied::of(results);
    let run_id = &plan.header.run_id;
    Summary {
        verdict: verdict(plan, &applied),
        run_id: run_id.clone(),
        mode: plan.mode,
        counts: plan.counts,
        applied,
        held: plan.guard.held(),
        report: Report { bucket: bucket.to_owned(), html: key(run_id, "report.html"), markdown: key(run_id, "report.md") },
    }
}

/// The moment the purge would delete what is marked now: the next Saturday, 00:45 UTC. Source: the Saturday job's schedule.
fn next_purge(now: Timestamp) -> String {
    let purge_on = |day: Date| day.at(0, 45, 0, 0).to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let mut day = now.to_zoned(TimeZone::UTC).date();
    for _ in 0..8 {
        if day.weekday() == Weekday::Saturday && purge_on(day).is_some_and(|at| at > now) {
            break;
        }
        day = day.tomorrow().unwrap_or(day);
    }
    format!("Saturday {day} 00:45 UTC")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
