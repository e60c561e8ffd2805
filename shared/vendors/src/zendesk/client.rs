//! One client per instance. It signs in, sends, and knows how near the rate limit is.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Url};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use super::auth::{Credentials, Scope};
use super::rate_limit::RateLimit;
use super::refused::refused;
use super::times;
use crate::http::meter::request_id;
use crate::http::{Answer, Call, CallError, Http, Reply, Wire, as_json, host_of};
use domain::model::Mapping;
use domain::{Error, Result};

/// The pause before a write, if no token could be got.
const TOKEN_PAUSE_SECONDS: u64 = 30;

#[derive(Debug)]
pub struct Client {
    /// Of the instance, such as `global`.
    pub name: String,
    pub(super) mapping: Arc<Mapping>,
    http: Http,
    credentials: Credentials,
    scope: Scope,
    token: Option<SecretString>,
    /// False while the token that replaced a refused one has not worked yet.
    may_mint_again: bool,
    rate_limit: Option<RateLimit>,
}

impl Client {
    /// A client for one run, whose calls use the clock and the meter of `wire`. Nothing is sent
    /// yet.
    ///
    /// # Errors
    /// [`domain::Error::Config`] if TLS cannot be set up.
    pub fn new(
        name: &str,
        mapping: Arc<Mapping>,
        credentials: Credentials,
        scope: Scope,
        wire: &Wire,
    ) -> Result<Self> {
        let http = Http::new(credentials.base_url(), times::READ, wire)?;
        Ok(Self {
            name: name.to_owned(),
            mapping,
            http,
            credentials,
            scope,
            token: None,
            may_mint_again: true,
            rate_limit: None,
        })
    }

    pub fn now(&self) -> Timestamp {
        self.http.now()
    }

    /// Seconds to stay away before the rate limit is hit, `None` while there is room.
    ///
    /// A few calls are left to the account's other integrations. Without the headers there is
    /// nothing to go by.
    pub fn nearly_used_up(&mut self) -> Option<u64> {
        const LEFT_TO_OTHERS: u64 = 10;
        self.rate_limit
            .take_if(|limit| limit.remaining < LEFT_TO_OTHERS)
            .map(|limit| limit.reset_seconds.clamp(1, 60))
    }

    /// The calls of this minute that are left, as far as the last reply said.
    pub fn calls_left(&self) -> Option<u64> {
        self.rate_limit.map(|limit| limit.remaining)
    }

