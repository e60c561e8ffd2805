//! The job that deletes what is marked, once a week. It is not ours; its documentation says when it
//! runs.

use std::fmt;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// When it runs, in UTC. Source: contract, section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeTime {
    /// In JSON 1 to 7, Monday first.
    #[serde(with = "number_of_day")]
    pub day: Weekday,
    pub time: Time,
}

mod number_of_day {
    use jiff::civil::Weekday;
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    #[allow(clippy::trivially_copy_pass_by_ref)] // As serde calls it.
    pub(super) fn serialize<S: Serializer>(day: &Weekday, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i8(day.to_monday_one_offset())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Weekday, D::Error> {
        Weekday::from_monday_one_offset(i8::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl fmt::Display for PurgeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { day, time } = self;
        write!(f, "{day:?} {time} UTC")
    }
}

impl PurgeTime {
    /// The last purge at or before a moment.
    pub fn last(self, now: Timestamp) -> Timestamp {
        let today = now.to_zoned(TimeZone::UTC);
        let days = today.weekday().since(self.day);
        let day = today.date().saturating_sub(i64::from(days).days());
        let purge = day.to_datetime(self.time).to_zoned(TimeZone::UTC);
        let purge = purge.map_or(Timestamp::MIN, |purge| purge.timestamp());
        if purge <= now {
            return purge;
        }
        purge.saturating_sub(A_WEEK).unwrap_or(Timestamp::MIN)
    }

    /// The first purge after a moment.
    pub fn next(self, now: Timestamp) -> Timestamp {
        let last = self.last(now);
        last.saturating_add(A_WEEK).unwrap_or(Timestamp::MAX)
    }

    /// The purge that comes within this many hours, if one does: until then no mark is set.
    pub fn within(self, now: Timestamp, hours: u32) -> Option<Timestamp> {
        let purge = self.next(now);
        let quiet = SignedDuration::from_hours(i64::from(hours));
        let is_quiet = purge.duration_since(now) <= quiet;
        is_quiet.then_some(purge)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::super::for_tests::PURGE;
    use super::*;

    #[test]
    fn the_hours_before_a_purge_are_quiet_and_the_purge_itself_is_not() {
        let is_quiet = |now: &str, hours| {
            let purge = PURGE.within(now.parse().unwrap(), hours);
            purge.map(|at| at.to_string())
        };
        let purge = Some("2026-11-21T00:45:00Z".to_owned());
        assert_eq!(is_quiet("2026-11-20T12:44:59Z", 12), None);
        assert_eq!(is_quiet("2026-11-20T12:45:00Z", 12), purge);
        assert_eq!(is_quiet("2026-11-21T00:44:59Z", 12), purge);
        assert_eq!(is_quiet("2026-11-21T00:45:00Z", 12), None);
        for no_quiet in ["2026-11-20T23:59:00Z", "2026-11-21T00:44:59Z"] {
            assert_eq!(is_quiet(no_quiet, 0), None);
        }
        assert_eq!(is_quiet("2026-11-21T00:45:00Z", 0), None);
    }

    #[test]
    fn a_purge_is_on_saturday_at_a_quarter_to_one() {
        for (now, last) in [
            ("2026-11-23T06:00:00Z", "2026-11-21T00:45:00Z"),
            ("2026-11-21T00:45:00Z", "2026-11-21T00:45:00Z"),
            ("2026-11-21T00:44:59Z", "2026-11-14T00:45:00Z"),
            ("2026-11-20T23:59:59Z", "2026-11-14T00:45:00Z"),
            ("2026-11-22T00:00:00Z", "2026-11-21T00:45:00Z"),
        ] {
            let now: Timestamp = now.parse().unwrap();
            assert_eq!(PURGE.last(now).to_string(), last, "{now}");
            let a_week_before = now.saturating_sub(A_WEEK).unwrap();
            assert_eq!(PURGE.next(a_week_before).to_string(), last, "{now}");
        }
    }

    #[test]
    fn a_purge_may_be_on_any_day() {
        let purge = PurgeTime {
            day: Weekday::Wednesday,
            time: time(23, 30, 0, 0),
        };
        let now: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        assert_eq!(purge.next(now).to_string(), "2026-11-25T23:30:00Z");
        assert_eq!(purge.last(now).to_string(), "2026-11-18T23:30:00Z");
    }
}
