//! How a doubtful answer is judged: the rules, each on a line of a table in the tests.
//!
//! The rule behind all of them: *failed* is said only of what is known not to have happened; what
//! cannot be known is *unknown*; and nothing that can be tried again without harm stops what comes
//! after it. Source: contract, section 2, "How a doubtful answer is judged".

use domain::model::Outcome;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// How often a create is sent if its replies get lost.
const MOST_TRIES: u32 = 3;
/// The pause between a create in doubt and the look for it, in seconds: identical creates that come
/// close together make two organizations. Source: Zendesk, Create Organization.
const BEFORE_A_LOOK_SECONDS: u64 = 60;
/// After this many reads in a row without a usable answer, for one create, chunk or job, the rest
/// of the run goes on without it.
pub const MOST_FAILED_READS: u32 = 3;
/// How often a chunk is sent without a usable answer before it is halved.
const MOST_DOUBTS: u32 = 2;
/// How long a job may not be shown before it counts as lost.
const UNTIL_LOST: SignedDuration = SignedDuration::from_mins(3);
/// How long a job may run before it counts as stuck.
const UNTIL_STUCK: SignedDuration = SignedDuration::from_mins(10);

/// A create that is not decided yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCreate {
    /// How often it was sent, or may have been.
    pub tries: u32,
    /// When it was sent last, or found in doubt.
    pub sent_at: Timestamp,
    /// When to look for it.
    pub look_at: Timestamp,
    /// How the last try ended.
    pub ended: LastTry,
    /// How many looks for it got no usable answer.
    pub failed_looks: u32,
    /// The error of the last try, in words.
    pub words: String,
    /// What was refused: it is sent without that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// How the last try of a create ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LastTry {
    /// No usable answer: it may have been done.
    Lost,
    /// Refused as a duplicate, and not looked for yet.
    Duplicate,
    /// Refused as a duplicate, looked for once, and not found.
    Vain,
    /// Refused for a value: nothing was done.
    Value,
}

/// What comes after a look that did not find the organization.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterLook {
    /// The create is sent again.
    Send,
    /// It is looked for once more.
    Look(OpenCreate),
    /// It cannot be known whether it was done.
    Unknown,
}

impl OpenCreate {
    /// A create whose last try got no usable answer; `before` is what was known of it.
    pub fn lost(before: Option<&Self>, now: Timestamp, pause: Option<u64>, words: String) -> Self {
        let seconds = pause.unwrap_or_default().max(BEFORE_A_LOOK_SECONDS);
        Self {
            tries: before.map_or(0, |open| open.tries) + 1,
            sent_at: now,
            look_at: later(now, seconds),
            ended: LastTry::Lost,
            failed_looks: 0,
            words,
            refusal: before.and_then(|open| open.refusal.clone()),
        }
    }

    /// A create that was refused as a duplicate; it is looked for at once.
    pub fn refused(before: Option<&Self>, now: Timestamp, words: String) -> Self {
        Self {
            look_at: now,
            ended: LastTry::Duplicate,
            ..Self::lost(before, now, None, words)
        }
    }

    /// A create that was refused for some of its values; it is sent without them at once.
    pub fn refused_for(refusal: Refusal, now: Timestamp) -> Self {
        Self {
            look_at: now,
            ended: LastTry::Value,
            refusal: Some(refusal),
            ..Self::lost(None, now, None, String::new())
        }
    }

    /// True if an invocation that was killed now may have sent it once more.
    pub fn may_have_been_sent(&self, now: Timestamp) -> bool {
        let is_sent_again = matches!(self.ended, LastTry::Lost | LastTry::Value);
        is_sent_again && now >= self.look_at && self.tries < MOST_TRIES
    }

    /// What comes after a look that got no usable answer. Without a look it is never sent again.
    pub fn after_a_failed_look(&self, now: Timestamp) -> AfterLook {
        let failed_looks = self.failed_looks + 1;
        if failed_looks >= MOST_FAILED_READS {
            return AfterLook::Unknown;
        }
        AfterLook::Look(Self {
            look_at: later(now, BEFORE_A_LOOK_SECONDS),
            failed_looks,
            ..self.clone()
        })
    }

