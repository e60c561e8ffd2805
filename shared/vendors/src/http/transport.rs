//! Sends calls, again where [`retry::decide`] says so.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Url};

use super::base_url::is_loopback;
use super::call_error::CallError;
use super::reply::{Answer, MOST_BYTES, Reply, Unreadable};
use super::retry::{self, Attempt, Call, Decision, TryResult};
use super::wire::Wire;
use domain::{Error, Result, VERSION};

/// The transport. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    wire: Wire,
}

impl Http {
    /// A transport to the vendor at `base`, whose calls take at most `timeout`, and use the clock
    /// and the meter of `wire`. A proxy that the environment names is used, except on loopback.
    ///
    /// # Errors
    /// [`Error::Config`] if TLS cannot be set up.
    pub fn new(base: &Url, timeout: Duration, wire: &Wire) -> Result<Self> {
        let tls = tls::config()?.clone();
        let mut builder = reqwest::Client::builder().tls_backend_preconfigured(tls);
        if is_loopback(base) {
            builder = builder.no_proxy();
        }
        let client = builder
            .timeout(timeout)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(format!("partner-sync/{VERSION}"))
            .build()
            .map_err(|error| Error::Config(format!("no HTTP client: {}", error.without_url())))?;
        Ok(Self {
            client,
            wire: wire.clone(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.wire.now()
    }

    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request, again if [`retry::decide`] says so, and reads the body of a 2xx with
    /// `read`. `what` names the call in errors, without query and secrets.
    ///
    /// # Errors
    /// [`CallError`] if the vendor wants a pause, if no try brought a whole answer, or if the
    /// answer has another shape.
    pub async fn send<T>(
        &self,
        what: &str,
        call: Call,
        request: RequestBuilder,
        read: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Answer<T>, CallError> {
        let doubt = |why: String, retry_after| CallError::Doubt {
            what: format!("{what}: {why}"),
            retry_after,
        };
        let mut number = 1;
        loop {
            let Some(this_try) = request.try_clone() else {
                return Err(doubt("the request cannot be sent".to_owned(), None));
            };
            let reply = exchange(this_try).await;
            self.wire.meter.sent(number > 1, reply.as_ref().ok());
            let tried = Tried::of(what, call, reply, &read)?;
            match (
                retry::decide(Attempt { number, call }, tried.result()),
                tried,
            ) {
                (Decision::Again(after), _) => {
                    tracing::info!(
                        call = what,
                        attempt = number,
                        wait_ms = after.as_millis(),
                        "trying again"
                    );
                    self.wire.clock.nap(after).await;
                    number += 1;
                }
                (Decision::Pause(seconds), _) => {
                    return Err(CallError::Pause {
                        seconds,
                        what: format!("{what}: throttled, asked to come back in {seconds} s"),
                    });
                }
                (Decision::Take, Tried::Answered(answer)) => return Ok(answer),
                (Decision::Stop, Tried::Answered(Answer { reply, content: _ })) => {
                    let why = format!("status {} after {number} tries", reply.status);
                    return Err(doubt(why, retry::retry_after(&reply.headers)));
                }
                (Decision::Take | Decision::Stop, Tried::Broken(why)) => {
                    return Err(doubt(why, None));
                }
            }
        }
    }
}

/// What one try of a call brought.
enum Tried<T> {
    /// A whole reply; a 2xx is read.
    Answered(Answer<T>),
    /// No whole reply, or one that leaves the same doubt, and why.
    Broken(String),
}

impl<T> Tried<T> {
    /// Reads what a reply says, if it is a 2xx.
    ///
    /// A 2xx that is no JSON is as doubtful as a reply that broke off. One of another shape ends
    /// the call, except where the work may be done only once: there it leaves a doubt, too.
    ///
    /// # Errors
    /// [`Error::Contract`] for a 2xx that ends the call.
    fn of(
        what: &str,
        call: Call,
        reply: Result<Reply, String>,
        read: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Self> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(why) => return Ok(Self::Broken(why)),
        };
        if !reply.is_success() {
            let content = None;
            return Ok(Self::Answered(Answer { reply, content }));
        }
        match (reply.read(what, read), call) {
            (Ok(content), _) => {
                let content = Some(content);
                Ok(Self::Answered(Answer { reply, content }))
            }
            (Err(Unreadable::NoJson(why)), Call::Repeatable | Call::Once) => Ok(Self::Broken(why)),
            (Err(Unreadable::NoJson(why)), Call::Token) => {
                Err(Error::Contract(format!("{what}: {why}")))
            }
            (Err(Unreadable::NoAnswer(error)), Call::Once) => Ok(Self::Broken(error.to_string())),
            (Err(Unreadable::NoAnswer(error)), Call::Repeatable | Call::Token) => Err(error),
        }
    }

    /// As the retry policy sees it.
    fn result(&self) -> TryResult {
        match self {
            Self::Answered(Answer { reply, content: _ }) => {
                TryResult::Status(reply.status, retry::retry_after(&reply.headers))
            }
            Self::Broken(_) => TryResult::Broken,
        }
    }
}

/// One request and its whole reply. The error is a text without address, query or content.
async fn exchange(request: RequestBuilder) -> Result<Reply, String> {
    let response = request.send().await.map_err(why_broken)?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = read_body(response).await?;
    Ok(Reply {
        status,
        headers,
        body,
    })
}

/// Reads a body, and stops one byte above the most it may have after decompression:
/// [`Reply::read`] then sees that it is too large.
async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(why_broken)? {
        let room = (MOST_BYTES + 1).saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() > MOST_BYTES {
            break;
        }
    }
    Ok(body)
}

#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
fn why_broken(error: reqwest::Error) -> String {
    let text = if error.is_timeout() {
        "no whole reply in time"
    } else if error.is_connect() {
        "cannot connect; check the host in the secret and the network"
    } else if error.is_decode() || error.is_body() {
        "the reply broke off"
    } else {
        "the connection was lost"
    };
    text.to_owned()
}
