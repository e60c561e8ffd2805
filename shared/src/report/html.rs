//! The report as one page: no script, nothing from outside, readable on a phone, in the dark, and
//! on paper. The page itself is `report.html`, its look `report.css`.

use std::fmt;

use askama::Template;
use askama::filters::Escaper;

use super::chart::{self, Chart};
use super::{Instruction, Link, Report, Section, minute};
use crate::{Error, Result};

/// What `report.html` shows.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    run_id: &'a str,
    verdict: &'static str,
    mode: &'static str,
    written: String,
    headline: &'a str,
    warnings: &'a [String],
    what_to_do: &'a [Instruction],
    runbook: &'a Link,
    chart: Option<Chart>,
    tables: Vec<Table<'a>>,
    links: &'a [Link],
}

/// A section as the page shows it.
struct Table<'a> {
    section: &'a Section,
    /// For each column whether all its cells are numbers that are compared.
    is_numeric: Vec<bool>,
}

impl<'a> Table<'a> {
    fn of(section: &'a Section) -> Self {
        let is_numeric = |column: usize| {
            section
                .rows
                .iter()
                .all(|row| row.get(column).is_some_and(|cell| is_number(cell)))
        };
        Self {
            section,
            is_numeric: (0..section.head.len()).map(is_numeric).collect(),
        }
    }

    /// The attribute of a cell in this column.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates pass references"
    )]
    fn class(&self, column: &usize) -> &'static str {
        match self.is_numeric.get(*column) {
            Some(true) => " class=\"n\"",
            _ => "",
        }
    }
}

pub(super) fn render(report: &Report) -> Result<String> {
    let Report {
        header,
        verdict,
        mode,
        headline,
        what_to_do,
        runbook,
        warnings,
        last_runs,
        sections,
        links,
    } = report;
    let page = Page {
        run_id: &header.run_id,
        verdict: verdict.word(),
        mode: mode.word(),
        written: minute(header.generated_at),
        headline,
        warnings,
        what_to_do,
        runbook,
        chart: chart::draw(last_runs),
        tables: sections.iter().map(Table::of).collect(),
        links,
    };
    page.render()
        .map_err(|error| Error::Contract(format!("report.html: it cannot be written: {error}")))
}

/// True for a number that is compared, not for an id, which is read.
fn is_number(cell: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-');
    cell.len() <= 9 && cell.bytes().all(is_part)
}

/// Makes text harmless in a page: markup is shown as it is written, and control characters and
/// signs that turn the direction of what follows become spaces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReportEscaper;

impl Escaper for ReportEscaper {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        for c in string.chars() {
            match c {
                '&' => dest.write_str("&amp;")?,
                '<' => dest.write_str("&lt;")?,
                '>' => dest.write_str("&gt;")?,
                '"' => dest.write_str("&quot;")?,
                '\'' => dest.write_str("&#39;")?,
                c if c.is_control() || turns_direction(c) => dest.write_char(' ')?,
                c => dest.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// True for signs that turn the direction of what follows: a name could make the rest of its row
/// read differently.
pub(super) fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
