//! What a report is made from.

use std::sync::Arc;

use jiff::Timestamp;

use domain::model::{History, Mapping, Mode};

/// What reports and messages need to know of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// What is synced. Knows nothing if the file cannot be read: that ends a run, and is reported.
    pub mapping: Arc<Mapping>,
    /// Where the runbook can be read.
    pub runbook: String,
    /// Hours after which people are told again while something is held; 0: never.
    pub reminder_hours: u32,
    /// Hours between two runs of the schedule; 0 if that is not known.
    pub interval_hours: u32,
}

/// What every report is made from, however the run ended.
#[derive(Debug, Clone, Copy)]
pub struct ReportContext<'a> {
    pub run_id: &'a str,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// The bucket of its documents.
    pub bucket: &'a str,
    pub state_machine: Option<&'a str>,
    /// What was to be done with the plan.
    pub mode: Mode,
    pub reporting: &'a Reporting,
    /// The last runs, this one included if it belongs in the history.
    pub history: &'a History,
    /// True if a message about it goes out.
    pub people_are_told: bool,
}

impl<'a> ReportContext<'a> {
    pub(super) fn mapping(self) -> &'a Mapping {
        &self.reporting.mapping
    }
}
