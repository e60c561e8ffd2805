//! The report before it has a form.

use jiff::Timestamp;
use serde::Serialize;

use super::{About, Reached, RunEnd, advice, chart, health, html, markdown, sections};
use crate::Result;
use crate::mask::without_addresses;
use crate::model::{Conclusion, Header, Mode, json_bytes};

/// Characters of a text that are shown; the documents have all of it.
const SHOWN_CHARACTERS: usize = 250;

/// A report. Its JSON form is `report.json`.
///
/// All text is raw, but for masked addresses; the renderers escape it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The header; its count is that of the sections.
    #[serde(flatten)]
    pub(super) header: Header,
    pub(super) verdict: Conclusion,
    pub(super) mode: Mode,
    pub(super) headline: String,
    pub(super) what_to_do: Vec<Instruction>,
    pub(super) runbook: Link,
    pub(super) warnings: Vec<String>,
    pub(super) last_runs: Vec<Bar>,
    pub(super) sections: Vec<Section>,
    pub(super) links: Vec<Link>,
}

impl Report {
    /// Makes the report of a run.
    #[must_use]
    pub fn of(about: About<'_>, end: RunEnd<'_>) -> Self {
        let sections = sections_of(about, end);
        let advice = advice::of(about, end);
        Self {
            header: Header {
                generated_at: about.ended_at,
                ..Header::new(about.run_id, sections.len())
            },
            verdict: advice.conclusion,
            mode: about.mode,
            headline: advice.headline,
            what_to_do: advice.instructions,
            runbook: health::runbook(about, advice.runbook),
            warnings: advice.warnings,
            last_runs: chart::bars(about.history),
            sections,
            links: health::links(about, end),
        }
    }

    /// As one self-contained page.
    ///
    /// # Errors
    /// [`crate::Error::Contract`] if the page cannot be written.
    pub fn html(&self) -> Result<String> {
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

fn sections_of(about: About<'_>, end: RunEnd<'_>) -> Vec<Section> {
    let reached = match end {
        RunEnd::Planned(run) => Reached::Plan(run),
        RunEnd::Failed { reached, .. } => reached,
        RunEnd::Skipped { .. } => Reached::UnreadablePlan,
    };
    let sections = match reached {
        Reached::Plan(run) => sections::all(about, run).into(),
        Reached::BeforePlan {
            accounts,
            instances,
        } => vec![
            sections::read_before_the_plan(accounts, instances),
            health::last_runs(about),
        ],
        Reached::UnreadablePlan => vec![health::last_runs(about)],
    };
    sections.into_iter().flatten().collect()
}

/// A part of the report: a table under a heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) note: String,
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Section {
    /// A section; `None` if there is nothing in it.
    pub(super) fn of(
        title: &'static str,
        note: impl Into<String>,
        head: &[&'static str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Option<Self> {
        let show = |row: Vec<String>| row.iter().map(|cell| shown(cell)).collect();
        let rows: Vec<Vec<String>> = rows.into_iter().map(show).collect();
        (!rows.is_empty()).then(|| Self {
            title,
            note: note.into(),
            head: head.to_vec(),
            rows,
        })
    }
}

/// Text from outside as a report shows it: without addresses, and not endless.
fn shown(text: &str) -> String {
    let text = without_addresses(text);
    let Some((end, _)) = text.char_indices().nth(SHOWN_CHARACTERS) else {
        return text;
    };
    let beginning = text.get(..end).unwrap_or_default();
    format!("{beginning}... ({} characters)", text.chars().count())
}

/// A run in the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Bar {
    pub(super) run_id: String,
    pub(super) ended_at: Timestamp,
    pub(super) verdict: Conclusion,
    pub(super) changed: usize,
    pub(super) failed: usize,
    pub(super) unknown: usize,
    pub(super) seconds: u64,
}

/// Something to do, and the exact command for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Instruction {
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<String>,
}

impl Instruction {
    /// Something to do without a command.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            command: None,
        }
    }

    /// Something to do by a command.
    pub(super) fn by(text: impl Into<String>, command: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            command: Some(command.into()),
        }
    }
}

/// Where to read more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Link {
    pub(super) text: String,
    pub(super) url: String,
}

impl Link {
    /// False for a file of the repository, which no reader of the report has beside it.
    pub(super) fn is_address(&self) -> bool {
        self.url.starts_with("https://") || self.url.starts_with("http://")
    }

    /// The file and the heading.
    pub(super) fn in_words(&self) -> String {
        let file = self.url.split('#').next().unwrap_or_default();
        format!("{file}, {}", self.text)
    }
}
