//! The report, before it is written in one of its forms.

use jiff::Timestamp;
use serde::Serialize;

use super::addresses::Addresses;
use super::cells::Cell;
use super::{ReportContext, advice, chart, health, html, inputs, links, markdown, sections};
use domain::Result;
use domain::model::{Header, Mode, StateMachine, Verdict, json_bytes};
use domain::plan::{Reached, RunEnd};

/// A report. Its JSON form is `report.json`.
///
/// All text is raw, except that e-mail addresses are masked; the renderers escape it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The header; its count is that of the sections.
    #[serde(flatten)]
    pub(super) header: Header,
    pub(super) version: &'static str,
    pub(super) verdict: Verdict,
    pub(super) mode: Mode,
    pub(super) headline: String,
    pub(super) what_to_do: Vec<Instruction>,
    pub(super) runbook: Link,
    pub(super) warnings: Vec<String>,
    pub(super) last_runs: Vec<Bar>,
    pub(super) sections: Vec<Section>,
    pub(super) addresses: Addresses,
    pub(super) links: Vec<Link>,
}

impl Report {
    /// Makes the report of a run.
    pub fn of(context: ReportContext<'_>, end: &RunEnd<'_>) -> Self {
        let sections = sections_of(context, end);
        let advice = advice::of(context, end);
        Self {
            header: Header::new(context.run_id, context.ended_at, sections.len()),
            version: domain::VERSION,
            verdict: advice.conclusion,
            mode: context.mode,
            headline: advice.headline,
            what_to_do: advice.instructions,
            runbook: links::runbook(context, advice.runbook),
            warnings: advice.warnings,
            last_runs: chart::bars(context.history),
            sections,
            addresses: Addresses::of(context, end),
            links: links::links(context, end),
        }
    }

    /// As one self-contained page.
    ///
    /// # Errors
    /// [`domain::Error::Contract`] if the page cannot be written.
    pub fn html(&self) -> Result<String> {
        html::render(self)
    }

    pub fn markdown(&self) -> String {
        markdown::render(self)
    }

    /// As JSON.
    ///
    /// # Errors
    /// [`domain::Error::Contract`] if it has no JSON form.
    pub fn json(&self) -> Result<Vec<u8>> {
        json_bytes("report.json", self)
    }
}

fn sections_of(context: ReportContext<'_>, end: &RunEnd<'_>) -> Vec<Section> {
    if let Some(run) = end.planned() {
        return sections::all(context, run).into_iter().flatten().collect();
    }
    let mut sections = Vec::new();
    if let RunEnd::Failed {
        reached:
            Reached::BeforePlan {
                accounts,
                instances,
                own_marks: _,
            },
        ..
    } = end
    {
        sections.push(inputs::read_before_the_plan(*accounts, instances));
    }
    sections.push(health::last_runs(context));
    sections.into_iter().flatten().collect()
}

/// The most rows of a section; the documents have all of them.
const MOST_ROWS: usize = 5000;
/// The most rows of a section with held entries. Source: contract, section 2, "The way out".
const MOST_HELD: usize = 1000;

/// A part of the report: a table under a heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) note: String,
    /// What there is in all; the rows may be fewer.
    pub(super) count: usize,
    /// True if a person has to decide about it.
    pub(super) is_held: bool,
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Section {
    /// A section that is never long; `None` if there is nothing in it.
    pub(super) fn of(
        title: &'static str,
        note: impl Into<String>,
        head: &[&'static str],
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) -> Option<Self> {
        Self::list(title, note, head, rows, "report.json")
    }

    /// A section of any length. Rows beyond the limit are counted and not kept; `document` has all
    /// of them.
    pub(super) fn list(
        title: &'static str,
        note: impl Into<String>,
        head: &[&'static str],
        rows: impl IntoIterator<Item = Vec<Cell>>,
        document: &str,
    ) -> Option<Self> {
        Self::up_to(MOST_ROWS, title, note.into(), head, rows, document)
    }

    /// As [`Section::list`], of entries that a person has to decide about.
    pub(super) fn of_held(
        title: &'static str,
        note: impl Into<String>,
        head: &[&'static str],
        rows: impl IntoIterator<Item = Vec<Cell>>,
        document: &str,
    ) -> Option<Self> {
        let section = Self::up_to(MOST_HELD, title, note.into(), head, rows, document)?;
        Some(Self {
            is_held: true,
            ..section
        })
    }

    fn up_to(
        most: usize,
        title: &'static str,
        mut note: String,
        head: &[&'static str],
        rows: impl IntoIterator<Item = Vec<Cell>>,
        document: &str,
    ) -> Option<Self> {
        let mut rest = rows.into_iter();
        let rows: Vec<_> = rest.by_ref().take(most).collect();
        // To be counted, the rest need not be made if the iterator knows its length.
        let more = match rest.size_hint() {
            (least, Some(most)) if least == most => least,
            _ => rest.count(),
        };
        let count = rows.len() + more;
        if count > rows.len() {
            note = format!("{note} The first {most} of {count}; {document} has all.");
        }
        (count > 0).then(|| Self {
            title,
            note: note.trim().to_owned(),
            count,
            is_held: false,
            head: head.to_vec(),
            rows,
        })
    }
}

/// A run in the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Bar {
    pub(super) run_id: String,
    pub(super) ended_at: Timestamp,
    pub(super) verdict: Verdict,
    pub(super) changed: usize,
    pub(super) failed: usize,
    pub(super) unknown: usize,
    pub(super) seconds: u64,
}

/// Something to do, and exactly how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Instruction {
    pub(super) text: String,
    /// The command for a terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<String>,
    /// The execution's input alone, for the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    /// The page of the console it is done on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<Link>,
}

impl Instruction {
    /// Something to do, or to know.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            command: None,
            input: None,
            page: None,
        }
    }

    /// An execution to be started: by a command, or in the console, where the input is pasted.
    pub(super) fn start(text: impl Into<String>, context: ReportContext<'_>, input: &str) -> Self {
        let machine = context.state_machine.and_then(StateMachine::of);
        let page = machine.and_then(|machine| machine.page());
        Self {
            command: Some(StateMachine::start_command(context.state_machine, input)),
            input: Some(input.to_owned()),
            page: page.map(|url| links::link("Open the state machine: Start execution", url)),
            ..Self::new(text)
        }
    }

    /// Something to look at on a page.
    pub(super) fn on(text: impl Into<String>, page: Option<Link>) -> Self {
        Self {
            page,
            ..Self::new(text)
        }
    }
}

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
