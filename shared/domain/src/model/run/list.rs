//! Documents that hold one list, and the digest of its entries.

use serde::Serialize;

use super::{Header, json_bytes, sha256};
use crate::Result;

/// A document that holds one list: a header and the entries.
pub trait ListDocument {
    type Entry: Serialize;
    /// The document's file name, such as `creates.json`.
    const FILE: &'static str;
    /// A document of these entries.
    fn of(header: Header, entries: &[Self::Entry]) -> impl Serialize + Sync;
    /// The header and the entries.
    fn into_parts(self) -> (Header, Vec<Self::Entry>);
}

/// `sha256:` and 64 hexadecimal digits over the entries' JSON, without the header.
///
/// The same entries have the same digest in every run, on every machine, so a person can approve
/// them by it. Source: contract, section 3, "Approval".
///
/// # Errors
/// [`crate::Error::Contract`] if the entries have no JSON form.
pub fn entries_digest<L: ListDocument>(entries: &[L::Entry]) -> Result<String> {
    digest_of(L::FILE, entries)
}

/// `sha256:` and 64 hexadecimal digits over the JSON of what an approval is bound to.
///
/// # Errors
/// [`crate::Error::Contract`] if it has no JSON form.
pub fn digest_of<T: Serialize + ?Sized>(file: &str, bound: &T) -> Result<String> {
    Ok(format!("sha256:{}", sha256(&json_bytes(file, bound)?)))
}
