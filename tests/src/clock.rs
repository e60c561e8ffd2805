//! The clock of the tests. A test has a thread, and a time of its own in it; the stand-ins that
//! run in the thread go by it too. Alone, in a process of their own, they go by the system's.

use std::cell::Cell;
use std::pin::Pin;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stage::clock::{Clock, Time};

thread_local! {
    /// How far this thread's time is ahead of the system's.
    static AHEAD: Cell<SignedDuration> = const { Cell::new(SignedDuration::ZERO) };
}

#[expect(clippy::disallowed_methods, reason = "what the tests' clock goes by")]
fn system() -> Timestamp {
    Timestamp::now()
}

/// This thread's time.
pub fn now() -> Timestamp {
    system()
        .saturating_add(AHEAD.get())
        .unwrap_or(Timestamp::MAX)
}

/// Makes it another time in this thread.
pub fn travel_to(now: Timestamp) {
    AHEAD.set(now.duration_since(system()));
}

/// Lets time pass in this thread.
pub fn pass(time: Duration) {
    let time = SignedDuration::try_from(time).unwrap_or_default();
    AHEAD.set(AHEAD.get().saturating_add(time));
}

/// How much shorter a nap is than what passes by it.
const HURRY: u32 = 1000;

#[derive(Debug)]
struct Moved;

impl Time for Moved {
    fn now(&self) -> Timestamp {
        now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a thousandth of the nap is slept"
    )]
    fn sleep(&self, length: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            tokio::time::sleep(length / HURRY).await;
            pass(length);
        })
    }
}

/// The clock for the stages under test.
pub fn clock() -> Clock {
    Clock::of(Moved)
}
