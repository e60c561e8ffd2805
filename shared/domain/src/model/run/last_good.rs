//! `latest.json`: the last good run, which the next one is measured against.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Counts, Header, Verdict};
use crate::model::partner::Instance;

/// `latest.json`: the last good run. [`Verdict::moves_latest`] says when it moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastGood {
    /// The header; its count is that of the accounts.
    #[serde(flatten)]
    pub header: Header,
    pub verdict: Verdict,
    /// That run's counts; the guard compares the accounts.
    pub counts: Counts,
    /// The partner organizations on the target that name an account; a document of version 0.2
    /// lacks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<usize>,
    /// What was read of each instance.
    #[serde(default)]
    pub instances: Vec<Instance>,
    /// As in the history; kept here too, for a rollback to older code that looks for it here.
    #[serde(default)]
    pub failing: BTreeMap<String, u32>,
}

impl LastGood {
    /// The partner organizations that named an account.
    pub fn linked(&self) -> usize {
        self.linked.unwrap_or_else(|| self.counts.linked())
    }
}
