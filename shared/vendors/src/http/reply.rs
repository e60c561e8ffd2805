//! A whole reply, and what it says.

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use domain::{Error, json};

/// The largest body of a reply, after decompression. Source: contract, section 3.
pub(super) const MOST_BYTES: usize = 32 << 20;

/// A whole reply that another try would not change: 2xx, 3xx, and what the vendor refused.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// A reply, with what it says if it is a 2xx.
pub struct Answer<T> {
    pub reply: Reply,
    /// The body of a 2xx, read; `None` for any other status.
    pub content: Option<T>,
}

/// Why a 2xx cannot be read.
pub(super) enum Unreadable {
    /// It is no JSON, or JSON that ends too early: another try may bring the rest.
    NoJson(String),
    /// It is JSON of another shape, or too large: another try would not change it.
    NoAnswer(Error),
}

impl Reply {
    /// True for 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// True for 429, and for 503 with `Retry-After`.
    pub(super) fn asks_for_a_pause(&self) -> bool {
        match self.status {
            429 => true,
            503 => self.headers.contains_key("retry-after"),
            _ => false,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// True if the body is JSON of whatever shape.
    pub fn is_json(&self) -> bool {
        self.refusal::<serde_json::Value>().is_some()
    }

    /// The body of a refusal as JSON, `None` if it is none.
    pub fn refusal<T: DeserializeOwned>(&self) -> Option<T> {
        json::from_bytes(&self.body).ok()
    }

    /// The body of a 2xx, read. The error names the call and the position, never the content.
    pub(super) fn read<T>(
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
    json::from_bytes(body)
}
