//! The account's budget of requests a minute, and the limits of single endpoints.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::{Request, Response};
use super::Zendesk;

/// The endpoint limits there are, and their names in the headers.
const ENDPOINTS: [(&str, &str, &str); 2] = [
    (
        "PUT",
        "/api/v2/organizations/update_many",
        "update-many-organizations",
    ),
    ("GET", "/api/v2/organizations", "list-organizations-cursor"),
];

/// The name of the token endpoint's limit.
const TOKENS: &str = "oauth-tokens";

impl Zendesk {
    pub(in super::super) fn answer(&mut self, request: &Request) -> Response {
        let minute = self.now_ms.div_euclid(60_000);
        if self.window.0 != minute {
            self.window = (minute, BTreeMap::new());
        }
        let resets = 60 - self.now_ms.div_euclid(1000).rem_euclid(60);
        if request.path == "/oauth/tokens" {
            return self.answer_token(request, resets);
        }
        let (used, is_over) = self.count("", self.rate_limit);
        let endpoint = ENDPOINTS
            .iter()
            .find(|(method, path, _)| request.method == *method && request.path == *path)
            .and_then(|(_, _, name)| Some((*name, *self.endpoint_limits.get(*name)?)));
        let remaining = |limit: u64, used: u64| limit.saturating_sub(used);
        let mut is_refused = is_over;
        let mut headers = vec![
            ("x-rate-limit".to_owned(), self.rate_limit.to_string()),
            (
                "x-rate-limit-remaining".to_owned(),
                remaining(self.rate_limit, used).to_string(),
            ),
            ("ratelimit-reset".to_owned(), resets.to_string()),
        ];
        if let Some((name, limit)) = endpoint {
            let (used, is_over) = self.count(name, limit);
            is_refused |= is_over;
            let left = remaining(limit, used);
            let value = format!("total={limit}; remaining={left}; resets={resets}");
            headers.push((format!("zendesk-ratelimit-{name}"), value));
        }
        let mut response = if is_refused {
            throttled(resets)
        } else {
            self.route(request)
        };
        response.headers.extend(headers);
        response
    }

    /// The token endpoint has a limit of its own, if any, and shows none.
    fn answer_token(&mut self, request: &Request, resets: i64) -> Response {
        let limit = self.endpoint_limits.get(TOKENS).copied();
        let is_over = limit.is_some_and(|limit| self.count(TOKENS, limit).1);
        if is_over {
            throttled(resets)
        } else {
            self.route(request)
        }
    }

    /// Counts a request to an endpoint; says how many there were, and whether this is one too many.
    fn count(&mut self, endpoint: &str, limit: u64) -> (u64, bool) {
        let used = self.window.1.entry(endpoint.to_owned()).or_default();
        *used += 1;
        (*used, *used > limit)
    }
}

fn throttled(resets: i64) -> Response {
    let body = json!({"error": "APIRateLimitExceeded",
        "description": "Number of allowed API requests per minute exceeded"});
    Response::json(429, &body).with("retry-after", &resets.to_string())
}
