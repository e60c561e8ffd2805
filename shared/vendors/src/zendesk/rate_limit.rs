//! What replies say of the rate limit, which is one for the whole account.

use reqwest::header::HeaderMap;

/// What the last reply said of the rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// Calls left.
    pub(super) remaining: u64,
    /// Seconds until it starts anew.
    pub(super) reset_seconds: u64,
}

impl RateLimit {
    /// Reads the headers, in each spelling on record or documented.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let number = |names: [&str; 3]| {
            names.iter().find_map(|name| {
                headers
                    .get(*name)?
                    .to_str()
                    .ok()?
                    .trim()
                    .parse::<u64>()
                    .ok()
            })
        };
        let remaining = number([
            "x-rate-limit-remaining",
            "ratelimit-remaining",
            "rate-limit-remaining",
        ])?;
        let reset = number(["ratelimit-reset", "rate-limit-reset", "x-rate-limit-reset"]);
        Some(Self {
            remaining,
            reset_seconds: reset.unwrap_or(60),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_rate_limit_in_every_spelling() {
        let read = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            RateLimit::of(&headers.collect())
        };
        let limit = |remaining, reset_seconds| {
            Some(RateLimit {
                remaining,
                reset_seconds,
            })
        };
        assert_eq!(
            read(&[
                ("x-rate-limit", "700"),
                ("X-Rate-Limit-Remaining", "9"),
                ("rate-limit-reset", "41")
            ]),
            limit(9, 41)
        );
        assert_eq!(
            read(&[
                ("ratelimit-limit", "700"),
                ("ratelimit-remaining", "699"),
                ("ratelimit-reset", "2")
            ]),
            limit(699, 2)
        );
        assert_eq!(read(&[("rate-limit-remaining", "0")]), limit(0, 60));
        assert_eq!(read(&[("x-rate-limit-remaining", "many")]), None);
        assert_eq!(read(&[]), None);
    }
}
