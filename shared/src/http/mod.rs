//! One transport for both vendors: retry policy, time-outs, no redirects, nothing secret in an
//! error.

mod base_url;
pub mod meter;
pub mod retry;

use std::sync::Once;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};

pub use base_url::base_url;
pub use meter::Meter;
pub use retry::Call;
use retry::{Attempt, Decision, TryResult};

use crate::deadline::nap;
use crate::{Error, Result};

/// The largest body of a reply, after decompression. Source: contract, section 3.
const MOST_BYTES: usize = 32 << 20;

/// A whole reply that another try would not change: 2xx, 3xx, and what the vendor refused.
#[derive(Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Vec<u8>,
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The vendor asks for a pause that is too long for a Lambda.
    Pause {
        /// How long, in seconds.
        seconds: u64,
        /// Which call.
        what: String,
    },
    /// No whole reply, or a 5xx: whether the work was done is not known.
    Doubt {
        /// Which call, and what happened.
        what: String,
        /// Seconds to stay away, if the vendor named any.
        retry_after: Option<u64>,
    },
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Pause { seconds, what } => Self::Throttled {
                what,
                retry_after: Some(seconds),
            },
            Failure::Doubt {
                what,
                retry_after: _,
            } => Self::Transient(what),
        }
    }
}

impl Reply {
    /// True for 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// True for 429, and for 503 with `Retry-After`.
    fn asks_for_a_pause(&self) -> bool {
        match self.status {
            429 => true,
            503 => self.headers.contains_key("retry-after"),
            _ => false,
        }
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON. A 2xx with HTML, a cut body, or another shape is no answer.
    ///
    /// # Errors
    /// [`Error::Contract`] names the call and the position, never the content.
    pub fn json<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T> {
        if self.body.len() > MOST_BYTES {
            return Err(Error::Contract(format!(
                "{what}: the reply is larger than {} MiB, which no answer to this call is",
                MOST_BYTES >> 20
            )));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = match error.classify() {
                serde_json::error::Category::Eof => "JSON that ends too early",
                serde_json::error::Category::Data => "JSON of an unknown shape",
                _ => "something that is no JSON",
            };
            Error::Contract(format!(
                "{what}: status {} with {kind} (line {}, column {}); see the vendor's status page",
                self.status,
                error.line(),
                error.column()
            ))
        })
    }
}

/// The transport. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    meter: Meter,
}

impl Http {
    /// A transport whose calls take at most `timeout` and are counted by `meter`.
    ///
    /// # Errors
    /// [`Error::Config`] if TLS cannot be set up.
    pub fn new(timeout: Duration, meter: &Meter) -> Result<Self> {
        static TLS: Once = Once::new();
        TLS.call_once(|| {
            // Fails only if a provider is installed already, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("partner-sync/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Config(format!("no HTTP client: {}", error.without_url())))?;
        Ok(Self {
            client,
            meter: meter.clone(),
        })
    }

    /// Begins a request.
    pub fn request(&self, method: Method, url: reqwest::Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request, again if [`retry::decide`] says so. `what` names the call in errors,
    /// without query and secrets.
    ///
    /// # Errors
    /// [`Failure`] if the vendor wants a pause, or if no try brought a whole reply.
    pub async fn send(
        &self,
        what: &str,
        call: Call,
        request: RequestBuilder,
    ) -> Result<Reply, Failure> {
        let doubt = |why: String, retry_after| Failure::Doubt {
            what: format!("{what}: {why}"),
            retry_after,
        };
        let mut number = 1;
        loop {
            let Some(this_try) = request.try_clone() else {
                return Err(doubt("the request cannot be sent".to_owned(), None));
            };
            let reply = exchange(this_try).await;
            self.meter.sent(number > 1, reply.as_ref().ok());
            let result = match &reply {
                Ok(reply) => TryResult::Status(reply.status, retry::retry_after(&reply.headers)),
                Err(_) => TryResult::Broken,
            };
            match (retry::decide(Attempt { number, call }, result), reply) {
                (Decision::Take, Ok(reply)) => return Ok(reply),
                (Decision::Pause(seconds), _) => {
                    return Err(Failure::Pause {
                        seconds,
                        what: format!("{what}: throttled, asked to come back in {seconds} s"),
                    });
                }
                (Decision::Again(after), _) => {
                    tracing::info!(
                        call = what,
                        attempt = number,
                        wait_ms = after.as_millis(),
                        "trying again"
                    );
                    nap(after).await;
                    number += 1;
                }
                (Decision::Take | Decision::Stop, Err(why)) => return Err(doubt(why, None)),
                (Decision::Stop, Ok(reply)) => {
                    let why = format!("status {} after {number} tries", reply.status);
                    return Err(doubt(why, retry::retry_after(&reply.headers)));
                }
            }
        }
    }
}

/// One request and its whole reply. The error is a text without address, query or content.
async fn exchange(request: RequestBuilder) -> Result<Reply, String> {
    let response = request.send().await.map_err(describe)?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = read(response).await?;
    Ok(Reply {
        status,
        headers,
        body,
    })
}

/// A body is read up to one byte more than it may have, after decompression: who reads the reply
/// then sees that it is too large.
async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(describe)? {
        let room = (MOST_BYTES + 1).saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() > MOST_BYTES {
            break;
        }
    }
    Ok(body)
}

#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
fn describe(error: reqwest::Error) -> String {
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
