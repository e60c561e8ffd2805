//! `memory.json`: what a run must know of the ones before it.
//!
//! Source: contract, section 4, "`memory.json`".

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Category, Header, sha256};
use crate::model::partner::{AccountId, Fate, FieldValue, Outline};

/// The key of the memory.
pub const MEMORY: &str = "memory.json";

/// `memory.json`. It holds what is on the target and in the last plan, and nothing older: so it
/// does not grow with the runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The header; its count is that of `absent` and `marked` together.
    #[serde(flatten)]
    pub header: Header,
    /// Organizations without an account, each with its clock. Salesforce is asked about their
    /// accounts.
    pub absent: Vec<Absent>,
    /// Marks this pipeline set that still stand.
    pub marked: Vec<OwnMark>,
    /// The keys of the entries that were held, by category.
    pub held: HeldKeys,
    /// What the last run wrote, to notice values that have to be written again and again.
    #[serde(default)]
    pub written: Vec<Written>,
    /// When the run that wrote it started. Of two runs, the one that started later is right.
    #[serde(default)]
    pub started_at: Timestamp,
    /// Why that run had no memory itself, if it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    /// True if people were not told of that: the run was cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost_untold: bool,
    /// What `sync.toml` came to in that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Outline>,
    /// The start of the last complete run in apply mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_at: Option<Timestamp>,
}

/// The keys of held entries: the Salesforce id of a create, the organization's id of an update or a
/// mark.
pub type HeldKeys = BTreeMap<Category, BTreeSet<String>>;

/// An organization whose account is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absent {
    pub id: u64,
    /// The account it belongs to.
    pub salesforce_id: AccountId,
    /// Its clock: the start of the first complete run from which on nothing but time has kept it
    /// from being marked. `None` while something else keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What became of the account, if Salesforce forgets it: deleted or merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fate: Option<Fate>,
}

/// A mark this pipeline set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnMark {
    pub id: u64,
    /// The account it belongs to.
    pub salesforce_id: AccountId,
    /// When the run that set it ended.
    pub at: Timestamp,
    /// True if a person approved it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
    /// True if it may be somebody else's: it stood when there was no memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub perhaps: bool,
    /// True if the purge leaves the organization alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exempt: bool,
}

/// A value that was written to an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    pub id: u64,
    /// `name`, or the key of an organization field.
    pub field: String,
    /// SHA-256 of what was written: a name or an address has no place in the memory.
    pub value_sha256: String,
    /// In how many runs in a row it was written.
    pub runs: u32,
}

impl Written {
    /// The digest of a value, the same for values that mean the same.
    pub fn digest(value: &FieldValue) -> String {
        match value {
            FieldValue::Flag(flag) => sha256(flag.to_string().as_bytes()),
            FieldValue::Text(text) => sha256(text.as_deref().unwrap_or_default().trim().as_bytes()),
        }
    }
}

impl Memory {
    /// The memory with no clock running.
    pub fn without_clocks(mut self) -> Self {
        for one in &mut self.absent {
            one.since = None;
        }
        self
    }

    /// When a complete run last looked. A memory of version 0.2 does not say: it was watched when
    /// it was written.
    pub fn watched_at(&self) -> Timestamp {
        self.watched_at.unwrap_or(self.header.generated_at)
    }

    /// The memory, plus the marks of another one that it does not have.
    pub fn with_marks_of(mut self, other: Self) -> Self {
        let has: BTreeSet<u64> = self.marked.iter().map(|one| one.id).collect();
        let more = other
            .marked
            .into_iter()
            .filter(|one| !has.contains(&one.id));
        self.marked.extend(more);
        self.header.count = self.absent.len() + self.marked.len();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(absent: &[u64], marked: &[u64]) -> Memory {
        let account = || AccountId::parse("0014M00001sDiGEQA0").unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let clock = |id: &u64| Absent {
            id: *id,
            salesforce_id: account(),
            since: Some(at),
            fate: None,
        };
        let mark = |id: &u64| OwnMark {
            id: *id,
            salesforce_id: account(),
            at,
            approved: false,
            perhaps: false,
            exempt: false,
        };
        Memory {
            header: Header::new("r", at, 0),
            absent: absent.iter().map(clock).collect(),
            marked: marked.iter().map(mark).collect(),
            held: HeldKeys::new(),
            written: Vec::new(),
            started_at: at,
            lost: None,
            lost_untold: false,
            mapping: None,
            watched_at: None,
        }
    }

    #[test]
    fn of_two_memories_one_gets_the_marks_it_does_not_have_and_nothing_else() {
        let joined = memory(&[1, 2], &[3, 4]).with_marks_of(memory(&[9], &[4, 5]));
        let ids: Vec<_> = joined.marked.iter().map(|one| one.id).collect();
        assert_eq!(ids, [3, 4, 5]);
        assert_eq!(joined.absent.len(), 2);
        assert_eq!(joined.header.count, 5);
    }
}
