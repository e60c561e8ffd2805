//! The documents in S3 that begin a run and lead to the next one. Source: contract, section 4.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Account, Complete, Counts, Organization, Verdict};
use crate::{Error, Result};

/// The version of every document's shape. A reader refuses any other.
pub const SCHEMA_VERSION: u32 = 1;

/// What every document begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The execution's name.
    pub run_id: String,
    /// When it was written.
    pub generated_at: Timestamp,
    /// Entries in the document's array.
    pub count: usize,
}

impl Header {
    /// A header for a document written now.
    #[must_use]
    pub fn new(run_id: &str, count: usize) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            run_id: run_id.to_owned(),
            generated_at: Timestamp::now(),
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
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// SHA-256 of the stored bytes, in hexadecimal.
    pub sha256: String,
    /// Entries in the document's array.
    pub count: usize,
}

/// `accounts.json`: every authorised partner account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Accounts {
    /// The header.
    #[serde(flatten)]
    pub header: Header,
    /// Sorted by id.
    pub accounts: Vec<Account>,
}

impl Accounts {
    /// A document of a complete read, sorted.
    ///
    /// # Errors
    /// [`Error::Contract`] if an account has no usable id.
    pub fn new(run_id: &str, accounts: Complete<Vec<Account>>) -> Result<Self> {
        let mut keyed = accounts
            .into_inner()
            .into_iter()
            .map(|account| Ok((account.id()?, account)))
            .collect::<Result<Vec<_>>>()?;
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        let accounts: Vec<_> = keyed.into_iter().map(|(_, account)| account).collect();
        Ok(Self {
            header: Header::new(run_id, accounts.len()),
            accounts,
        })
    }

    /// Takes up the proof again that the writer had: only a complete read is ever stored as this
    /// document.
    ///
    /// # Errors
    /// [`Error::Contract`] if the document is another run's, or does not hold together;
    /// [`Error::Incomplete`] if an id comes twice.
    pub fn into_complete(self, run_id: &str) -> Result<Complete<Vec<Account>>> {
        self.header
            .check("accounts.json", run_id, self.accounts.len())?;
        let mut seen = HashSet::new();
        for account in &self.accounts {
            let id = account.id()?;
            if !seen.insert(id.clone()) {
                return Err(Error::Incomplete(format!(
                    "accounts.json: account {id} came twice; start a new run"
                )));
            }
        }
        Ok(Complete::proven(self.accounts))
    }
}

/// What was read of one Zendesk instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// `global` or `us-government`.
    pub name: String,
    /// All organizations the walk saw.
    pub organizations_scanned: usize,
    /// Those with a partner's account type.
    pub partner_organizations: usize,
    /// Pages read.
    pub pages: usize,
    /// Seconds the walk took.
    pub seconds: f64,
    /// True once the last page said so.
    pub complete: bool,
}

/// `organizations.json`: the partner organizations of all instances, and who could be mistaken for
/// one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organizations {
    /// The header; its count is that of `organizations`.
    #[serde(flatten)]
    pub header: Header,
    /// Partner organizations, sorted by instance, then id.
    pub organizations: Vec<Organization>,
    /// Others with an account's id or name.
    pub lookalikes: Vec<Organization>,
    /// What was read.
    pub instances: Vec<Instance>,
}

impl Organizations {
    /// Organizations seen, on all instances.
    #[must_use]
    pub fn scanned(&self) -> usize {
        self.instances
            .iter()
            .map(|instance| instance.organizations_scanned)
            .sum()
    }

    /// Takes up the proof again that the writer had, instance by instance.
    ///
    /// # Errors
    /// [`Error::Contract`] if the document is another run's or does not hold together,
    /// [`Error::Incomplete`] if an instance was not read to its end or `target` was not read at
    /// all.
    pub fn into_complete(self, run_id: &str, target: &str) -> Result<Complete<Self>> {
        self.header
            .check("organizations.json", run_id, self.organizations.len())?;
        let incomplete = |what: String| {
            Err(Error::Incomplete(format!(
                "organizations.json: {what}; start a new run"
            )))
        };
        if let Some(cut) = self.instances.iter().find(|instance| !instance.complete) {
            return incomplete(format!("instance {} was not read to its end", cut.name));
        }
        if !self
            .instances
            .iter()
            .any(|instance| instance.name == target)
        {
            return incomplete(format!("instance {target} was not read"));
        }
        let mut seen = HashSet::new();
        for organization in self.organizations.iter().chain(&self.lookalikes) {
            if !seen.insert((&organization.instance, organization.id)) {
                return incomplete(format!("organization {} came twice", organization.id));
            }
        }
        drop(seen);
        Ok(Complete::proven(self))
    }
}

/// `latest.json`: the last good run. It moves on `OK`, `NOTHING_TO_DO` and `PARTIAL` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastGood {
    /// The header; its count is that of the accounts.
    #[serde(flatten)]
    pub header: Header,
    /// That run's verdict.
    pub verdict: Verdict,
    /// That run's counts; the guard compares the accounts.
    pub counts: Counts,
    /// What was read of each instance.
    #[serde(default)]
    pub instances: Vec<Instance>,
    /// As in the history; kept here too, for a rollback to code that looks for it.
    #[serde(default)]
    pub failing: BTreeMap<String, u32>,
}
