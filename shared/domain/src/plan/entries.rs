//! The entries of a plan.

use std::ops::Not;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::reason::typed;
use super::{Clash, Evidence, Keeper, Reason, WaitsFor, WhyDeferred, WhySkipped};
use crate::model::{
    Absent, AccountId, Category, FieldValue, Fields, MARK_FOR_DELETION, Organization, OwnMark,
};

/// An entry of `creates.json`: an account without an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    /// The account; becomes `external_id` too.
    pub salesforce_id: AccountId,
    pub name: String,
    pub fields: Fields,
}

/// One changed field of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// `name`, or the key of an organization field.
    pub field: String,
    pub old: FieldValue,
    pub new: FieldValue,
}

impl Change {
    /// True if the organization has the value that it is to have.
    pub fn is_done_on(&self, organization: &Organization) -> bool {
        if self.field == NAME {
            FieldValue::text(Some(&organization.name)).means(&self.new)
        } else {
            organization.named_field(&self.field).means(&self.new)
        }
    }
}

/// An entry of `updates.json`: an organization with at least one field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    pub id: u64,
    pub salesforce_id: AccountId,
    pub name: String,
    /// The fields that differ, and no others.
    pub changes: Vec<Change>,
}

/// The `field` of a change that renames the organization. Every other one is the key of an
/// organization field.
pub const NAME: &str = "name";

impl Update {
    /// True if the organization gets another name.
    pub fn renames(&self) -> bool {
        self.changes.iter().any(|change| change.field == NAME)
    }

    /// The change that takes a mark for deletion back, if there is one. It is never held.
    pub fn unmark(&self) -> Option<&Change> {
        self.changes
            .iter()
            .find(|change| change.field == MARK_FOR_DELETION.name())
    }

    /// The update reduced to its un-mark; `None` if it has none.
    pub fn only_unmark(&self) -> Option<Self> {
        self.with_changes(vec![self.unmark()?.clone()])
    }

    /// The update without the change of one field; `None` if nothing is left.
    pub fn without(&self, field: &str) -> Option<Self> {
        let others = self.changes.iter().filter(|change| change.field != field);
        self.with_changes(others.cloned().collect())
    }

    fn with_changes(&self, changes: Vec<Change>) -> Option<Self> {
        let Self {
            id,
            salesforce_id,
            name,
            changes: _,
        } = self;
        (!changes.is_empty()).then(|| Self {
            id: *id,
            salesforce_id: salesforce_id.clone(),
            name: name.clone(),
            changes,
        })
    }
}

/// An entry of `not_in_sync.json`: a partner organization without an account, to be marked for
/// deletion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub id: u64,
    /// Its Salesforce id as Zendesk has it.
    pub salesforce_id: Option<String>,
    pub name: String,
    /// `marks`, or `unexplained` if Salesforce gives no evidence.
    pub category: Category,
    /// As compare saw it: a mark is left out if somebody has changed the organization since.
    #[serde(default)]
    pub updated_at: String,
    /// True if the purge leaves it alone, marked or not.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub exempt: bool,
    #[serde(deserialize_with = "typed")]
    pub reason: Evidence,
}

/// A partner organization without an account that is not marked, and what keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub id: u64,
    /// Its Salesforce id as Zendesk has it.
    pub salesforce_id: Option<String>,
    pub name: String,
    #[serde(deserialize_with = "typed")]
    pub reason: Keeper,
    /// The first day on which it may be marked; `None` if there is no such day.
    pub eligible_from: Option<Date>,
}

/// A partner organization without an account that only time, or an answer, keeps from being marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub id: u64,
    /// Its Salesforce id as Zendesk has it.
    pub salesforce_id: Option<String>,
    pub name: String,
    #[serde(deserialize_with = "typed")]
    pub reason: Evidence,
    /// The moment from which it may be marked.
    pub eligible_from: Timestamp,
    pub waits_for: WaitsFor,
    /// True if the purge leaves it alone, marked or not.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub exempt: bool,
}

/// An organization that is marked and stays so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    pub id: u64,
    /// Its Salesforce id as Zendesk has it.
    pub salesforce_id: Option<String>,
    pub name: String,
    /// What today's rules say of it: somebody else's mark stands whatever they say.
    pub reason: Reason,
}

/// A mark that this plan takes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    pub id: u64,
    pub salesforce_id: AccountId,
    pub name: String,
    pub reason: Reason,
}

/// An account whose name another organization still has, and gives up by this very plan. The
/// account gets it in a later run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    /// The account's organization; `None` if it has none yet.
    pub id: Option<u64>,
    pub salesforce_id: AccountId,
    /// The name it waits for.
    pub name: String,
    #[serde(deserialize_with = "typed")]
    pub reason: WhyDeferred,
}

/// A value that the last run wrote, and that has to be written again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    pub id: u64,
    /// Its account, or its Salesforce id as Zendesk has it.
    pub salesforce_id: Option<String>,
    pub name: String,
    /// `name`, or the key of an organization field.
    pub field: String,
    pub written: FieldValue,
    pub found: FieldValue,
    /// In how many runs in a row it was written in vain.
    pub runs: u32,
}

