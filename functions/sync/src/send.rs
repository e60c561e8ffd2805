//! Updates and marks are sent in bulk: at most 100 a job.

use std::time::Duration;

use domain::model::Outcome;
use serde_json::Value;
use vendors::zendesk::CallError;

use crate::applier::Applier;
use crate::chunk::{Before, Chunk};
use crate::doubt::{AfterDoubt, ChangedMark, MOST_FAILED_READS, of_changed_mark};
use crate::list::List;
use crate::state::Refused;

/// The pause after a lost reply: the job may be running, and a second one would get in its way.
const AFTER_A_DOUBT: Duration = Duration::from_secs(5);
/// The pause after marks could not be read.
const AFTER_A_FAILED_READ_SECONDS: u64 = 30;

const NOT_READ: &str = "not marked: Zendesk did not show the organization before it was to be";
const NO_ANSWER: &str = "Zendesk gave no usable answer, twice";
const MAY_COME: &str =
    "changed meanwhile, and an earlier try to mark it got no answer: the mark may still come";

impl Applier<'_> {
    /// Sends a chunk as one job. Marks are read again just before; those that changed meanwhile are
    /// left out as drifted. Returns the seconds to wait, if Zendesk named any.
    pub(crate) async fn send(&mut self, chunk: Chunk) -> Result<Option<u64>, CallError> {
        if chunk.after_doubts() == AfterDoubt::ReadBack {
            self.read_the_doubted(chunk).await?;
            return Ok(None);
        }
        if chunk.list == List::Marks {
            match self.leave_out_what_drifted(&chunk).await {
                Err(CallError::Doubt { .. } | CallError::Refused { .. }) => {
                    return Ok(self.not_read(chunk));
                }
                other => other?,
            }
        }
        let refusals = self.state.refusals(&chunk);
        let body = |place| {
            let refusal = Refused::at(place, &refusals);
            self.work.body(chunk.list, place, refusal)
        };
        let undecided = self.state.undecided(&chunk).into_iter();
        let bodies: Vec<Value> = undecided.filter_map(body).collect();
        if bodies.is_empty() {
            self.state.take(&chunk);
            return Ok(None);
        }
        match self.client.update_many(&bodies).await {
            Ok(job) => {
                tracing::debug!(job_id = job.id, ?chunk, "job sent");
                self.state.sent(chunk, job.id, self.clock.now());
                Ok(None)
            }
            Err(CallError::Doubt { what, retry_after }) => {
                tracing::warn!("a chunk got no usable answer and is sent once more: {what}");
                self.doubted(chunk).await;
                Ok(retry_after)
            }
            Err(CallError::Refused { words, .. }) => {
                self.refused(&chunk, &words);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// A chunk got no usable answer: it may have been accepted.
    async fn doubted(&mut self, chunk: Chunk) {
        self.state.take(&chunk);
        self.state.again.extend(chunk.doubted());
        self.clock.nap(AFTER_A_DOUBT).await;
    }

    /// A whole chunk was refused, so nothing of it was done: it is halved down to the record that
    /// is to blame, and that is sent once more without what was refused.
    fn refused(&mut self, chunk: &Chunk, words: &str) {
        self.state.take(chunk);
        match self.state.undecided(chunk).as_slice() {
            [one] if self.refuse(chunk, *one, words) => {
                self.state.again.extend(chunk.last_try(&[*one]));
            }
            [one] => self.decide_not_done(chunk, &[*one], words),
            several => self.state.again.extend(chunk.in_halves(several)),
        }
    }

    /// A single record got no usable answer twice, so its organization is read. If it is not as
    /// wanted, the record is unknown, because its job may still come.
    async fn read_the_doubted(&mut self, chunk: Chunk) -> Result<(), CallError> {
        let undecided = self.state.undecided(&chunk);
        let may_be_read_again =
            matches!(chunk.before, Before::MayBeRunning(doubts) if doubts <= MOST_FAILED_READS);
        let not_done = match self.read_back(&chunk, &undecided).await {
            Err(CallError::Doubt { .. } | CallError::Refused { .. }) if may_be_read_again => {
                self.doubted(chunk).await;
                return Ok(());
            }
            Err(CallError::Doubt { .. } | CallError::Refused { .. }) => undecided,
            other => other?,
        };
        self.decide_unknown(&chunk, &not_done, NO_ANSWER);
        self.state.take(&chunk);
        Ok(())
    }

    /// The organizations of a chunk of marks could not be read, and nothing is marked without being
    /// read first. They are read again after the other chunks, three times in all. Returns the
    /// seconds to wait.
    fn not_read(&mut self, chunk: Chunk) -> Option<u64> {
        self.state.take(&chunk);
        let unread = chunk.unread + 1;
        if unread < MOST_FAILED_READS {
            self.state.again.push(Chunk { unread, ..chunk });
            return Some(AFTER_A_FAILED_READ_SECONDS);
        }
        let undecided = self.state.undecided(&chunk);
        self.decide_not_done(&chunk, &undecided, NOT_READ);
        None
    }

    /// Reads the organizations of a chunk of marks again, and decides those that are no longer as
    /// compare saw them.
    async fn leave_out_what_drifted(&mut self, chunk: &Chunk) -> Result<(), CallError> {
        let undecided = self.state.undecided(chunk);
        let now = self.organizations(chunk, &undecided).await?;
        for place in undecided {
            let id = self.work.id(List::Marks, place);
            let changed = match id.and_then(|id| now.get(&id)) {
                Some(organization) if self.work.is_as_read(place, organization) => continue,
                Some(organization) => {
                    let was_marked_before = self.work.was_marked_before(organization.id);
                    ChangedMark {
                        is_marked: organization.is_marked(),
                        was_sent: chunk.was_sent() || was_marked_before,
                        may_come: chunk.may_be_running() || was_marked_before,
                    }
                }
                None => ChangedMark {
                    is_marked: false,
                    was_sent: chunk.was_sent(),
                    may_come: chunk.may_be_running(),
                },
            };
            let outcome = of_changed_mark(changed);
            let words = (outcome == Outcome::Unknown).then_some(MAY_COME);
            self.state.decide(chunk, &[place], outcome, words);
        }
        Ok(())
    }
}
