//! Whether a call is tried again. One pure function, tested as a table.

use std::time::Duration;

use reqwest::header::HeaderMap;

/// The longest pause inside a Lambda; anything longer is a Wait state. Source: contract, section 1.
pub const LONGEST_SLEEP_SECONDS: u64 = 5;
/// Tries of one call in one invocation; the state machine tries the whole stage again.
const MOST_TRIES: u32 = 3;
/// After this long a call is not tried again in the same invocation: a read that was not answered
/// in 30 s is tried once more, and whatever was slower is not. So a call has an end that its caller
/// can rely on (see `zendesk::times`).
pub const LONGEST_TRYING: Duration = Duration::from_secs(32);
/// The pause before what was not sent is tried again in a later invocation.
const NOT_SENT_PAUSE_SECONDS: u64 = 30;
/// The pause if a vendor throttles and does not say for how long: what Zendesk's own client takes.
const UNNAMED_PAUSE_SECONDS: u64 = 10;
/// The longest pause that is believed. Source: contract, section 6.
pub const LONGEST_PAUSE_SECONDS: u64 = 15 * 60;

/// One try of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    pub call: Call,
    /// How long the call has taken so far, with its earlier tries.
    pub took: Duration,
}

/// What may be done again, by the kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Reading, or setting values: doing it twice does no harm.
    Repeatable,
    /// A create or a bulk job: sending it twice may make two. The caller counts the tries.
    Once,
    /// A token endpoint: a refusal is never tried again, so that no user is locked.
    Token,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryResult {
    /// A whole reply with this status, and the seconds of its `Retry-After` if it has one.
    Status(u16, Option<u64>),
    /// A time-out, or a connection or a reply that broke off.
    Broken,
    /// No connection was made, so nothing was done.
    NotSent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Take the reply; trying again would not change it.
    Take,
    /// Try again after a short sleep.
    Again(Duration),
    /// Leave the Lambda and come back after this many seconds.
    Pause(u64),
    /// Give up; whether the work was done is not known.
    Stop,
}

/// The policy.
///
/// A 429 means that nothing was done. For a call that is sent once, the caller decides what to do
/// about it. Every 5xx (also a 503 with `Retry-After`), 408, 409, 420 and a broken exchange leave
/// such a call in doubt. What was not sent leaves none. From a token endpoint, 429 and 408 are
/// throttling, and any other 4xx is a refusal. Source: contract, section 6.
pub fn decide(attempt: Attempt, result: TryResult) -> Decision {
    let Attempt { number, call, took } = attempt;
    let is_last = number >= MOST_TRIES || took >= LONGEST_TRYING;
    match (call, result) {
        (Call::Once, TryResult::Status(429, _)) => Decision::Take,
        (_, TryResult::Status(429, named)) => throttled(named, is_last),
        (Call::Token, TryResult::Status(408, named)) => throttled(named, true),
        (Call::Token, TryResult::Status(400..=499, _)) => Decision::Take,
        (Call::Once, TryResult::Status(500.. | 408 | 409 | 420, _) | TryResult::Broken) => {
            Decision::Stop
        }
        (Call::Once, TryResult::NotSent) if is_last => Decision::Pause(NOT_SENT_PAUSE_SECONDS),
        (_, TryResult::Status(503, named @ Some(_))) => throttled(named, is_last),
        (
            _,
            TryResult::Status(500.. | 408 | 409 | 420, _) | TryResult::Broken | TryResult::NotSent,
        ) => {
            if is_last {
                Decision::Stop
            } else {
                Decision::Again(Duration::from_millis(250 << number))
            }
        }
        (_, TryResult::Status(_, _)) => Decision::Take,
    }
}

/// A short pause is slept, unless this was the last try. A long one is a Wait state.
fn throttled(named: Option<u64>, is_last: bool) -> Decision {
    let seconds = named.unwrap_or(UNNAMED_PAUSE_SECONDS);
    if seconds <= LONGEST_SLEEP_SECONDS && !is_last {
        Decision::Again(Duration::from_secs(seconds))
    } else {
        Decision::Pause(seconds)
    }
}

/// The seconds to stay away that a 429 or 503 names, or the usual ones.
pub fn pause(headers: &HeaderMap) -> u64 {
    retry_after(headers).unwrap_or(UNNAMED_PAUSE_SECONDS)
}

