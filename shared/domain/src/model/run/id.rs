//! The id of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An execution's name: 1 to 80 letters, digits, `-`, `_` and `.`. It becomes part of keys in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl TryFrom<String> for RunId {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if (1..=80).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.') {
            Ok(Self(text))
        } else {
            Err("a run id has 1 to 80 letters, digits, hyphens, underscores and dots")
        }
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl std::ops::Deref for RunId {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