impl Repeated {
    pub(super) fn is_mark(&self) -> bool {
        self.field == MARK_FOR_DELETION.name() && self.written.is_true()
    }
}

/// An account that is not created because it has no account type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub salesforce_id: AccountId,
    pub name: String,
    #[serde(deserialize_with = "typed")]
    pub reason: WhySkipped,
}

/// One side of a conflict: an account, or an organization if `id` is set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Party {
    /// The organization's id; `None` for an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    pub salesforce_id: Option<String>,
    pub name: String,
    /// The account an organization belongs to; `None` for an account, and for an organization of no
    /// account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub belongs_to: Option<Owner>,
    pub account_type: Option<String>,
    /// True for an organization that the next purge may delete.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub marked: bool,
}

/// The account that an organization belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    pub salesforce_id: AccountId,
    /// `None` for an account that is none of this run's.
    pub name: Option<String>,
}

/// Records that cannot be told apart for certain. Nothing is done to any of them until a person has
/// decided; if a rename clashes, only the name is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    #[serde(deserialize_with = "typed")]
    pub reason: Clash,
    pub accounts: Vec<Party>,
    pub organizations: Vec<Party>,
}

/// All that the comparison found, each list sorted by Salesforce id, then id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changes {
    /// What is to be done.
    pub entries: Entries,
    /// What is left as it is, and what a person should know.
    pub found: Found,
    /// Partner organizations that name an account; limits are shares of their number.
    pub linked: usize,
}

/// The entries of a plan's three lists, held or not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Entries {
    /// Accounts without an organization: `creates.json`.
    pub creates: Vec<Create>,
    /// Organizations that differ: `updates.json`.
    pub updates: Vec<Update>,
    /// Organizations to be marked, explained or not: `not_in_sync.json`.
    pub marks: Vec<Mark>,
}

/// What the comparison found beside the entries; part of `plan.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Found {
    /// Accounts that are not created, because they have no account type.
    pub skipped: Vec<Skipped>,
    /// Organizations without an account that are too young to be marked.
    pub retained: Vec<Kept>,
    /// Organizations without an account that the operator protects.
    pub protected: Vec<Kept>,
    /// Organizations whose account was merged into another one.
    pub merged: Vec<Kept>,
    /// Organizations whose account has not been missing for long enough.
    pub waiting: Vec<Waiting>,
    /// Partner organizations that no account id links to an account.
    pub unlinked: Vec<Kept>,
    /// Accounts whose name this plan frees.
    pub deferred: Vec<Deferred>,
    pub conflicts: Vec<Conflict>,
    /// Organizations without an account that are marked already, and stay so.
    pub already_marked: Vec<Marked>,
    /// Those of them that the purge leaves alone.
    pub exempt: Vec<Marked>,
    /// Marks that this plan takes back, each part of an update.
    pub taken_back: Vec<TakenBack>,
    /// The clocks as they stand if the run comes to its end.
    pub absent: Vec<Absent>,
    /// Marks of this pipeline that stand.
    pub own_marks: Vec<OwnMark>,
    /// What was written in the last run, and has to be written again.
    pub repeated: Vec<Repeated>,
}

impl Entries {
    /// The marks of one of the two categories that have them.
    pub fn marks_of(&self, category: Category) -> impl Iterator<Item = &Mark> {
        let marks = self.marks.iter();
        marks.filter(move |mark| mark.category == category)
    }

    /// The number of updates that take a mark back.
    pub fn unmarks(&self) -> usize {
        self.updates
            .iter()
            .filter(|update| update.unmark().is_some())
            .count()
    }
}

impl Changes {
    /// Sorts every list by Salesforce id, then id: the same inputs give the same bytes. The
    /// conflicts are in order already.
    pub(super) fn sort(&mut self) {
        let Self {
            entries,
            found,
            linked: _,
        } = self;
        let Entries {
            creates,
            updates,
            marks,
        } = entries;
        let Found {
            skipped,
            retained,
            protected,
            merged,
            waiting,
            unlinked,
            deferred,
            conflicts: _,
            already_marked,
            exempt,
            taken_back,
            absent,
            own_marks: _,
            repeated,
        } = found;
        creates.sort_by(|a, b| a.salesforce_id.cmp(&b.salesforce_id));
        updates.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        skipped.sort_by(|a, b| a.salesforce_id.cmp(&b.salesforce_id));
        marks.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        for list in [already_marked, exempt] {
            list.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        }
        taken_back.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        for list in [protected, retained, merged, unlinked] {
            list.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        }
        waiting.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        deferred.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        absent.sort_by(|a, b| (&a.salesforce_id, a.id).cmp(&(&b.salesforce_id, b.id)));
        repeated.sort_by(|a, b| (a.id, &a.field).cmp(&(b.id, &b.field)));
    }
}

#[cfg(test)]
#[path = "entries_tests.rs"]
mod tests;
