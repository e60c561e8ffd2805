//! The documents in S3, below `runs/{run_id}/`, and the execution's output. Source: contract, section 4.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Account, Complete, Organization};
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
        Self { schema_version: SCHEMA_VERSION, run_id: run_id.to_owned(), generated_at: Timestamp::now(), count }
    }

    /// Refuses another version, another run's document, or a count that is not the array's.
    ///
    /// # Errors
    /// [`Error::Contract`] names the document.
    pub fn check(&self, document: &str, run_id: &str, entries: usize) -> Result<()> {
        let Self { schema_version, run_id: of, generated_at: _, count } = self;
        let wrong = |why: String| Err(Error::Contract(format!("{document}: {why}; start a new run")));
        if *schema_version != SCHEMA_VERSION {
            return wrong(format!("it has schema_version {schema_version}, this code reads {SCHEMA_VERSION}"));
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
        let mut keyed = accounts.into_inner().into_iter().map(|account| Ok((account.id()?, account))).collect::<Result<Vec<_>>>()?;
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        let accounts: Vec<_> = keyed.into_iter().map(|(_, account)| account).collect();
        Ok(Self { header: Header::new(run_id, accounts.len()), accounts })
    }

    /// Takes up the proof again that the writer had: only a complete read is ever stored as this document.
    ///
    /// # Errors
    /// [`Error::Contract`] if the document is another run's, or does not hold together; [`Error::Incomplete`] if an id comes twice.
    pub fn into_complete(self, run_id: &str) -> Result<Complete<Vec<Account>>> {
        self.header.check("accounts.json", run_id, self.accounts.len())?;
        let mut seen = HashSet::new();
        for account in &self.accounts {
            let id = account.id()?;
            if !seen.insert(id.clone()) {
                return Err(Error::Incomplete(format!("accounts.json: account {id} came twice; start a new run")));
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

/// `organizations.json`: the partner organizations of all instances, and who could be mistaken for one.
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
    /// Takes up the proof again that the writer had, instance by instance.
    ///
    /// # Errors
    /// [`Error::Contract`] if the document is another run's or does not hold together, [`Error::Incomplete`] if an instance
    /// was not read to its end or `target` was not read at all.
    pub fn into_complete(self, run_id: &str, target: &str) -> Result<Complete<Self>> {
        self.header.check("organizations.json", run_id, self.organizations.len())?;
        let incomplete = |what: String| Err(Error::Incomplete(format!("organizations.json: {what}; start a new run")));
        if let Some(cut) = self.instances.iter().find(|instance| !instance.complete) {
            return incomplete(format!("instance {} was not read to its end", cut.name));
        }
        if !self.instances.iter().any(|instance| instance.name == target) {
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

/// What an execution does with its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Applies it.
    #[default]
    Apply,
    /// Writes the documents and nothing else.
    Plan,
}

/// How an execution ended, if it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// All of the plan is done.
    Ok,
    /// Both systems are equal.
    NothingToDo,
    /// Plan mode.
    Planned,
    /// Some records failed.
    Partial,
    /// The guard held a category.
    Held,
    /// Another execution is running.
    Skipped,
}

/// What a run saw and planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Authorised partner accounts in Salesforce.
    pub accounts: usize,
    /// Organizations seen on all instances.
    pub organizations_scanned: usize,
    /// Partner organizations on the target.
    pub partner_organizations: usize,
    /// Planned creates.
    pub creates: usize,
    /// Planned updates.
    pub updates: usize,
    /// Planned marks for deletion.
    pub marks: usize,
    /// Updates that take a mark back.
    pub unmarks: usize,
    /// Without account, but not old enough to be marked.
    pub retained: usize,
    /// Accounts without an account type.
    pub skipped: usize,
    /// Clashes a person has to resolve.
    pub conflicts: usize,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Applied {
    /// Organizations created.
    pub created: usize,
    /// Organizations updated.
    pub updated: usize,
    /// Organizations marked.
    pub marked: usize,
    /// Records that failed, or whose outcome is unknown.
    pub failed: usize,
    /// Marks left out because somebody changed the organization meanwhile.
    pub drifted: usize,
}

/// The three kinds of change the guard judges apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guarded {
    /// Organizations to be created.
    Creates,
    /// Organizations to be updated.
    Updates,
    /// Organizations to be marked for deletion.
    Marks,
}

/// A category that waits for an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Which.
    pub category: Guarded,
    /// Its entries.
    pub count: usize,
    /// The most that goes without approval.
    pub limit: usize,
    /// What an approval must name.
    pub digest: String,
}

/// Where a person finds the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The bucket.
    pub bucket: String,
    /// Key of `report.html`.
    pub html: String,
    /// Key of `report.md`.
    pub markdown: String,
}

/// The execution's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How it ended.
    pub verdict: Verdict,
    /// The execution's name.
    pub run_id: String,
    /// Whether the plan was to be applied.
    pub mode: Mode,
    /// What was seen and planned.
    pub counts: Counts,
    /// What was done.
    pub applied: Applied,
    /// What waits for an approval.
    pub held: Vec<Held>,
    /// Where to read more.
    pub report: Report,
}

/// `latest.json`: the last good run. It moves on `OK`, `NOTHING_TO_DO` and `PARTIAL` only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastGood {
    /// The header; its count is that of `failing`.
    #[serde(flatten)]
    pub header: Header,
    /// That run's verdict.
    pub verdict: Verdict,
    /// That run's counts; the guard compares the accounts.
    pub counts: Counts,
    /// Records that failed, by Salesforce id (or organization id), with the number of runs they have failed in.
    pub failing: BTreeMap<String, u32>,
}
