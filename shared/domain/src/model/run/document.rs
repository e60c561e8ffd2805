//! What every document in S3 has: a key, a header, a JSON form, and a reference with a digest.
//!
//! Source: contract, section 4, "S3".

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

/// The key of the pointer to the last good run.
pub const LATEST: &str = "latest.json";
/// The key of the index of the last runs.
pub const HISTORY: &str = "history.json";

/// The key of a run's document: `runs/{run_id}/{file}`.
pub fn run_key(run_id: &str, file: &str) -> String {
    format!("runs/{run_id}/{file}")
}

/// The version of every document's shape. A reader refuses any other.
pub const SCHEMA_VERSION: u32 = 1;

/// What every document begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`SCHEMA_VERSION`].
    pub schema_version: u32,
    pub run_id: String,
    pub generated_at: Timestamp,
    /// Entries in the document's array.
    pub count: usize,
}

impl Header {
    /// A header for a document written at this moment.
    pub fn new(run_id: &str, generated_at: Timestamp, count: usize) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            run_id: run_id.to_owned(),
            generated_at,
            count,
        }
    }

    /// Refuses another version, another run's document, or a count that is not the array's.
    ///
    /// # Errors
    /// [`Error::Contract`] names the document.
    pub fn check(&self, document: &str, run_id: &str, entries: usize) -> Result<()> {
        let Self {
            schema_version,
            run_id: of,
            generated_at: _,
            count,
        } = self;
        let wrong = |why: String| {
            Err(Error::Contract(format!(
                "{document}: {why}; start a new run"
            )))
        };
        if *schema_version != SCHEMA_VERSION {
            return wrong(format!(
                "it has schema_version {schema_version}, this code reads {SCHEMA_VERSION}"
            ));
        }
        if of != run_id {
            return wrong(format!("it belongs to run {of}, not to {run_id}"));
        }
        if *count != entries {
            return wrong(format!("it announces {count} entries and holds {entries}"));
        }
        Ok(())
    }
}

/// Where a document is. States pass these, never lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub bucket: String,
    pub key: String,
    /// SHA-256 of the stored bytes, in hexadecimal.
    pub sha256: String,
    /// Entries in the document's array.
    pub count: usize,
}

/// A document as it is stored. `what` names it in an error.
///
/// # Errors
/// [`Error::Contract`] if it has no JSON form.
pub fn json_bytes<T: Serialize + ?Sized>(what: &str, document: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(document)
        .map_err(|error| Error::Contract(format!("{what}: no JSON form: {error}")))
}

/// Writes JSON that is part of another text. `what` is what an error calls it.
///
/// # Errors
/// [`Error::Contract`] if it has no JSON form.
pub fn json_text<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::Contract(format!("{what}: no JSON form: {error}")))
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
