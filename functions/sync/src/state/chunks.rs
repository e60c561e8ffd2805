//! What of the updates and marks is still to be sent: chunks of neighbouring records.

use domain::model::{Action, Outcome};
use serde::{Deserialize, Serialize};
use stage::deadline::now;

use super::{Exception, Phase, SentJob, State};
use crate::doubt::{AfterDoubt, after_doubts};
use crate::work::Work;

/// Organizations in one bulk job. Source: Zendesk, `TooManyValues`.
const RECORDS_PER_JOB: usize = 100;

/// Neighbouring records of one list that go in one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    pub action: Action,
    pub from: usize,
    /// Behind the last.
    pub to: usize,
    /// True if its records were sent before.
    pub again: bool,
    /// True if a job with its records may be running that we do not know.
    pub lost: bool,
    /// Times it was sent without a usable answer.
    pub doubts: u32,
    /// True if it is the second try after words that were transient.
    pub once_more: bool,
    /// Times its marks could not be read before they were sent.
    pub unread: u32,
}

impl Chunk {
    /// What is said of a record of it that Zendesk refused or did not do: it has failed, unless a
    /// job that we do not know may still do it.
    pub fn of_not_done(&self) -> Outcome {
        if self.lost {
            Outcome::Unknown
        } else {
            Outcome::Failed
        }
    }
}

impl State {
    /// Updates before marks; of each what was not sent yet, then what is sent once more, so that a
    /// record that spoils its chunk keeps nobody waiting.
    pub(super) fn next_chunk(&self, work: &Work) -> Option<Chunk> {
        let fresh = |action, from: usize| {
            let to = work.len(action).min(from + RECORDS_PER_JOB);
            (from < to).then_some(Chunk {
                action,
                from,
                to,
                again: false,
                lost: false,
                doubts: 0,
                once_more: false,
                unread: 0,
            })
        };
        let again = |action| {
            let mut all = self.again.iter();
            all.find(|chunk| chunk.action == action).copied()
        };
        fresh(Action::Update, self.next_update)
            .or_else(|| again(Action::Update))
            .or_else(|| fresh(Action::Mark, self.next_mark))
            .or_else(|| again(Action::Mark))
    }

    /// Takes a chunk from what is still to be sent.
    pub fn take(&mut self, chunk: Chunk) {
        if let Some(place) = self.again.iter().position(|one| *one == chunk) {
            self.again.remove(place);
        } else if chunk.action == Action::Update {
            self.next_update = chunk.to;
        } else {
            self.next_mark = chunk.to;
        }
    }

    /// Notes that a chunk was accepted as this job.
    pub fn sent(&mut self, chunk: Chunk, id: String) {
        self.take(chunk);
        self.since_pause += 1;
        self.no_room = false;
        self.jobs.push(SentJob {
            id,
            chunk,
            phase: Phase::Running,
            sent_at: now(),
            missing_since: None,
            failed_reads: 0,
        });
    }

    /// Notes that a chunk got no usable answer: it may have been accepted.
    pub fn doubted(&mut self, chunk: Chunk) {
        self.take(chunk);
        let doubted = Chunk {
            again: true,
            lost: true,
            doubts: chunk.doubts + 1,
            ..chunk
        };
        match after_doubts(doubted.doubts, chunk.to - chunk.from) {
            AfterDoubt::Send | AfterDoubt::ReadBack => self.again.push(doubted),
            AfterDoubt::Halve => {
                let all: Vec<_> = (chunk.from..chunk.to).collect();
                self.send_in_halves(doubted, &all);
            }
        }
    }

    /// Sends these records of a chunk once more, in halves; a single one alone. What lies between
    /// them must be decided.
    pub fn send_in_halves(&mut self, chunk: Chunk, indexes: &[usize]) {
        let (left, right) = indexes.split_at(indexes.len() / 2);
        for half in [left, right] {
            let (Some(first), Some(last)) = (half.first(), half.last()) else {
                continue;
            };
            self.again.push(Chunk {
                from: *first,
                to: last + 1,
                again: true,
                doubts: 0,
                ..chunk
            });
        }
    }

    /// Sends these records of a chunk once more, because of words that were transient. What lies
    /// between them must be decided.
    pub fn send_once_more(&mut self, chunk: Chunk, indexes: &[usize]) {
        let (Some(first), Some(last)) = (indexes.first(), indexes.last()) else {
            return;
        };
        self.again.push(Chunk {
            from: *first,
            to: last + 1,
            again: true,
            doubts: 0,
            once_more: true,
            ..chunk
        });
    }

    /// The places of a chunk that are not decided yet.
    pub fn undecided(&self, chunk: Chunk) -> Vec<usize> {
        let is_decided = |index: usize| {
            self.exceptions
                .iter()
                .any(|one| one.action == chunk.action && one.index == index)
        };
        (chunk.from..chunk.to)
            .filter(|index| !is_decided(*index))
            .collect()
    }

    /// Notes what became of an update or mark.
    pub fn decide(&mut self, action: Action, index: usize, outcome: Outcome, words: Option<&str>) {
        self.exceptions.push(Exception {
            action,
            index,
            outcome,
            error: words.map(str::to_owned),
        });
    }
}
