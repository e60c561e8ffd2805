//! What a person reads after a run: one model, rendered as a page, as Markdown and as JSON. Pure,
//! but for [`write`].

mod advice;
mod chart;
mod cost;
mod health;
mod html;
mod markdown;
mod notice;
mod sections;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::Serialize;

pub use cost::Cost;
pub use notice::notice;

use crate::Result;
use crate::model::{
    Applied, Ending, Header, History, Instance, Mode, RecordOutcome, Report, RunUsage, Summary,
    without_addresses,
};
use crate::plan::{Create, Mark, Plan, Update, json_bytes, verdict};
use crate::store::{Store, key};

/// What every report is made from.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The execution's name.
    pub run_id: &'a str,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The bucket of its documents.
    pub bucket: &'a str,
    /// The state machine's ARN.
    pub state_machine: Option<&'a str>,
    /// What was to be done with the plan.
    pub mode: Mode,
    /// Where the runbook can be read.
    pub runbook: &'a str,
    /// The last runs, this one included if it is one of those.
    pub history: &'a History,
}

/// How the run ended.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// With a plan, applied or not.
    Planned(Run<'a>),
    /// It could not go on.
    Failed {
        /// The error's name.
        error: &'a str,
        /// What happened, and what to do.
        cause: &'a str,
        /// How far it came.
        came: Came<'a>,
    },
    /// Another execution was running.
    Skipped {
        /// Its ARN.
        holder: &'a str,
    },
}

/// How far a run that failed came.
#[derive(Debug, Clone, Copy)]
pub enum Came<'a> {
    /// To a plan, of which something may have been applied.
    ToThePlan(Run<'a>),
    /// Not to a plan.
    NotSoFar {
        /// The accounts, if they were read in full.
        accounts: Option<usize>,
        /// The instances, if they were read in full.
        instances: &'a [Instance],
    },
    /// There is a plan, or there may be one, and it cannot be read.
    NobodyKnows,
}

/// Of how many records it is known what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Of all that were to be applied.
    All,
    /// Of some: the run failed.
    SoFar,
    /// Of none: the run was cut off.
    Nothing,
}

/// A plan and what became of it.
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
    /// Of how many records that is known.
    pub known: Known,
    /// What the stages used.
    pub usage: &'a RunUsage,
}

/// A part of the report, before it has a form. All text is raw but for masked addresses; the
/// renderers escape it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Section {
    title: &'static str,
    note: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Section {
    /// A section; `None` if there is nothing in it.
    fn of(
        title: &'static str,
        note: impl Into<String>,
        head: &[&'static str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Option<Self> {
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|row| row.iter().map(|cell| shown(cell)).collect())
            .collect();
        (!rows.is_empty()).then(|| Self {
            title,
            note: note.into(),
            head: head.to_vec(),
            rows,
        })
    }
}

/// Characters of a text that are shown; the documents have all of it.
const SHOWN: usize = 250;

/// Text from outside as a report shows it: without addresses, and not endless.
fn shown(text: &str) -> String {
    let text = without_addresses(text);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!(
            "{}... ({} characters)",
            text.get(..end).unwrap_or_default(),
            text.chars().count()
        ),
        None => text,
    }
}

/// A run in the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Bar {
    run_id: String,
    ended_at: Timestamp,
    verdict: Ending,
    changed: usize,
    failed: usize,
    seconds: u64,
}

/// Something to do, and the exact command for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Step {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// Where to read more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Link {
    text: String,
    url: String,
}

impl Link {
    /// False for a file of the repository, which no reader of the report has beside it.
    fn is_address(&self) -> bool {
        self.url.starts_with("https://") || self.url.starts_with("http://")
    }

    /// The file and the heading.
    fn in_words(&self) -> String {
        format!(
            "{}, {}",
            self.url.split('#').next().unwrap_or_default(),
            self.text
        )
    }
}

/// The report before it has a form, and its JSON form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The header; its count is that of the sections.
    #[serde(flatten)]
    header: Header,
    verdict: Ending,
    mode: Mode,
    headline: String,
    what_to_do: Vec<Step>,
    runbook: Link,
    warnings: Vec<String>,
    last_runs: Vec<Bar>,
    sections: Vec<Section>,
    links: Vec<Link>,
}

/// Makes the report.
#[must_use]
pub fn page(about: About<'_>, end: End<'_>) -> Page {
    let sections: Vec<Section> = match end {
        End::Planned(run)
        | End::Failed {
            came: Came::ToThePlan(run),
            ..
        } => sections::all(about, run).into_iter().flatten().collect(),
        End::Failed {
            came:
                Came::NotSoFar {
                    accounts,
                    instances,
                },
            ..
        } => sections::read_before_the_plan(accounts, instances)
            .into_iter()
            .chain(health::last_runs(about))
            .collect(),
        End::Failed {
            came: Came::NobodyKnows,
            ..
        }
        | End::Skipped { .. } => health::last_runs(about).into_iter().collect(),
    };
    let advice = advice::of(about, end);
    let header = Header {
        generated_at: about.ended_at,
        ..Header::new(about.run_id, sections.len())
    };
    let links = health::links(about, end);
    Page {
        header,
        verdict: advice.ending,
        mode: about.mode,
        headline: advice.headline,
        what_to_do: advice.steps,
        runbook: health::runbook(about, advice.runbook),
        warnings: advice.warnings,
        last_runs: chart::bars(about.history),
        sections,
        links,
    }
}

impl Page {
    /// As one self-contained page.
    #[must_use]
    pub fn html(&self) -> String {
        html::render(self)
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::render(self)
    }

    /// As JSON.
    ///
    /// # Errors
    /// [`crate::Error::Contract`] if it has no JSON form.
    pub fn json(&self) -> Result<Vec<u8>> {
        json_bytes("report.json", self)
    }
}

/// Writes `report.json`, `report.md` and `report.html`.
///
/// # Errors
/// As for [`Store::put`].
pub async fn write<S: Store>(store: &S, about: About<'_>, end: End<'_>) -> Result<()> {
    let page = page(about, end);
    let key = |file| key(about.run_id, file);
    store
        .put(&key("report.json"), page.json()?, "application/json")
        .await?;
    store
        .put(
            &key("report.md"),
            page.markdown().into_bytes(),
            "text/markdown; charset=utf-8",
        )
        .await?;
    store
        .put(
            &key("report.html"),
            page.html().into_bytes(),
            "text/html; charset=utf-8",
        )
        .await
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
        report: Report {
            bucket: bucket.to_owned(),
            html: key(run_id, "report.html"),
            markdown: key(run_id, "report.md"),
        },
    }
}

/// The moment the purge would delete what is marked now: the next Saturday, 00:45 UTC. Source: the
/// Saturday job's schedule.
fn next_purge(now: Timestamp) -> String {
    let purge_on = |day: Date| {
        day.at(0, 45, 0, 0)
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|at| at.timestamp())
    };
    let mut day = now.to_zoned(TimeZone::UTC).date();
    for _ in 0..8 {
        if day.weekday() == Weekday::Saturday && purge_on(day).is_some_and(|at| at > now) {
            break;
        }
        day = day.tomorrow().unwrap_or(day);
    }
    format!("Saturday {day} 00:45 UTC")
}

/// A moment as people write it, to the minute.
fn minute(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string()
}

/// Seconds from one moment to another, zero if the clocks disagree.
#[must_use]
pub fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or_default()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
