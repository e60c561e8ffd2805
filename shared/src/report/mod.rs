//! What a person reads after a run: one model, rendered as a page, as Markdown and as JSON. Pure.
//!
//! - `facts`: what a report is made from.
//! - `document`: the report itself, before it has a form.
//! - `advice`, `sections`, `failures`, `kept`, `health`, `chart`: its parts.
//! - `html` (with `report.html` and `report.css`), `markdown`: its forms.
//! - `notice`: the short message to people.

mod advice;
mod chart;
mod cost;
mod document;
mod facts;
mod failures;
mod health;
mod html;
mod kept;
mod markdown;
mod notice;
mod sections;
mod time;

pub use cost::Cost;
pub use document::Report;
pub use facts::{About, KnownResults, PlannedRun, Reached, RunEnd};
pub use notice::{Notice, notice};
pub use time::seconds_between;

use document::{Bar, Instruction, Link, Section};
use time::{minute, next_purge};

#[cfg(test)]
mod tests;
