//! The Saturday job, which deletes what is marked. It is not ours; its documentation says when it
//! runs.

use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

const A_WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The last purge at or before a moment: Saturday, 00:45 UTC. Source: contract, section 3.
pub fn last_purge(now: Timestamp) -> Timestamp {
    let today = now.to_zoned(TimeZone::UTC);
    let days = today.weekday().since(Weekday::Saturday);
    let saturday = today.date().saturating_sub(i64::from(days).days());
    let purge = saturday
        .to_datetime(time(0, 45, 0, 0))
        .to_zoned(TimeZone::UTC);
    let purge = purge.map_or(Timestamp::MIN, |purge| purge.timestamp());
    if purge <= now {
        return purge;
    }
    purge.saturating_sub(A_WEEK).unwrap_or(Timestamp::MIN)
}

/// The purge that comes within this many hours, if one does: until then no mark is set.
pub fn purge_in_quiet_hours(now: Timestamp, hours: u32) -> Option<Timestamp> {
    let purge = next_purge(now);
    let quiet = SignedDuration::from_hours(i64::from(hours));
    let is_quiet = purge.duration_since(now) <= quiet;
    is_quiet.then_some(purge)
}

/// The first purge after a moment.
pub fn next_purge(now: Timestamp) -> Timestamp {
    last_purge(now)
        .saturating_add(A_WEEK)
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hours_before_a_purge_are_quiet_and_the_purge_itself_is_not() {
        let is_quiet = |now: &str, hours| {
            let purge = purge_in_quiet_hours(now.parse().unwrap(), hours);
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
            assert_eq!(last_purge(now).to_string(), last, "{now}");
            let a_week_before = now.saturating_sub(A_WEEK).unwrap();
            assert_eq!(next_purge(a_week_before).to_string(), last, "{now}");
        }
    }
}
