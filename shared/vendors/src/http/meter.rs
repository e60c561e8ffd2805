//! Counts the calls of an invocation, and keeps the vendors' ids of those that were refused.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::reply::Reply;
use domain::model::{Credential, Usage};

/// How many ids of refused requests are kept: enough for a support case, few enough for a log
/// line.
const MOST_IDS: usize = 8;
/// Where the vendors put their id of a request. Source: Zendesk's error guide for the first two;
/// Salesforce's replies for the third.
const ID_HEADERS: [&str; 3] = ["x-zendesk-request-id", "x-request-id", "x-sfdc-request-id"];

/// Counts the calls of all clients that share it.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    counts: CallCounts,
    refused: Vec<String>,
    last: Option<String>,
}

/// The calls of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallCounts {
    pub calls: u64,
    /// Those among them that repeated a call.
    pub retries: u64,
    /// Replies that asked for a pause.
    pub throttled: u64,
}

impl CallCounts {
    /// What an invocation used.
    pub fn usage(self, began: Timestamp, ended: Timestamp, credentials: Vec<Credential>) -> Usage {
        let Self {
            calls,
            retries,
            throttled,
        } = self;
        Usage {
            calls,
            retries,
            throttled,
            credentials,
            ..Usage::invocation(began, ended)
        }
    }
}

impl Meter {
    /// Counts a request and its reply, if one came.
    pub(super) fn sent(&self, again: bool, reply: Option<&Reply>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.counts.calls += 1;
        noted.counts.retries += u64::from(again);
        let Some(reply) = reply else {
            return;
        };
        noted.counts.throttled += u64::from(reply.asks_for_a_pause());
        let id = request_id(&reply.headers);
        if reply.status >= 400 {
            noted.refused.extend(id.clone());
            let too_many = noted.refused.len().saturating_sub(MOST_IDS);
            noted.refused.drain(..too_many);
        }
        noted.last = id;
    }

    /// The counts since they were last taken.
    pub fn take(&self) -> CallCounts {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).counts)
    }

    /// The vendors' ids of the last refused requests, and of the last request whether refused or
    /// not, for a support case. They are then forgotten.
    pub fn take_ids(&self) -> String {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ids = std::mem::take(&mut noted.refused);
        ids.extend(noted.last.take().filter(|last| !ids.contains(last)));
        ids.join(" ")
    }
}

/// A vendor's id of a request; `None` if there is none, or if it does not look like one.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = ID_HEADERS
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/');
    (id.len() <= 64 && id.bytes().all(plain)).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn reply(status: u16, pairs: &[(&'static str, &str)]) -> Reply {
        Reply {
            status,
            headers: headers(pairs),
            body: Vec::new(),
        }
    }

    #[test]
    fn refused_requests_are_named_and_of_the_others_only_the_last() {
        let meter = Meter::default();
        meter.sent(false, Some(&reply(200, &[("x-zendesk-request-id", "a")])));
        meter.sent(false, Some(&reply(429, &[("x-request-id", "b")])));
        meter.sent(true, None);
        let throttled = [("x-sfdc-request-id", "c"), ("retry-after", "1")];
        meter.sent(true, Some(&reply(503, &throttled)));
        meter.sent(true, Some(&reply(200, &[("x-request-id", "d")])));
        let counts = CallCounts {
            calls: 5,
            retries: 3,
            throttled: 2,
        };
        assert_eq!(meter.take(), counts);
        assert_eq!(meter.take_ids(), "b c d");
        assert_eq!(meter.take(), CallCounts::default(), "taken");
        assert_eq!(meter.take_ids(), "", "taken");
    }

    #[test]
    fn many_refusals_keep_the_last_few() {
        let meter = Meter::default();
        for number in 0..100 {
            let id = number.to_string();
            meter.sent(false, Some(&reply(500, &[("x-request-id", &id)])));
        }
        assert_eq!(meter.take_ids(), "92 93 94 95 96 97 98 99");
    }

    #[test]
    fn what_does_not_look_like_an_id_is_none() {
        assert_eq!(
            request_id(&headers(&[("x-request-id", "0a1-b_2")])),
            Some("0a1-b_2".to_owned())
        );
        for odd in ["jo@partner.example", "a b", &"x".repeat(65)] {
            assert_eq!(request_id(&headers(&[("x-request-id", odd)])), None);
        }
    }
}
