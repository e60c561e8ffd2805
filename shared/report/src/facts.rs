//! What a report is made from.

use jiff::Timestamp;

use domain::model::{History, Instance, Mode, RecordOutcome, Related, RunUsage};
use domain::plan::{Create, Mark, Plan, Update};

/// What reports and messages need to know of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// Where the runbook can be read.
    pub runbook: String,
    /// Hours after which people are told again while something is held; 0: never.
    pub reminder_hours: u32,
    /// Hours between two runs of the schedule; 0 if nobody said.
    pub interval_hours: u32,
}

/// What every report is made from, however the run ended.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub run_id: &'a str,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    /// The bucket of its documents.
    pub bucket: &'a str,
    pub state_machine: Option<&'a str>,
    /// What was to be done with the plan.
    pub mode: Mode,
    /// What is known of the installation.
    pub reporting: &'a Reporting,
    /// The last runs, this one included if it is one of those.
    pub history: &'a History,
    /// True if a message about it goes out.
    pub people_are_told: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum RunEnd<'a> {
    /// With a plan, applied or not.
    Planned(PlannedRun<'a>),
    /// It could not go on.
    Failed {
        error: &'a str,
        /// What happened, and what to do.
        cause: &'a str,
        reached: Reached<'a>,
    },
    /// Another execution was running.
    Skipped {
        holder: &'a str,
        /// What this execution was to approve.
        approve: &'a [String],
    },
}

impl<'a> RunEnd<'a> {
    /// The plan and what became of it, if the run came so far.
    pub fn planned(self) -> Option<PlannedRun<'a>> {
        match self {
            Self::Planned(run)
            | Self::Failed {
                reached: Reached::Plan(run),
                ..
            } => Some(run),
            Self::Failed { .. } | Self::Skipped { .. } => None,
        }
    }
}

/// How far a run that failed got.
#[derive(Debug, Clone, Copy)]
pub enum Reached<'a> {
    /// To a plan, of which something may have been applied.
    Plan(PlannedRun<'a>),
    /// Not to a plan: nothing was written to Zendesk.
    BeforePlan {
        /// Accounts gathered; `None` if they were not read in full.
        accounts: Option<usize>,
        /// Instances gathered; empty if they were not read in full.
        instances: &'a [Instance],
        /// Marks of this pipeline that stood after the run before.
        own_marks: usize,
    },
    /// There is a plan, or there may be one, and it cannot be read.
    UnreadablePlan,
}

/// Of which records it is known what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownResults {
    /// Of all that were to be applied.
    All,
    /// Of some: the run failed while it wrote.
    SoFar,
    /// Of none: the run was cut off.
    None,
}

/// A plan and what became of it.
#[derive(Debug, Clone, Copy)]
pub struct PlannedRun<'a> {
    pub plan: &'a Plan,
    /// Its creates, held or not.
    pub creates: &'a [Create],
    /// Its updates, held or not.
    pub updates: &'a [Update],
    /// Its marks, held or not.
    pub marks: &'a [Mark],
    /// What became of those that were applied.
    pub results: &'a [RecordOutcome],
    /// What hangs on the marks, as far as Zendesk said.
    pub related: &'a [Related],
    /// Of which records that is known.
    pub known: KnownResults,
    pub usage: &'a RunUsage,
}