/// The seconds of a `Retry-After` header, at least 1 and at most 15 minutes; `None` if it is
/// missing or no number. This is the one place where it is clamped.
pub fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get("retry-after")?.to_str().ok()?;
    let seconds = text.trim().parse::<f64>().ok()?;
    (seconds >= 0.0).then(|| clamped(seconds))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and clamped"
)]
fn clamped(seconds: f64) -> u64 {
    (seconds.min(1e9).ceil() as u64).clamp(1, LONGEST_PAUSE_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A try and what must be done about it.
    #[derive(Debug)]
    struct Row {
        number: u32,
        call: Call,
        result: TryResult,
        wanted: Decision,
    }

    #[test]
    fn the_policy_as_a_table() {
        use Call::{Once, Repeatable, Token};
        use Decision::{Again, Pause, Stop, Take};
        use TryResult::{Broken, NotSent, Status};
        let ms = |ms| Again(Duration::from_millis(ms));
        #[rustfmt::skip]
        let table = [
            Row { number: 1, call: Repeatable, result: Status(200, None), wanted: Take },
            Row { number: 1, call: Repeatable, result: Status(302, None), wanted: Take },
            Row { number: 1, call: Repeatable, result: Status(400, None), wanted: Take },
            Row { number: 1, call: Repeatable, result: Status(401, None), wanted: Take },
            Row { number: 1, call: Repeatable, result: Status(403, Some(5)), wanted: Take },
            Row { number: 1, call: Once, result: Status(422, None), wanted: Take },
            Row { number: 1, call: Repeatable, result: Status(429, Some(2)), wanted: ms(2000) },
            Row { number: 1, call: Once, result: Status(429, Some(2)), wanted: Take },
            Row { number: 3, call: Repeatable, result: Status(429, Some(2)), wanted: Pause(2) },
            Row { number: 1, call: Repeatable, result: Status(429, Some(60)), wanted: Pause(60) },
            Row { number: 1, call: Repeatable, result: Status(429, None), wanted: Pause(10) },
            Row { number: 1, call: Repeatable, result: Status(503, Some(3)), wanted: ms(3000) },
            Row { number: 1, call: Once, result: Status(503, Some(30)), wanted: Stop },
            Row { number: 1, call: Repeatable, result: Status(503, Some(30)), wanted: Pause(30) },
            Row { number: 1, call: Token, result: Status(429, Some(1)), wanted: ms(1000) },
            Row { number: 1, call: Token, result: Status(429, Some(60)), wanted: Pause(60) },
            Row { number: 3, call: Token, result: Status(429, None), wanted: Pause(10) },
            Row { number: 1, call: Token, result: Status(400, None), wanted: Take },
            Row { number: 1, call: Token, result: Status(401, None), wanted: Take },
            Row { number: 1, call: Token, result: Status(403, Some(1)), wanted: Take },
            Row { number: 1, call: Token, result: Status(408, None), wanted: Pause(10) },
            Row { number: 1, call: Token, result: Status(503, None), wanted: ms(500) },
            Row { number: 1, call: Token, result: Broken, wanted: ms(500) },
            Row { number: 1, call: Repeatable, result: Status(503, None), wanted: ms(500) },
            Row { number: 1, call: Once, result: Status(503, None), wanted: Stop },
            Row { number: 1, call: Repeatable, result: Status(500, None), wanted: ms(500) },
            Row { number: 2, call: Repeatable, result: Status(524, None), wanted: ms(1000) },
            Row { number: 3, call: Repeatable, result: Status(502, None), wanted: Stop },
            Row { number: 1, call: Once, result: Status(500, None), wanted: Stop },
            Row { number: 1, call: Repeatable, result: Status(409, None), wanted: ms(500) },
            Row { number: 1, call: Once, result: Status(409, None), wanted: Stop },
            Row { number: 1, call: Repeatable, result: Broken, wanted: ms(500) },
            Row { number: 3, call: Repeatable, result: Broken, wanted: Stop },
            Row { number: 1, call: Once, result: Broken, wanted: Stop },
            Row { number: 1, call: Once, result: NotSent, wanted: ms(500) },
            Row { number: 3, call: Once, result: NotSent, wanted: Pause(30) },
            Row { number: 1, call: Repeatable, result: NotSent, wanted: ms(500) },
            Row { number: 3, call: Repeatable, result: NotSent, wanted: Stop },
            Row { number: 3, call: Token, result: NotSent, wanted: Stop },
        ];
        for row in table {
            let attempt = Attempt {
                number: row.number,
                call: row.call,
                took: Duration::ZERO,
            };
            assert_eq!(decide(attempt, row.result), row.wanted, "{row:?}");
        }
    }

    #[test]
    fn a_call_that_has_taken_long_is_not_tried_again_in_the_invocation() {
        let after = |took, result| {
            let call = Call::Repeatable;
            decide(
                Attempt {
                    number: 1,
                    call,
                    took,
                },
                result,
            )
        };
        let throttled = TryResult::Status(429, Some(2));
        let nearly = LONGEST_TRYING.saturating_sub(Duration::from_millis(1));
        let again = Decision::Again(Duration::from_millis(500));
        assert_eq!(after(nearly, TryResult::Broken), again);
        assert_eq!(after(LONGEST_TRYING, TryResult::Broken), Decision::Stop);
        assert_eq!(after(LONGEST_TRYING, throttled), Decision::Pause(2));
    }

    #[test]
    fn reads_retry_after_in_every_form_on_record() {
        let read = |value: &str| {
            retry_after(&HeaderMap::from_iter([(
                "retry-after".parse().unwrap(),
                value.parse().unwrap(),
            )]))
        };
        assert_eq!(read("0"), Some(1));
        assert_eq!(read(" 93 "), Some(93));
        assert_eq!(read("0.5"), Some(1));
        assert_eq!(
            read("86400"),
            Some(900),
            "no wait is longer than 15 minutes"
        );
        assert_eq!(read("inf"), Some(900));
        assert_eq!(read("-1"), None);
        assert_eq!(read("soon"), None);
        assert_eq!(read("NaN"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
