//! Moments as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use domain::model::Mapping;

/// The moment the purge would delete what is marked now, such as `Saturday 2026-11-28 00:45 UTC`.
pub(super) fn next_purge(mapping: &Mapping, now: Timestamp) -> String {
    let Some(purge) = mapping.purge else {
        return "the day of the next purge".to_owned();
    };
    let at = purge.next(now).to_zoned(TimeZone::UTC);
    at.strftime("%A %Y-%m-%d %H:%M UTC").to_string()
}

/// A moment to the minute, such as `2026-11-23 06:00 UTC`.
pub(super) fn minute(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string()
}

/// Seconds from one moment to another, zero if the clocks disagree.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::mapping;
    use super::*;

    #[test]
    fn the_purge_is_the_next_saturday_a_quarter_to_one() {
        let mapping = mapping();
        for (now, purge) in [
            ("2026-11-23T02:00:00Z", "Saturday 2026-11-28 00:45 UTC"),
            ("2026-11-27T23:59:59Z", "Saturday 2026-11-28 00:45 UTC"),
            ("2026-11-28T00:44:59Z", "Saturday 2026-11-28 00:45 UTC"),
            ("2026-11-28T00:45:00Z", "Saturday 2026-12-05 00:45 UTC"),
        ] {
            assert_eq!(next_purge(&mapping, now.parse().unwrap()), purge, "{now}");
        }
    }
}
