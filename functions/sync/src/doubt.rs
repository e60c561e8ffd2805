//! How a doubtful answer is judged: the rules, each on a line of a table in the tests.
//!
//! The rule behind all of them: *failed* is said only of what is known not to have happened; what
//! cannot be known is *unknown*; and nothing that can be tried again without harm stops what comes
//! after it. Source: contract, section 2, "How a doubtful answer is judged".

use domain::model::Outcome;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Times a create whose replies get lost is sent.
const MOST_TRIES: u32 = 3;
/// The pause between a create in doubt and the look for it, in seconds: identical creates that come
/// close together make two organizations. Source: Zendesk, Create Organization.
const BEFORE_A_LOOK_SECONDS: u64 = 60;
/// Times in a row something of Zendesk is asked for one create, chunk or job without a usable
/// answer, before the rest of the run goes on without it.
pub const MOST_FAILED_READS: u32 = 3;
/// Times a chunk is sent without a usable answer.
const MOST_DOUBTS: u32 = 2;
/// How long a job may not be shown before it counts as lost.
const UNTIL_LOST: SignedDuration = SignedDuration::from_mins(3);
/// How long a job may run before it counts as stuck.
const UNTIL_STUCK: SignedDuration = SignedDuration::from_mins(10);

/// A create that is not decided yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCreate {
    /// Times it was sent, or may have been.
    pub tries: u32,
    /// When it was sent last, or found in doubt.
    pub sent_at: Timestamp,
    /// When it is looked for.
    pub look_at: Timestamp,
    /// What the last try ended with.
    pub ended: LastTry,
    /// Looks for it that got no usable answer.
    pub failed_looks: u32,
    /// The words for the last try.
    pub words: String,
}

/// What the last try of a create ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LastTry {
    /// No usable answer: it may have been done.
    Lost,
    /// Refused as a duplicate, and not looked for yet.
    Duplicate,
    /// Refused as a duplicate, looked for once, and nobody was found.
    Vain,
}

/// What comes after a look that found nobody.
#[derive(Debug, PartialEq, Eq)]
pub enum AfterLook {
    /// The create is sent again.
    Send,
    /// It is looked for once more.
    Look(OpenCreate),
    /// It cannot be known.
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
        }
    }

    /// A create that was refused as a duplicate; it is looked for at once.
    pub fn refused(before: Option<&Self>, now: Timestamp, words: String) -> Self {
        Self {
            tries: before.map_or(0, |open| open.tries) + 1,
            sent_at: now,
            look_at: now,
            ended: LastTry::Duplicate,
            failed_looks: 0,
            words,
        }
    }

    /// True if an invocation that was killed now may have sent it once more.
    pub fn may_have_been_sent(&self, now: Timestamp) -> bool {
        self.ended == LastTry::Lost && now >= self.look_at && self.tries < MOST_TRIES
    }

    /// What comes after a look that got no usable answer: without one it is never sent again.
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

    /// What comes after a look that found nobody.
    pub fn after_a_look_in_vain(&self, now: Timestamp) -> AfterLook {
        match self.ended {
            LastTry::Lost if self.tries < MOST_TRIES => AfterLook::Send,
            LastTry::Duplicate => AfterLook::Look(Self {
                look_at: later(now, BEFORE_A_LOOK_SECONDS),
                ended: LastTry::Vain,
                ..self.clone()
            }),
            LastTry::Lost | LastTry::Vain => AfterLook::Unknown,
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

/// What comes after so many sends of so many records without a usable answer.
pub fn after_doubts(doubts: u32, records: usize) -> AfterDoubt {
    match (doubts, records) {
        (0..MOST_DOUBTS, _) => AfterDoubt::Send,
        (_, 0 | 1) => AfterDoubt::ReadBack,
        _ => AfterDoubt::Halve,
    }
}

/// What a look says of a job of ours that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
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

/// What comes after a look at a job that was sent then and has not ended. Times are by the clock,
/// however many looks there were.
pub fn after_sight(seen: Seen, sent_at: Timestamp, now: Timestamp) -> AfterSight {
    match seen {
        Seen::Running if now.duration_since(sent_at) >= UNTIL_STUCK => AfterSight::Stuck,
        Seen::Missing(since) if now.duration_since(since) >= UNTIL_LOST => AfterSight::AskById,
        Seen::Running | Seen::Missing(_) => AfterSight::Wait,
    }
}

/// The seconds until jobs of which the oldest was sent then are looked at again: a quarter of its
/// age, so that a long job is not asked for all the time.
pub fn until_the_next_look(oldest_sent_at: Timestamp, now: Timestamp) -> u64 {
    let age = now.duration_since(oldest_sent_at).as_secs();
    u64::try_from(age / 4).unwrap_or_default().clamp(5, 30)
}

/// What becomes of a mark whose organization is not as compare saw it.
#[derive(Debug, Clone, Copy)]
pub struct ChangedMark {
    pub is_marked: bool,
    pub was_sent: bool,
    /// A job with it may still be running somewhere.
    pub may_come: bool,
}

/// Whether such a mark is ours, may become ours, or is nobody's business any more.
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
/// seen live by users of Zendesk's clients (`DatabaseConflict`, `DatabaseDeadlock`).
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

fn later(now: Timestamp, seconds: u64) -> Timestamp {
    let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    now.checked_add(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[path = "doubt_tests.rs"]
mod tests;
