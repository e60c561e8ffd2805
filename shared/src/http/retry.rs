//! Whether a call is tried again. One pure function, tested as a table.

use std::time::Duration;

use reqwest::header::HeaderMap;

/// The longest pause inside a Lambda, in seconds; anything longer is a Wait state. Source: contract, section 1.
const LONGEST_SLEEP: u64 = 5;
/// Tries of one call in one invocation; the state machine tries the whole stage again.
const TRIES: u32 = 3;
/// The pause if a vendor throttles and does not say for how long, in seconds: what Zendesk's own client takes.
const UNNAMED_PAUSE: u64 = 10;
/// The longest pause believed, in seconds: an hour, after which the next run comes anyway.
const LONGEST_PAUSE: u64 = 3600;

/// Which try it was, of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// False for a create: sending it twice may make two.
    pub repeatable: bool,
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

/// The policy. 429 and 503 with `Retry-After` mean that nothing was done, so they are safe for creates as well;
/// every other 5xx, 408, 409, 420 and a broken exchange leave a create in doubt.
#[must_use]
pub fn decide(attempt: Attempt, outcome: Outcome) -> Decision {
    let Attempt { number, repeatable } = attempt;
    match outcome {
        Outcome::Status(429, named) | Outcome::Status(503, named @ Some(_)) => match named.unwrap_or(UNNAMED_PAUSE) {
            seconds if seconds <= LONGEST_SLEEP && number < TRIES => Decision::Again(Duration::from_secs(seconds.max(1))),
            seconds => Decision::Pause(seconds.clamp(1, LONGEST_PAUSE)),
        },
        Outcome::Status(500.. | 408 | 409 | 420, _) | Outcome::Broken if repeatable && number < TRIES => {
            Decision::Again(Duration::from_millis(250 << number))
        }
        Outcome::Status(500.. | 408 | 409 | 420, _) | Outcome::Broken => Decision::Stop,
        Outcome::Status(_, _) => Decision::Take,
    }
}

/// The seconds of a `Retry-After` header; `None` if it is missing or no number.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0).map(ceil)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "finite, not negative, and clamped")]
fn ceil(seconds: f64) -> u64 {
    seconds.ceil().min(1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_as_a_table() {
        use Decision::{Again, Pause, Stop, Take};
        use Outcome::{Broken, Status};
        let ms = |ms| Again(Duration::from_millis(ms));
        let table = [
            (1, true, Status(200, None), Take),
            (1, true, Status(302, None), Take),
            (1, true, Status(400, None), Take),
            (1, true, Status(401, None), Take),
            (1, true, Status(403, Some(5)), Take),
            (1, false, Status(422, None), Take),
            (1, true, Status(429, Some(2)), ms(2000)),
            (1, false, Status(429, Some(2)), ms(2000)),
            (3, true, Status(429, Some(2)), Pause(2)),
            (1, true, Status(429, Some(0)), ms(1000)),
            (3, true, Status(429, Some(0)), Pause(1)),
            (1, true, Status(429, Some(60)), Pause(60)),
            (1, true, Status(429, None), Pause(10)),
            (1, true, Status(429, Some(86_400)), Pause(3600)),
            (1, true, Status(503, Some(3)), ms(3000)),
            (1, false, Status(503, Some(30)), Pause(30)),
            (1, true, Status(503, None), ms(500)),
            (1, false, Status(503, None), Stop),
            (1, true, Status(500, None), ms(500)),
            (2, true, Status(524, None), ms(1000)),
            (3, true, Status(502, None), Stop),
            (1, false, Status(500, None), Stop),
            (1, true, Status(409, None), ms(500)),
            (1, false, Status(409, None), Stop),
            (1, true, Broken, ms(500)),
            (3, true, Broken, Stop),
            (1, false, Broken, Stop),
        ];
        for (number, repeatable, outcome, wanted) in table {
            assert_eq!(decide(Attempt { number, repeatable }, outcome), wanted, "try {number}, repeatable {repeatable}, {outcome:?}");
        }
    }

    #[test]
    fn reads_retry_after_in_every_form_on_record() {
        let read = |value: &str| retry_after(&HeaderMap::from_iter([("retry-after".parse().unwrap(), value.parse().unwrap())]));
        assert_eq!(read("0"), Some(0));
        assert_eq!(read(" 93 "), Some(93));
        assert_eq!(read("0.5"), Some(1));
        assert_eq!(read("-1"), None);
        assert_eq!(read("soon"), None);
        assert_eq!(read("NaN"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
