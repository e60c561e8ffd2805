#![doc = env!("CARGO_PKG_DESCRIPTION")]
//!
//! - `facts`: what a report is made from.
//! - `document`: the report itself, before it has a form; `cells` its tables' cells, `addresses`
//!   and `links` where they lead.
//! - `advice`: its head, with `approvals`. `sections`: the order of its parts, which are `marks`,
//!   `changes`, `failures`, `kept`, `outcome`, `inputs`, `health`, `cost`, `chart`.
//! - `reasons` and `judged` word what the plan has typed.
//! - `html` (with `report.html` and `report.css`), `markdown`: its forms; `escape` what they do to
//!   text from outside.
//! - `notice`: the short message to people, with `untold` of the runs before; `message` its forms.
//!   `runbook`: what of the runbook both name.

mod addresses;
mod advice;
mod approvals;
mod cells;
mod changes;
mod chart;
mod cost;
mod document;
mod escape;
mod facts;
mod failures;
mod health;
mod html;
mod inputs;
mod judged;
mod kept;
mod links;
mod markdown;
mod marks;
mod message;
mod metric;
mod notice;
mod outcome;
mod reasons;
mod runbook;
mod sections;
mod time;
mod untold;
mod words;

pub use cost::{ALARMS, Cost, DASHBOARDS, MEMORY_MB, PRICES, Prices};
pub use document::Report;
pub use facts::{ReportContext, Reporting};
pub use message::Notice;
pub use metric::{Metric, Unit};
pub use notice::notice;
pub use runbook::Heading;
pub use time::seconds_between;
pub use untold::is_told_again;

use document::{Bar, Instruction, Link, Section};
use time::{minute, next_purge};

#[cfg(test)]
mod for_tests;
#[cfg(test)]
mod planned_tests;
#[cfg(test)]
mod tests;
