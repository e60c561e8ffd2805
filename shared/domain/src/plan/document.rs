//! The plan's documents: `creates.json`, `updates.json`, `not_in_sync.json`, and `plan.json` over
//! them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Changes, Create, Entries, Found, Guard, Limits, Mark, Unknown, Update, Warning};
use crate::model::{
    AccountId, Category, Claim, Counts, Header, Instance, LastGood, ListDocument, Mapping, Memory,
    Mode, Reference, RunUsage, Usage, Week, sha256,
};

macro_rules! list {
    ($(#[$doc:meta])* $name:ident, $entry:ty, $field:ident, $file:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            #[serde(flatten)]
            pub header: Header,
            /// Sorted by Salesforce id, then id.
            pub $field: Vec<$entry>,
        }

        impl ListDocument for $name {
            type Entry = $entry;
            const FILE: &'static str = $file;
            fn of(header: Header, entries: &[$entry]) -> impl Serialize + Sync {
                #[derive(Serialize)]
                struct Borrowed<'a> {
                    #[serde(flatten)]
                    header: Header,
                    $field: &'a [$entry],
                }
                Borrowed { header, $field: entries }
            }
            fn into_parts(self) -> (Header, Vec<$entry>) {
                (self.header, self.$field)
            }
        }
    };
}

list!(
    /// `creates.json`.
    Creates, Create, creates, "creates.json"
);
list!(
    /// `updates.json`.
    Updates, Update, updates, "updates.json"
);
list!(
    /// `not_in_sync.json`.
    NotInSync, Mark, not_in_sync, "not_in_sync.json"
);

/// Where a list is, and the digest of its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    #[serde(flatten)]
    pub reference: Reference,
    /// Over the entries, without the header.
    pub digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    pub creates: Listed,
    pub updates: Listed,
    pub not_in_sync: Listed,
}

impl Lists {
    /// The digest over the three lists' digests: the plan's own.
    pub fn digest(&self) -> String {
        let Self {
            creates,
            updates,
            not_in_sync,
        } = self;
        let digests = [&*creates.digest, &*updates.digest, &*not_in_sync.digest];
        format!("sha256:{}", sha256(digests.join("\n").as_bytes()))
    }
}

/// What the plan was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// `accounts.json`.
    pub accounts: Reference,
    /// `organizations.json`.
    pub organizations: Reference,
    /// When the execution started; its UTC day decides what is old enough to be marked.
    pub started_at: Timestamp,
    /// The operator's rules at that time.
    pub settings: Settings,
    /// The digests the execution's input approved.
    pub approve: Vec<String>,
    /// Who approved them and why, as the input claims.
    #[serde(default, skip_serializing_if = "Claim::is_empty")]
    pub claim: Claim,
    /// The last good run before this one.
    pub last_good: Option<LastGood>,
    /// What the history says of the week before; the guard measures against it.
    #[serde(default)]
    pub week: Week,
    /// What earlier runs left in the memory; `None` if there was none that could be read.
    pub memory: Option<Memory>,
    /// Why the memory is lost, if it is.
    pub memory_lost: Option<String>,
    /// The state machine's ARN, for the commands and links of the report.
    pub state_machine: Option<String>,
    /// The host of the accounts, for links. Empty in a plan of an earlier version.
    #[serde(default)]
    pub salesforce_host: String,
}

/// What the operator decides about every plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Never marked.
    pub protected: BTreeSet<AccountId>,
    /// Partners because `sync.toml` names them. Never marked either, and a warning says if
    /// Salesforce does not return one.
    #[serde(rename = "alliances")]
    pub named: BTreeSet<AccountId>,
    /// Years after expiration in which an organization is retained.
    pub retention_years: i16,
    /// Hours an account must have been missing before its organization is marked.
    pub mark_after_hours: u32,
    /// Hours before a purge in which no mark is set; 0: none.
    #[serde(default)]
    pub quiet_hours: u32,
    pub limits: Limits,
}

/// `plan.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The header; its count is that of the entries of its three lists.
    #[serde(flatten)]
    pub header: Header,
    /// Whether it is to be applied.
    pub mode: Mode,
    /// Over the digests of the three lists.
    pub digest: String,
    /// The digest of the `sync.toml` that it was made with; `None` in a plan of a version before
    /// 0.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// What that file says: sync writes by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<Mapping>,
    pub counts: Counts,
    pub guard: Guard,
    /// The command that releases the held categories; `None` if nothing is held.
    pub release: Option<String>,
    /// Why the inputs look emptier than they should.
    pub warnings: Vec<Warning>,
    /// What could not be known, or looks odd.
    pub unknowns: Vec<Unknown>,
    /// What the comparison found beside the entries.
    #[serde(flatten)]
    pub found: Found,
    pub lists: Lists,
    pub instances: Vec<Instance>,
    pub inputs: Inputs,
    /// What the stages used up to here.
    pub usage: RunUsage,
}

impl Plan {
    /// The counts of a comparison.
    pub fn counts(
        changes: &Changes,
        accounts: usize,
        organizations_scanned: usize,
        partner_organizations: usize,
    ) -> Counts {
        let Changes {
            entries,
            found,
            linked: _,
        } = changes;
        let Entries {
            creates,
            updates,
            marks: _,
        } = entries;
        let Found {
            skipped,
            retained,
            protected: _,
            merged,
            waiting,
            unlinked,
            deferred: _,
            conflicts,
            already_marked: _,
            exempt,
            taken_back: _,
            absent: _,
            own_marks: _,
            repeated: _,
        } = found;
        Counts {
            accounts,
            organizations_scanned,
            partner_organizations,
            creates: creates.len(),
            updates: updates.len(),
            marks: entries.marks_of(Category::Marks).count(),
            unmarks: entries.unmarks(),
            retained: retained.len(),
            waiting: waiting.len(),
            unlinked: unlinked.len(),
            merged: merged.len(),
            unexplained: entries.marks_of(Category::Unexplained).count(),
            exempt: exempt.len(),
            skipped: skipped.len(),
            conflicts: conflicts.len(),
        }
    }
}

/// A plan with the entries of its lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub plan: Plan,
    pub entries: Entries,
}

impl Planned {
    /// The marks that are not held.
    pub fn free_marks(&self) -> impl Iterator<Item = &Mark> {
        let marks = self.entries.marks.iter();
        marks.filter(|mark| !self.plan.guard.holds(mark.category))
    }

    /// What all stages of the run used, given what sync did.
    pub fn usage(&self, sync: Usage) -> RunUsage {
        RunUsage {
            sync,
            ..self.plan.usage.clone()
        }
    }
}
