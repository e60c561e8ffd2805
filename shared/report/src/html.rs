//! The report as one page: no script, nothing from outside, readable on a phone, in the dark, and
//! on paper. The page itself is `report.html`, its look `report.css`.

use std::borrow::Cow;
use std::fmt;

use askama::Template;
use askama::filters::Escaper;

use super::addresses::Addresses;
use super::cells::{Cell, Part};
use super::chart::{self, Chart};
use super::escape::{becomes_a_space, pieces};
use super::links::anchor;
use super::{Instruction, Link, Report, Section, minute};
use domain::{Error, Result};

/// Rows up to which a section is shown unfolded.
const MOST_UNFOLDED: usize = 20;

/// What `report.html` shows.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    run_id: &'a str,
    version: &'a str,
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
    /// Where the table of contents leads.
    anchor: String,
    /// False for a long one, unless it shows what is held.
    is_open: bool,
    /// The columns, counted from 1, whose cells are all numbers to be compared.
    numeric: Vec<usize>,
    rows: Vec<Vec<Shown<'a>>>,
}

/// A cell as the page shows it.
struct Shown<'a> {
    /// True for a zero, which must not catch the eye.
    is_zero: bool,
    pieces: Vec<Piece<'a>>,
}

/// A piece of a cell.
struct Piece<'a> {
    text: Cow<'a, str>,
    /// Where it leads; empty if nowhere.
    url: String,
    /// True for an id, which must not be broken.
    is_id: bool,
    /// True if what follows begins a new line.
    is_break: bool,
}

impl<'a> Table<'a> {
    fn of(section: &'a Section, addresses: &Addresses) -> Self {
        let is_numeric = |column: &usize| {
            section
                .rows
                .iter()
                .all(|row| row.get(*column).is_some_and(is_number))
        };
        let numeric = (0..section.head.len()).filter(is_numeric);
        let rows = section.rows.iter();
        let shown = |cell| Shown::of(cell, addresses);
        Self {
            section,
            anchor: anchor(section.title),
            is_open: section.is_held || section.rows.len() <= MOST_UNFOLDED,
            numeric: numeric.map(|column| column + 1).collect(),
            rows: rows.map(|row| row.iter().map(shown).collect()).collect(),
        }
    }
}

impl<'a> Shown<'a> {
    fn of(cell: &'a Cell, addresses: &Addresses) -> Self {
        let piece = |part: &'a Part| Piece {
            text: part.text(),
            url: addresses.of_part(part).unwrap_or_default(),
            is_id: !matches!(part, Part::Text(_) | Part::Break),
            is_break: *part == Part::Break,
        };
        Self {
            is_zero: matches!(cell.text().as_ref(), "0" | "0 (0 s)"),
            pieces: cell.parts().iter().map(piece).collect(),
        }
    }

    /// True if it has several pieces, which must stay together.
    fn is_joined(&self) -> bool {
        self.pieces.len() > 1
    }
}

pub(super) fn render(report: &Report) -> Result<String> {
    let Report {
        header,
        version,
        verdict,
        mode,
        headline,
        what_to_do,
        runbook,
        warnings,
        last_runs,
        sections,
        addresses,
        links,
    } = report;
    let page = Page {
        run_id: &header.run_id,
        version,
        verdict: verdict.word(),
        mode: mode.word(),
        written: minute(header.generated_at),
        headline,
        warnings,
        what_to_do,
        runbook,
        chart: chart::draw(last_runs),
        tables: sections
            .iter()
            .map(|section| Table::of(section, addresses))
            .collect(),
        links,
    };
    page.render()
        .map_err(|error| Error::Contract(format!("report.html: it cannot be written: {error}")))
}

/// True for a number to be compared, but not for an id, which is read.
fn is_number(cell: &Cell) -> bool {
    let is_part = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-');
    let is_text = cell
        .parts()
        .iter()
        .all(|part| matches!(part, Part::Text(_)));
    let text = cell.text();
    is_text && text.len() <= 9 && text.bytes().all(is_part)
}

/// Makes text harmless in a page: markup is shown as it is written, and control characters and
/// signs that turn the direction of what follows become spaces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReportEscaper;

impl Escaper for ReportEscaper {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        pieces(string, harmless).try_for_each(|piece| dest.write_str(piece))
    }
}

/// What a character is shown as, if not as itself.
fn harmless(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        c => becomes_a_space(c).then_some(" "),
    }
}
