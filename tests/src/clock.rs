//! The clock of the tests. Each test has a thread, and each thread a time of its own, which the
//! stand-ins that run in it use too. In a process of their own they use the system's time.

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

/// Sets this thread's time.
pub fn travel_to(now: Timestamp) {
    AHEAD.set(now.duration_since(system()));
}

/// Lets time pass in this thread.
pub fn pass(time: Duration) {
    let time = SignedDuration::try_from(time).unwrap_or_default();
    AHEAD.set(AHEAD.get().saturating_add(time));
}

/// How many times shorter a nap is than the time that passes by it.
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
