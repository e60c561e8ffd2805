//! Sends calls, again where [`retry::decide`] says so.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Url};

use super::broken::Broken;
use super::call_error::CallError;
use super::connections::Connections;
use super::reply::{Answer, MOST_BYTES, Reply, Unreadable};
use super::retry::{self, Attempt, Call, Decision, TryResult};
use super::wire::Wire;
use domain::{Error, Result};

/// The transport. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Http {
    connections: Connections,
    wire: Wire,
}

impl Http {
    /// A transport to the vendor at `base`, whose calls take at most `timeout` unless they name
    /// another one, and use the clock and the meter of `wire`.
    ///
    /// # Errors
    /// [`Error::Config`] if TLS cannot be set up.
    pub fn new(base: &Url, timeout: Duration, wire: &Wire) -> Result<Self> {
        Ok(Self {
            connections: Connections::to(base, timeout)?,
            wire: wire.clone(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.wire.now()
    }

    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.connections.client().request(method, url)
    }

    /// Sends a request once, whatever comes of it: nobody waits for its answer to go on.
    pub async fn send_off(&self, request: RequestBuilder) {
        let reply = self.exchange(Call::Repeatable, request).await;
        self.wire.meter.sent(false, reply.as_ref().ok());
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
        let began = self.now();
        loop {
            let Some(this_try) = request.try_clone() else {
                return Err(doubt("the request cannot be sent".to_owned(), None));
            };
            let reply = self.exchange(call, this_try).await;
            self.wire.meter.sent(number > 1, reply.as_ref().ok());
            let tried = Tried::of(what, call, reply, &read)?;
            let took = Duration::try_from(self.now().duration_since(began)).unwrap_or_default();
            let attempt = Attempt { number, call, took };
            match (retry::decide(attempt, tried.result()), tried) {
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
                (Decision::Pause(seconds), Tried::Broken(broken)) => {
                    return Err(CallError::Pause {
                        seconds,
                        what: format!("{what}: {}", broken.why),
                    });
                }
                (Decision::Pause(seconds), Tried::Answered(_)) => {
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
                (Decision::Take | Decision::Stop, Tried::Broken(broken)) => {
                    return Err(doubt(broken.why, None));
                }
            }
        }
    }

    /// One request and its whole reply.
    async fn exchange(&self, call: Call, request: RequestBuilder) -> Result<Reply, Broken> {
        let client = match call {
            Call::Once => self.connections.proven(self.now())?,
            Call::Repeatable | Call::Token => self.connections.client(),
        };
        let response = client.execute(request.build()?).await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = read_body(response).await?;
        self.connections.answered(self.now());
        Ok(Reply {
            status,
            headers,
            body,
        })
    }
}

/// What one try of a call brought.
enum Tried<T> {
    /// A whole reply; a 2xx is read.
    Answered(Answer<T>),
    /// No whole reply, or one that leaves the same doubt, and why.
    Broken(Broken),
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
        reply: Result<Reply, Broken>,
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
            (Err(Unreadable::NoJson(why)), Call::Repeatable | Call::Once) => {
                Ok(Self::Broken(Broken::underway(why)))
            }
            (Err(Unreadable::NoJson(why)), Call::Token) => {
                Err(Error::Contract(format!("{what}: {why}")))
            }
            (Err(Unreadable::NoAnswer(error)), Call::Once) => {
                Ok(Self::Broken(Broken::underway(error.to_string())))
            }
            (Err(Unreadable::NoAnswer(error)), Call::Repeatable | Call::Token) => Err(error),
        }
    }

    /// As the retry policy sees it.
    fn result(&self) -> TryResult {
        match self {
            Self::Answered(Answer { reply, content: _ }) => {
                TryResult::Status(reply.status, retry::retry_after(&reply.headers))
            }
            Self::Broken(Broken { was_sent: true, .. }) => TryResult::Broken,
            Self::Broken(Broken {
                was_sent: false, ..
            }) => TryResult::NotSent,
        }
    }
}

/// Reads a body, and stops one byte above the most it may have after decompression:
/// [`Reply::read`] then sees that it is too large.
async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = (MOST_BYTES + 1).saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() > MOST_BYTES {
            break;
        }
    }
    Ok(body)
}