    /// The host its calls go to, with the port if it is not the usual one.
    pub fn host(&self) -> String {
        host_of(self.credentials.base_url())
    }

    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.credentials.base_url().clone();
        url.set_path(path);
        url
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let timeout = times::of(&method);
        self.http
            .request(method, url)
            .header("accept", "application/json")
            .timeout(timeout)
    }

    /// Gets a token, if there is none and the instance uses tokens; nothing else is sent.
    ///
    /// # Errors
    /// [`Error::Auth`] or [`Error::Config`] if it is refused.
    pub async fn sign_in(&mut self) -> Result<()> {
        if self.token.is_none() {
            let minted = self.credentials.token(&self.name, &self.http, self.scope);
            self.token = minted.await?;
        }
        Ok(())
    }

    /// Gives the token back, if there is one: it could be used for hours yet. Best effort: it ends
    /// by itself, too. Call it when no other call is to come.
    pub async fn give_back(&mut self) {
        let Some(token) = self.token.take() else {
            return;
        };
        let request = self
            .request(Method::DELETE, self.url("/api/v2/oauth/tokens/current"))
            .timeout(times::GIVING_BACK);
        let request = self.credentials.authorize(request, Some(&token));
        self.http.send_off(request).await;
    }

    /// Sends a call with a token, and reads its answer. A refused token is replaced by a new one,
    /// once until that has worked: tokens expire. Source: contract, section 6.
    pub(super) async fn send<T: DeserializeOwned>(
        &mut self,
        what: &str,
        call: Call,
        request: RequestBuilder,
    ) -> Result<T, CallError> {
        self.send_and_read(what, call, request, as_json).await
    }

    /// As [`Client::send`], with `read` for the answer: it may take only what it needs of the body.
    pub(super) async fn send_and_read<T>(
        &mut self,
        what: &str,
        call: Call,
        request: RequestBuilder,
        read: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, CallError> {
        let what = format!("zendesk {}: {what}", self.name);
        let doubt = || CallError::Doubt {
            what: format!("{what}: the request cannot be sent"),
            retry_after: None,
        };
        loop {
            let this = request.try_clone().ok_or_else(doubt)?;
            let signed_in = self.sign_in().await;
            signed_in.map_err(|error| without_token(call, error))?;
            let this = self.credentials.authorize(this, self.token.as_ref());
            let Answer { reply, content } = self.http.send(&what, call, this, &read).await?;
            self.note_limits(&what, &reply);
            let is_refused = reply.status == 401;
            if is_refused && self.may_mint_again && self.credentials.mints() {
                tracing::warn!(
                    instance = self.name,
                    "zendesk refused the token; one new one"
                );
                self.token = None;
                self.may_mint_again = false;
                continue;
            }
            self.may_mint_again |= !is_refused;
            return content.ok_or_else(|| refused(&what, &reply));
        }
    }

    fn note_limits(&mut self, what: &str, reply: &Reply) {
        self.rate_limit = RateLimit::of(&reply.headers);
        let request_id = request_id(&reply.headers);
        if let Some(warning) = reply.header("x-zendesk-api-warn") {
            let keys = unpermitted(warning);
            tracing::warn!(
                call = what,
                request_id,
                keys,
                "zendesk dropped attributes it does not permit (x-zendesk-api-warn)"
            );
        }
        tracing::debug!(
            call = what,
            request_id,
            status = reply.status,
            "zendesk answered"
        );
    }
}

/// Without a token nothing was sent, so a write is not in doubt: it only has to wait.
fn without_token(call: Call, error: Error) -> CallError {
    match (call, error) {
        (Call::Once, Error::Transient(what)) => CallError::Pause {
            seconds: TOKEN_PAUSE_SECONDS,
            what,
        },
        (_, other) => other.into(),
    }
}

/// The keys an `x-zendesk-api-warn` names, as `{:allowed_parameters=>{...,
/// :unpermitted_keys=>["organization.x"], ...}}`. Its values are left out, because they may be
/// personal data.
fn unpermitted(warning: &str) -> String {
    let list = warning
        .split(":unpermitted_keys=>[")
        .nth(1)
        .and_then(|rest| rest.split(']').next())
        .unwrap_or_default();
    let is_key = |key: &&str| {
        key.len() <= 80
            && key
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
    };
    list.split(',')
        .map(|key| key.trim().trim_matches('"'))
        .filter(is_key)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::for_tests::mapping;

    #[test]
    fn writes_have_75_seconds_and_reads_30() {
        let secret = r#"{"auth": "api_token", "base_url": "http://127.0.0.1:1", "email": "a@b.c",
            "token": "t"}"#;
        let credentials = Credentials::read("s", &SecretString::from(secret)).unwrap();
        let wire = Wire::by(stage::clock::Clock::system());
        let client = Client::new(
            "global",
            Arc::new(mapping()),
            credentials,
            Scope::Write,
            &wire,
        )
        .unwrap();
        for (method, seconds) in [(Method::GET, 30), (Method::POST, 75), (Method::PUT, 75)] {
            let request = client.request(method, client.url("/x")).build().unwrap();
            assert_eq!(
                request.timeout().copied(),
                Some(Duration::from_secs(seconds))
            );
        }
    }

    #[test]
    fn a_warning_is_shown_by_its_keys_alone() {
        let warning = concat!(
            r#"{:allowed_parameters=>{:controller=>{"#,
            r#":unpermitted_keys=>["organization.id", "jo@x"], :invalid_values=>["canary"]}}}"#,
        );
        assert_eq!(unpermitted(warning), "organization.id");
        assert_eq!(unpermitted("something else"), "");
    }
}
