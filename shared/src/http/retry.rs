//! Whether a call is tried again. One pure function, tested as a table.

use std::time::Duration;

use reqwest::header::HeaderMap;

/// The longest pause inside a Lambda, in seconds; anything longer is a Wait state. Source:
/// contract, section 1.
const LONGEST_SLEEP: u64 = 5;
/// Tries of one call in one invocation; the state machine tries the whole stage again.
const TRIES: u32 = 3;
/// The pause if a vendor throttles and does not say for how long, in seconds: what Zendesk's own
/// client takes.
const UNNAMED_PAUSE: u64 = 10;
/// The longest pause believed, in seconds: an hour, after which the next run comes anyway.
const LONGEST_PAUSE: u64 = 3600;

/// Which try it was, of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// What is sent.
    pub call: Call,
}

/// How calls differ in what may be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Reading, or setting values: doing it twice does no harm.
    Repeatable,
    /// A create: sending it twice may make two.
    Create,
    /// A token endpoint: a 4xx is never tried again, so that no user is locked.
    Token,
}

/// How a try went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A whole reply with this status, and the seconds of its `Retry-After` if it has one.
    Status(u16, Option<u64>),
    /// No connection, a time-out, or a reply that broke off.
    Broken,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Take the reply; trying again would not change it.
    Take,
    /// Try again after a short sleep.
    Again(Duration),
    /// Leave the Lambda and come back after so many seconds.
    Pause(u64),
    /// Give up; whether the work was done is not known.
    Stop,
}

/// The policy. A 429 means that nothing was done, so it is safe for creates as well; every 5xx
/// (also a 503 with `Retry-After`), 408, 409, 420 and a broken exchange leave a create in doubt.
#[must_use]
pub fn decide(attempt: Attempt, outcome: Outcome) -> Decision {
    let Attempt { number, call } = attempt;
    match outcome {
        Outcome::Status(400..=499, _) if call == Call::Token => Decision::Take,
        Outcome::Status(500.. | 408 | 409 | 420, _) | Outcome::Broken if call == Call::Create => {
            Decision::Stop
        }
        Outcome::Status(429, named) | Outcome::Status(503, named @ Some(_)) => {
            match named.unwrap_or(UNNAMED_PAUSE) {
                seconds if seconds <= LONGEST_SLEEP && number < TRIES => {
                    Decision::Again(Duration::from_secs(seconds.max(1)))
                }
                seconds => Decision::Pause(seconds.clamp(1, LONGEST_PAUSE)),
            }
        }
        Outcome::Status(500.. | 408 | 409 | 420, _) | Outcome::Broken if number < TRIES => {
            Decision::Again(Duration::from_millis(250 << number))
        }
        Outcome::Status(500.. | 408 | 409 | 420, _) | Outcome::Broken => Decision::Stop,
        Outcome::Status(_, _) => Decision::Take,
    }
}

/// The seconds of a `Retry-After` header; `None` if it is missing or no number.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers
        .get("retry-after")?
        .to_str()
        .ok()?
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|s| s.is_finite() && *s >= 0.0)
        .map(ceil)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "finite, not negative, and clamped"
)]
fn ceil(seconds: f64) -> u64 {
    seconds.ceil().min(1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_as_a_table() {
        use Call::{Create, Repeatable, Token};
        use Decision::{Again, Pause, Stop, Take};
        use Outcome::{Broken, Status};
        let ms = |ms| Again(Duration::from_millis(ms));
        let table = [
            (1, Repeatable, Status(200, None), Take),
            (1, Repeatable, Status(302, None), Take),
            (1, Repeatable, Status(400, None), Take),
            (1, Repeatable, Status(401, None), Take),
            (1, Repeatable, Status(403, Some(5)), Take),
            (1, Create, Status(422, None), Take),
            (1, Repeatable, Status(429, Some(2)), ms(2000)),
            (1, Create, Status(429, Some(2)), ms(2000)),
            (3, Repeatable, Status(429, Some(2)), Pause(2)),
            (1, Repeatable, Status(429, Some(0)), ms(1000)),
            (3, Repeatable, Status(429, Some(0)), Pause(1)),
            (1, Repeatable, Status(429, Some(60)), Pause(60)),
            (1, Repeatable, Status(429, None), Pause(10)),
            (1, Repeatable, Status(429, Some(86_400)), Pause(3600)),
            (1, Repeatable, Status(503, Some(3)), ms(3000)),
            (1, Create, Status(503, Some(30)), Stop),
            (1, Repeatable, Status(503, Some(30)), Pause(30)),
            (1, Token, Status(429, Some(1)), Take),
            (1, Token, Status(408, None), Take),
            (1, Token, Status(503, None), ms(500)),
            (1, Token, Broken, ms(500)),
            (1, Repeatable, Status(503, None), ms(500)),
            (1, Create, Status(503, None), Stop),
            (1, Repeatable, Status(500, None), ms(500)),
            (2, Repeatable, Status(524, None), ms(1000)),
            (3, Repeatable, Status(502, None), Stop),
            (1, Create, Status(500, None), Stop),
            (1, Repeatable, Status(409, None), ms(500)),
            (1, Create, Status(409, None), Stop),
            (1, Repeatable, Broken, ms(500)),
            (3, Repeatable, Broken, Stop),
            (1, Create, Broken, Stop),
        ];
        for (number, call, outcome, wanted) in table {
            assert_eq!(
                decide(Attempt { number, call }, outcome),
                wanted,
                "try {number}, {call:?}, {outcome:?}"
            );
        }
    }

    #[test]
    fn reads_retry_after_in_every_form_on_record() {
        let read = |value: &str| {
            retry_after(&HeaderMap::from_iter([(
                "retry-after".parse().unwrap(),
                value.parse().unwrap(),
            )]))
        };
        assert_eq!(read("0"), Some(0));
        assert_eq!(read(" 93 "), Some(93));
        assert_eq!(read("0.5"), Some(1));
        assert_eq!(read("-1"), None);
        assert_eq!(read("soon"), None);
        assert_eq!(read("NaN"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