    /// What comes after a look that did not find the organization.
    pub fn after_a_look_in_vain(&self, now: Timestamp) -> AfterLook {
        match self.ended {
            LastTry::Lost if self.tries < MOST_TRIES => AfterLook::Send,
            LastTry::Duplicate => AfterLook::Look(Self {
                look_at: later(now, BEFORE_A_LOOK_SECONDS),
                ended: LastTry::Vain,
                ..self.clone()
            }),
            LastTry::Lost | LastTry::Vain | LastTry::Value => AfterLook::Unknown,
        }
    }
}

/// What comes after an `update_many` without a usable answer.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterDoubt {
    /// The same chunk is sent again.
    Send,
    /// Its halves are sent.
    Halve,
    /// It is a single record, which is read back; what is not done is unknown.
    ReadBack,
}

/// What comes after a chunk of this many records got no usable answer this many times.
pub fn after_doubts(doubts: u32, records: usize) -> AfterDoubt {
    match (doubts, records) {
        (0..MOST_DOUBTS, _) => AfterDoubt::Send,
        (_, 0 | 1) => AfterDoubt::ReadBack,
        _ => AfterDoubt::Halve,
    }
}

/// What a look shows of a job of ours that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// It is queued or working.
    Running,
    /// Zendesk does not show it, since this moment.
    Missing(Timestamp),
}

/// What comes after a look at a job that has not ended.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterSight {
    /// It is looked at again.
    Wait,
    /// It is asked for by its id; if Zendesk does not know it then, it is lost.
    AskById,
    /// It will not end: its records are read back; what is not done is unknown.
    Stuck,
}

/// What comes after a look at a job that has not ended. Only the clock counts, not the number of
/// looks.
pub fn after_sight(sight: Sight, sent_at: Timestamp, now: Timestamp) -> AfterSight {
    match sight {
        Sight::Running if now.duration_since(sent_at) >= UNTIL_STUCK => AfterSight::Stuck,
        Sight::Missing(since) if now.duration_since(since) >= UNTIL_LOST => AfterSight::AskById,
        Sight::Running | Sight::Missing(_) => AfterSight::Wait,
    }
}

/// The seconds until the running jobs are looked at again: a quarter of the oldest one's age, so
/// that a long job is not asked for all the time.
pub fn until_the_next_look(oldest_sent_at: Timestamp, now: Timestamp) -> u64 {
    let age = now.duration_since(oldest_sent_at).as_secs();
    u64::try_from(age / 4).unwrap_or_default().clamp(5, 30)
}

/// A mark whose organization is not as compare saw it.
#[derive(Debug, Clone, Copy)]
pub struct ChangedMark {
    pub is_marked: bool,
    pub was_sent: bool,
    /// A job with this mark may still be running.
    pub may_come: bool,
}

/// Whether such a mark is ours, may become ours, or was left out because of somebody's change.
pub fn of_changed_mark(mark: ChangedMark) -> Outcome {
    match mark {
        ChangedMark {
            is_marked: true,
            was_sent: true,
            may_come: _,
        } => Outcome::Done,
        ChangedMark { may_come: true, .. } => Outcome::Unknown,
        ChangedMark { .. } => Outcome::Drifted,
    }
}

/// True for words that say nothing against the record: another try may find its row free. Source:
/// users of Zendesk's clients saw them live (`DatabaseConflict`, `DatabaseDeadlock`).
pub fn is_transient(words: &str) -> bool {
    const WORDS: [&str; 7] = [
        "databaseconflict",
        "databasedeadlock",
        "deadlock",
        "lock wait",
        "locked",
        "timeout",
        "timed out",
    ];
    let words = words.to_lowercase();
    WORDS.iter().any(|one| words.contains(one))
}

/// The first moment at which a create may be sent again, after one that may have been sent at this
/// moment.
pub fn after_a_create(sent_at: Timestamp) -> Timestamp {
    later(sent_at, BEFORE_A_LOOK_SECONDS)
}

fn later(now: Timestamp, seconds: u64) -> Timestamp {
    let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    now.checked_add(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "doubt_tests.rs"]
mod tests;
