//! Neighbouring records of a list that go in one job, and what became of them before.

use std::ops::Range;

use domain::model::Outcome;
use serde::{Deserialize, Serialize};

use crate::doubt::{AfterDoubt, after_doubts};
use crate::list::List;

/// Organizations in one bulk job. Source: Zendesk, `TooManyValues`.
pub const RECORDS_PER_JOB: usize = 100;

/// Neighbouring records of one list that go in one job. Those of them that are decided are left
/// out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    pub list: List,
    pub from: usize,
    /// The place behind the last record.
    pub to: usize,
    pub before: Before,
    /// True for the second try after words that said what it takes; there is no third.
    pub is_last_try: bool,
    /// How often its marks could not be read before they were sent.
    pub unread: u32,
    /// The last judged job that had its records, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
}

/// Whether the records of a chunk were sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    Unsent,
    /// In a job that has ended, or that Zendesk refused.
    Sent,
    /// A job with them may be running without our knowing its id: this many sends of the same
    /// records got no usable answer.
    MayBeRunning(u32),
}

impl Chunk {
    /// Records that were never sent, at most as many as go in one job.
    pub fn fresh(list: List, records: Range<usize>) -> Option<Self> {
        let to = records.end.min(records.start + RECORDS_PER_JOB);
        (records.start < to).then_some(Self {
            list,
            from: records.start,
            to,
            before: Before::Unsent,
            is_last_try: false,
            unread: 0,
            job_id: None,
        })
    }

    pub fn places(&self) -> Range<usize> {
        self.from..self.to
    }

    pub fn was_sent(&self) -> bool {
        self.before != Before::Unsent
    }

    pub fn may_be_running(&self) -> bool {
        matches!(self.before, Before::MayBeRunning(_))
    }

    /// What comes next for it, given how often it was sent without a usable answer.
    pub fn after_doubts(&self) -> AfterDoubt {
        let doubts = match self.before {
            Before::Unsent | Before::Sent => 0,
            Before::MayBeRunning(doubts) => doubts,
        };
        after_doubts(doubts, self.places().len())
    }

    /// The outcome of one of its records that Zendesk refused or did not do: failed, unless a job
    /// that we do not know of may still do it.
    pub fn of_not_done(&self) -> Outcome {
        if self.may_be_running() {
            Outcome::Unknown
        } else {
            Outcome::Failed
        }
    }

    /// The chunks to send after it got no usable answer: it may have been accepted.
    pub fn doubted(self) -> Vec<Self> {
        let doubts = match self.before {
            Before::Unsent | Before::Sent => 1,
            Before::MayBeRunning(doubts) => doubts + 1,
        };
        let doubted = Self {
            before: Before::MayBeRunning(doubts),
            ..self
        };
        match doubted.after_doubts() {
            AfterDoubt::Send | AfterDoubt::ReadBack => vec![doubted],
            AfterDoubt::Halve => {
                let all: Vec<_> = doubted.places().collect();
                doubted.in_halves(&all)
            }
        }
    }

    /// The chunks that send these of its records once more, in halves; a single record is sent
    /// alone. The records between them must be decided.
    pub fn in_halves(&self, places: &[usize]) -> Vec<Self> {
        let (left, right) = places.split_at(places.len() / 2);
        [left, right]
            .into_iter()
            .filter_map(|half| self.again(half))
            .collect()
    }

    /// The chunk that sends these of its records once more, for the last time: the words were
    /// transient, or name what may be left out. The records between them must be decided.
    pub fn last_try(&self, places: &[usize]) -> Option<Self> {
        self.again(places).map(|again| Self {
            is_last_try: true,
            ..again
        })
    }

    fn again(&self, places: &[usize]) -> Option<Self> {
        let (first, last) = (places.first()?, places.last()?);
        Some(Self {
            from: *first,
            to: last + 1,
            before: match self.before {
                Before::MayBeRunning(_) => Before::MayBeRunning(0),
                Before::Unsent | Before::Sent => Before::Sent,
            },
            ..self.clone()
        })
    }
}
