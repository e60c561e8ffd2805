//! What comes by the clock: jobs that end, and work that is done late.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::Request;
use super::Zendesk;

/// A write that is done later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Late {
    at_ms: i64,
    path: String,
    body: Value,
}

impl Zendesk {
    /// The time of the request or look, in milliseconds.
    pub(in super::super) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Moves the time on: jobs end and late work is done, in the order of their times.
    pub(in super::super) fn advance(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
        loop {
            let job = self.next_end().filter(|(at, _)| *at <= now_ms);
            let due = |late: &Late| late.at_ms <= now_ms;
            let late = self
                .late
                .iter()
                .filter(|late| due(late))
                .map(|late| late.at_ms)
                .min();
            match (job, late) {
                (None, None) => break,
                (Some((at, id)), late) if late.is_none_or(|late| at <= late) => self.end(&id),
                (_, late) => self.do_late(late.unwrap_or_default()),
            }
        }
        self.work(now_ms);
    }

    fn do_late(&mut self, at_ms: i64) {
        let Some(place) = self.late.iter().position(|late| late.at_ms == at_ms) else {
            return;
        };
        let Late { at_ms, path, body } = self.late.remove(place);
        if path.ends_with("/update_many") {
            let _ = self.update_many(&body, at_ms);
        } else {
            // Its name was checked when it was sent: this is the race that makes two organizations.
            self.late_creates += 1;
            self.insert(&body["organization"]);
        }
    }

    /// Notes a write that is done later. A create is checked now, and not done if it is refused.
    pub(in super::super) fn later(&mut self, request: &Request, seconds: u32) {
        let body = request.json();
        let is_create = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/v2/organizations") => true,
            ("PUT", "/api/v2/organizations/update_many") => false,
            _ => return,
        };
        if is_create && self.create_refusal(&body["organization"]).is_some() {
            return;
        }
        self.late.push(Late {
            at_ms: self.now_ms + i64::from(seconds) * 1000,
            path: request.path.clone(),
            body,
        });
    }
}
