//! How long an invocation may still work.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Context;
use serde::{Deserialize, Serialize};

/// The moment Lambda ends the invocation, from the invocation's context.
///
/// A stage that has less than [`Deadline::MARGIN`] left saves its progress and returns `continue`.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Timestamp,
}

impl Deadline {
    /// What must be left to begin another remote call: three tries of 20 s, and saving the
    /// progress.
    pub const MARGIN: Duration = Duration::from_secs(75);

    /// A deadline at the given moment.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { at }
    }

    /// A deadline so far away that it never ends a stage; for tests and tools.
    #[must_use]
    pub fn never() -> Self {
        Self { at: Timestamp::MAX }
    }

    /// True if another remote call may begin.
    #[must_use]
    pub fn allows_more(&self) -> bool {
        self.left() > Self::MARGIN
    }

    /// Time left, zero if it has passed.
    #[must_use]
    pub fn left(&self) -> Duration {
        Duration::try_from(self.at.duration_since(Timestamp::now())).unwrap_or_default()
    }
}

impl From<&Context> for Deadline {
    fn from(context: &Context) -> Self {
        let at = i64::try_from(context.deadline)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Self {
            at: at.unwrap_or(Timestamp::MAX),
        }
    }
}

/// Pauses in a row, without anything going forward, after which a stage gives up with
/// `Sync.Throttled`.
const MOST_PAUSES: u32 = 10;

/// Pauses a vendor asked for since anything went forward; part of a stage's saved progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pauses(u32);

impl Pauses {
    /// Counts a pause; false if there were too many without anything going forward.
    pub fn one_more(&mut self) -> bool {
        self.0 += 1;
        self.0 <= MOST_PAUSES
    }

    /// Notes that something went forward.
    pub fn went_forward(&mut self) {
        self.0 = 0;
    }
}

/// What time it is. Tests with dates of their own set it.
#[must_use]
pub fn now() -> Timestamp {
    let ahead = SignedDuration::from_secs(SECONDS_AHEAD.get());
    Timestamp::now()
        .saturating_add(ahead)
        .unwrap_or(Timestamp::MAX)
}

thread_local! {
    static SECONDS_AHEAD: Cell<i64> = const { Cell::new(0) };
}

/// Makes it another time for [`now`] in this thread; for tests, which have a thread each.
pub fn travel_to(now: Timestamp) {
    let ahead = now.duration_since(Timestamp::now()).as_secs();
    SECONDS_AHEAD.set(ahead);
}

static HURRY: AtomicU32 = AtomicU32::new(1);

/// Sleeps inside an invocation; a few seconds at most, anything longer is a Wait state.
pub async fn nap(length: Duration) {
    tokio::time::sleep(length / HURRY.load(Ordering::Relaxed)).await;
}

/// Makes every nap of this process so many times shorter; for tests.
pub fn hurry(times: u32) {
    HURRY.store(times.max(1), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_with_less_than_the_margin_left_allows_no_more() {
        let in_seconds = |s: i64| {
            let mut context = Context::default();
            let at = Timestamp::now().as_millisecond() + s * 1000;
            context.deadline = u64::try_from(at).unwrap();
            Deadline::from(&context)
        };
        assert!(in_seconds(100).allows_more());
        assert!(!in_seconds(20).allows_more());
        assert!(!in_seconds(-5).allows_more());
        assert!(
            !Deadline::from(&Context::default()).allows_more(),
            "a missing deadline must not loop for ever"
        );
    }
}
