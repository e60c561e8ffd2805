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
    pub fn at(at: Timestamp) -> Self {
        Self { at }
    }

    /// A deadline so far away that it never ends a stage; for tests and tools.
    pub fn never() -> Self {
        Self { at: Timestamp::MAX }
    }

    pub fn moment(&self) -> Timestamp {
        self.at
    }

    /// True if another remote call may begin.
    pub fn allows_more(&self) -> bool {
        self.left() > Self::MARGIN
    }

    /// Time left, zero if it has passed.
    pub fn left(&self) -> Duration {
        Duration::try_from(self.at.duration_since(now())).unwrap_or_default()
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

/// How long Step Functions lets an execution run.
const EXECUTION: SignedDuration = SignedDuration::from_hours(3);
/// What must be left of that for the way out.
const FOR_THE_WAY_OUT: SignedDuration = SignedDuration::from_mins(10);
/// The longest Wait state, in seconds.
const LONGEST_WAIT_SECONDS: u64 = 15 * 60;

/// When a run must end by itself, so that Step Functions does not end it without a report. Source:
/// contract, section 2, "sync".
#[derive(Debug, Clone, Copy)]
pub struct RunEnd(Timestamp);

impl RunEnd {
    /// The end of a run that started then; a stage that is started by hand has all the time.
    pub fn of(started_at: Option<Timestamp>) -> Self {
        let end = started_at.and_then(|at| at.checked_add(EXECUTION - FOR_THE_WAY_OUT).ok());
        Self(end.unwrap_or(Timestamp::MAX))
    }

    /// True if nothing more may be begun.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.0
    }

    /// The moment in the middle between another one and the end.
    pub fn half_way_from(&self, began: Timestamp) -> Timestamp {
        let half = self.0.duration_since(began) / 2;
        began.checked_add(half).unwrap_or(self.0)
    }

    /// The seconds of a Wait state: at most 15 minutes, and at most what is left.
    pub fn shortened(&self, seconds: u64, now: Timestamp) -> u64 {
        let left = u64::try_from(self.0.duration_since(now).as_secs()).unwrap_or_default();
        seconds.min(LONGEST_WAIT_SECONDS).min(left).max(1)
    }
}

/// Whole seconds from now until a moment, none if it has passed.
pub fn seconds_until(moment: Timestamp, now: Timestamp) -> u64 {
    let left = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
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
pub fn now() -> Timestamp {
    Timestamp::now()
        .saturating_add(AHEAD.get())
        .unwrap_or(Timestamp::MAX)
}

thread_local! {
    static AHEAD: Cell<SignedDuration> = const { Cell::new(SignedDuration::ZERO) };
}

/// Makes it another time for [`now`] in this thread; for tests, which have a thread each.
pub fn travel_to(now: Timestamp) {
    AHEAD.set(now.duration_since(Timestamp::now()));
}

/// Lets time pass for [`now`] in this thread; for tests.
pub fn pass(time: Duration) {
    let time = SignedDuration::try_from(time).unwrap_or_default();
    AHEAD.set(AHEAD.get().saturating_add(time));
}

static HURRY: AtomicU32 = AtomicU32::new(1);

/// Sleeps inside an invocation; a few seconds at most, anything longer is a Wait state.
pub async fn nap(length: Duration) {
    let times = HURRY.load(Ordering::Relaxed);
    tokio::time::sleep(length / times).await;
    if times > 1 {
        pass(length);
    }
}

/// Makes every nap of this process so many times shorter, though [`now`] does not see it; for
/// tests.
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

    #[test]
    fn no_wait_is_longer_than_fifteen_minutes_or_than_what_is_left_of_the_run() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let end = RunEnd::of(Some(at("2026-11-23T06:00:00Z")));
        assert_eq!(end.shortened(60, at("2026-11-23T06:00:00Z")), 60);
        assert_eq!(end.shortened(3600, at("2026-11-23T06:00:00Z")), 900);
        assert_eq!(end.shortened(900, at("2026-11-23T08:45:00Z")), 300);
        assert_eq!(end.shortened(900, at("2026-11-23T09:00:00Z")), 1);
        assert!(!end.is_over(at("2026-11-23T08:49:59Z")));
        assert!(end.is_over(at("2026-11-23T08:50:00Z")));
        assert!(!RunEnd::of(None).is_over(at("2026-11-23T08:50:00Z")));
        let half = end.half_way_from(at("2026-11-23T06:50:00Z"));
        assert_eq!(half, at("2026-11-23T07:50:00Z"));
        assert_eq!(
            seconds_until(at("2026-11-23T06:00:01Z"), at("2026-11-23T06:00:00.5Z")),
            1
        );
        assert_eq!(
            seconds_until(at("2026-11-23T06:00:00Z"), at("2026-11-23T06:00:09Z")),
            0
        );
    }
}
