//! One transport for both vendors: retry policy, time-outs, no redirects, nothing secret in an
//! error.

mod base_url;
pub mod meter;
pub mod retry;
mod wire;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

pub use base_url::{base_url, host_of, is_loopback};
pub use meter::Meter;
pub use retry::Call;
use retry::{Attempt, Decision, TryResult};
pub use wire::Wire;

use domain::{Error, Result, VERSION};

/// The largest body of a reply, after decompression. Source: contract, section 3.
const MOST_BYTES: usize = 32 << 20;

/// A whole reply that another try would not change: 2xx, 3xx, and what the vendor refused.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    body: Vec<u8>,
}

/// A reply, with what it says if it is a 2xx.
pub struct Answer<T> {
    pub reply: Reply,
    /// The body of a 2xx, read; `None` for any other status.
    pub said: Option<T>,
}

/// Why a 2xx cannot be read.
enum Unreadable {
    /// It is no JSON, or JSON that ends too early: another try may bring the rest.
    NoJson(String),
    /// It is JSON of another shape, or too large: another try would not change it.
    NoAnswer(Error),
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The vendor asks for a pause that is too long for a Lambda.
    Pause {
        /// How long, in seconds.
        seconds: u64,
        what: String,
    },
    /// No whole reply, or a 5xx: whether the work was done is not known.
    Doubt {
        /// Which call, and what happened.
        what: String,
        /// Seconds to stay away, if the vendor named any.
        retry_after: Option<u64>,
    },
    /// A whole answer that is not what it must be.
    Contract(Error),
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
            Failure::Contract(error) => error,
        }
    }
}

impl Reply {
    /// True for 2xx.
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

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body of a refusal as JSON, `None` if it is none.
    pub fn refusal<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body of a 2xx, read. The error names the call and the position, never the content.
    fn read<T>(
        &self,
        what: &str,
        read: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, Unreadable> {
        if self.body.len() > MOST_BYTES {
            return Err(Unreadable::NoAnswer(Error::Contract(format!(
                "{what}: the reply is larger than {} MiB, which no answer to this call is",
                MOST_BYTES >> 20
            ))));
        }
        read(&self.body).map_err(|error| {
            let say = |kind: &str| {
                let (line, column) = (error.line(), error.column());
                format!(
                    "status {} with {kind} (line {line}, column {column}); see the vendor's status \
                     page",
                    self.status
                )
            };
            match error.classify() {
                Category::Eof => Unreadable::NoJson(say("JSON that ends too early")),
                Category::Data => {
                    let why = say("JSON of an unknown shape");
                    Unreadable::NoAnswer(Error::Contract(format!("{what}: {why}")))
                }
                Category::Syntax | Category::Io => {
                    Unreadable::NoJson(say("something that is no JSON"))
                }
            }
        })
    }
}

/// Reads the whole of a body as JSON.
///
/// # Errors
/// If it is no JSON, or of another shape.
pub fn as_json<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(body)
}

/// The code of a token endpoint's refusal, `{"error": "invalid_grant", ...}`; empty unless it looks
/// like one.
pub fn oauth_code(reply: &Reply) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let code = reply.refusal::<Refusal>().map(|refusal| refusal.error);
    let is_code = |code: &String| {
        code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    code.filter(is_code).unwrap_or_default()
}

/// The transport. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    wire: Wire,
}

impl Http {
    /// A transport to the vendor at `base`, whose calls take at most `timeout` and go by `wire`. A
    /// proxy that the environment names is used, but not for loopback.
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
    /// [`Failure`] if the vendor wants a pause, if no try brought a whole answer, or if the answer
    /// has another shape.
    pub async fn send<T>(
        &self,
        what: &str,
        call: Call,
        request: RequestBuilder,
        read: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Answer<T>, Failure> {
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
            self.wire.meter.sent(number > 1, reply.as_ref().ok());
            let answer = match reply {
                Ok(reply) => answer(what, call, reply, &read)?,
                Err(why) => Err(why),
            };
            let result = match &answer {
                Ok(Answer { reply, said: _ }) => {
                    TryResult::Status(reply.status, retry::retry_after(&reply.headers))
                }
                Err(_) => TryResult::Broken,
            };
            match (retry::decide(Attempt { number, call }, result), answer) {
                (Decision::Take, Ok(answer)) => return Ok(answer),
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
                    self.wire.clock.nap(after).await;
                    number += 1;
                }
                (Decision::Take | Decision::Stop, Err(why)) => return Err(doubt(why, None)),
                (Decision::Stop, Ok(Answer { reply, said: _ })) => {
                    let why = format!("status {} after {number} tries", reply.status);
                    return Err(doubt(why, retry::retry_after(&reply.headers)));
                }
            }
        }
    }
}

/// Reads what a reply says, if it is a 2xx. One that is no JSON is as doubtful as a reply that
/// broke off; one of another shape is no answer, unless work was to be done only once: then it
/// leaves that in doubt too.
fn answer<T>(
    what: &str,
    call: Call,
    reply: Reply,
    read: impl Fn(&[u8]) -> serde_json::Result<T>,
) -> Result<Result<Answer<T>, String>, Failure> {
    if !reply.is_success() {
        return Ok(Ok(Answer { reply, said: None }));
    }
    match (reply.read(what, read), call) {
        (Ok(said), _) => {
            let said = Some(said);
            Ok(Ok(Answer { reply, said }))
        }
        (Err(Unreadable::NoJson(why)), Call::Repeatable | Call::Once) => Ok(Err(why)),
        (Err(Unreadable::NoJson(why)), Call::Token) => {
            Err(Failure::Contract(Error::Contract(format!("{what}: {why}"))))
        }
        (Err(Unreadable::NoAnswer(error)), Call::Once) => Ok(Err(error.to_string())),
        (Err(Unreadable::NoAnswer(error)), _) => Err(Failure::Contract(error)),
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
