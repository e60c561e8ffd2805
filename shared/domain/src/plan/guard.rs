//! The guard: which categories are too large to be applied without an approval.
//!
//! Source: contract, section 3, "Guard".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Approvals, Creates, Entries, Refused, Update};
use crate::Result;
use crate::model::{
    AccountId, Category, FieldValue, Held, HeldKeys, MARK_FOR_DELETION, digest_of, entries_digest,
};

/// The most entries of a category that need no approval: the larger of a number and a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// This many entries never need one.
    pub number: usize,
    /// Nor does this share, in percent of the target's partner organizations.
    pub percent: usize,
}

impl Limit {
    /// The limit for this many partner organizations, rounded down.
    pub fn of(self, partner_organizations: usize) -> usize {
        self.number
            .max(partner_organizations.saturating_mul(self.percent) / 100)
    }
}

/// The limits of all categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub creates: Limit,
    pub updates: Limit,
    pub marks: Limit,
    /// Marks are held if there are fewer accounts than this share of the most that a good run of
    /// the last week returned, in percent.
    pub min_accounts_percent: usize,
}

/// The sizes the guard measures against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sizes {
    /// Partner organizations on the target that name an account.
    pub linked: usize,
    /// The fewest of them, now and in the good runs of the last week: limits are shares of it, so
    /// that nobody raises a limit by adding organizations.
    pub base: usize,
    /// Accounts from Salesforce.
    pub accounts: usize,
    /// The most accounts of a good run of the last week; `None` if there was none.
    pub most_accounts: Option<usize>,
    /// Marks of this pipeline that stand, whenever they were set, apart from those that a person
    /// approved and those that the purge leaves alone.
    pub standing: usize,
    /// Organizations that wait to be marked, apart from those that the purge leaves alone.
    pub waiting: usize,
    /// True if what was marked and held before is not known.
    pub memory_lost: bool,
}

/// The guard's judgement of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub category: Category,
    /// Entries; an update that is only an un-mark is not one.
    pub count: usize,
    /// Those of them that the purge leaves alone, marked or not: they are not measured.
    pub exempt: usize,
    /// Marks that stand; they are measured too. 0 in other categories.
    pub standing: usize,
    /// Organizations that wait to be marked; they are measured too. 0 in other categories.
    pub waiting: usize,
    /// Entries that were held before and were not approved since; one of them holds the category.
    pub held_before: usize,
    /// The most entries that need no approval.
    pub limit: usize,
    /// Why the limit is 0, whatever the parameters say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub veto: Option<Veto>,
    /// Over the sorted entries: what is to be written and by what kind of evidence. An approval
    /// must name it.
    pub digest: String,
    /// True if the category needs an approval.
    pub exceeded: bool,
    /// True if the execution's input approved exactly this digest, and it may be approved.
    pub approved: bool,
}

/// Why no entry of a category may go without an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Veto {
    /// It is not known what was marked and held before.
    LostMemory,
    NoAccounts,
    /// Too few accounts look like a read that was cut short.
    TooFewAccounts {
        accounts: usize,
        /// The most of a good run of the last week.
        most: usize,
    },
    /// Salesforce gives no evidence.
    Unexplained,
}

impl Judged {
    /// What the limit is compared with.
    pub fn measured(&self) -> usize {
        self.count.saturating_sub(self.exempt) + self.standing + self.waiting
    }

    /// True if the category is not applied.
    pub fn is_held(&self) -> bool {
        self.exceeded && !self.approved
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    pub categories: Vec<Judged>,
    /// Approvals in the input that release nothing.
    pub refused_approvals: Vec<Refused>,
    pub seen: Sizes,
}

impl Guard {
    /// True if the category is not applied. A category that was not judged is held.
    pub fn holds(&self, category: Category) -> bool {
        self.categories
            .iter()
            .find(|judged| judged.category == category)
            .is_none_or(Judged::is_held)
    }

    /// True if a person approved the category.
    pub fn approves(&self, category: Category) -> bool {
        let mut judged = self.categories.iter();
        judged.any(|one| one.category == category && one.approved)
    }

    /// The held categories, as the execution's output names them.
    pub fn held(&self) -> Vec<Held> {
        let held = self.categories.iter().filter(|judged| judged.is_held());
        held.map(|judged| Held {
            category: judged.category,
            count: judged.count,
            limit: judged.limit,
            digest: judged.digest.clone(),
        })
        .collect()
    }
}

/// Judges every category against its limit, against what was held before, and the accounts against
/// the last week.
///
/// # Errors
/// [`crate::Error::Contract`] if a list has no JSON form.
pub fn hold_what_is_too_large(
    entries: &Entries,
    seen: Sizes,
    limits: &Limits,
    approvals: Approvals<'_>,
) -> Result<Guard> {
    let updates = without_unmarks(&entries.updates);
    let of_marks = |category| Measured {
        exempt: entries
            .marks_of(category)
            .filter(|mark| mark.exempt)
            .count(),
        ..Measured::of(category, entries.marks_of(category).count())
    };
    let measured = [
        Measured {
            limit: limits.creates.of(seen.base),
            digest: entries_digest::<Creates>(&entries.creates)?,
            ..Measured::of(Category::Creates, entries.creates.len())
        },
        Measured {
            limit: limits.updates.of(seen.base),
            digest: digest_of("updates.json", &wanted(&updates))?,
            ..Measured::of(Category::Updates, updates.len())
        },
        Measured {
            standing: seen.standing,
            waiting: seen.waiting,
            limit: limits.marks.of(seen.base),
            digest: digest_of("not_in_sync.json", &evidence(entries, Category::Marks))?,
            veto: no_mark_may_go(seen, limits),
            ..of_marks(Category::Marks)
        },
        Measured {
            digest: digest_of(
                "not_in_sync.json",
                &evidence(entries, Category::Unexplained),
            )?,
            veto: Some(Veto::Unexplained),
            ..of_marks(Category::Unexplained)
        },
    ];
    let judged = measured.map(|measured| {
        let digest = approvals.digest(measured.digest);
        let measured = Measured { digest, ..measured };
        let before = held_before(measured.category, entries, approvals.held);
        judge(measured, before, approvals)
    });
    let refused_approvals = approvals.refused(&judged, |category| entry_keys(category, entries));
    Ok(Guard {
        categories: judged.into(),
        refused_approvals,
        seen,
    })
}

fn held_before(category: Category, entries: &Entries, held: &HeldKeys) -> usize {
    match held.get(&category) {
        Some(keys) => entry_keys(category, entries).intersection(keys).count(),
        None => 0,
    }
}

/// The updates without their un-marks. Un-marks are never held, so they must not spoil an approval:
/// neither the number of updates nor their digest includes them.
fn without_unmarks(updates: &[Update]) -> Vec<Update> {
    let held = updates
        .iter()
        .filter_map(|update| update.without(MARK_FOR_DELETION.name()));
    held.collect()
}

/// What an approval of updates is bound to. What the organization has now is not part of it:
/// somebody else may write that meanwhile.
fn wanted(updates: &[Update]) -> Vec<WantedUpdate<'_>> {
    let wanted = updates.iter().map(|update| WantedUpdate {
        id: update.id,
        salesforce_id: &update.salesforce_id,
        fields: update
            .changes
            .iter()
            .map(|change| (change.field.as_str(), &change.new))
            .collect(),
    });
    wanted.collect()
}

#[derive(Serialize)]
struct WantedUpdate<'a> {
    id: u64,
    salesforce_id: &'a AccountId,
    fields: Vec<(&'a str, &'a FieldValue)>,
}

/// What an approval of marks is bound to: each organization with its kind of evidence. The values
/// explain, and may be known better an hour later, so they are not part of it.
fn evidence(entries: &Entries, category: Category) -> Vec<ByEvidence<'_>> {
    let marks = entries.marks_of(category).map(|mark| ByEvidence {
        id: mark.id,
        salesforce_id: mark.salesforce_id.as_deref(),
        kind: mark.reason.kind(),
    });
    marks.collect()
}

#[derive(Serialize)]
struct ByEvidence<'a> {
    id: u64,
    salesforce_id: Option<&'a str>,
    kind: &'static str,
}

/// The keys of a category's entries, as the memory names held entries.
pub(super) fn entry_keys(category: Category, entries: &Entries) -> BTreeSet<String> {
    let Entries {
        creates,
        updates,
        marks: _,
    } = entries;
    match category {
        Category::Creates => {
            let ids = creates.iter().map(|one| one.salesforce_id.to_string());
            ids.collect()
        }
        Category::Updates => {
            let held = without_unmarks(updates);
            held.iter().map(|one| one.id.to_string()).collect()
        }
        Category::Marks | Category::Unexplained => {
            let marks = entries.marks_of(category);
            marks.map(|one| one.id.to_string()).collect()
        }
    }
}

/// What is measured of one category.
struct Measured {
    category: Category,
    count: usize,
    exempt: usize,
    standing: usize,
    waiting: usize,
    limit: usize,
    digest: String,
    veto: Option<Veto>,
}

impl Measured {
    fn of(category: Category, count: usize) -> Self {
        Self {
            category,
            count,
            exempt: 0,
            standing: 0,
            waiting: 0,
            limit: 0,
            digest: String::new(),
            veto: None,
        }
    }
}

fn judge(measured: Measured, held_before: usize, approvals: Approvals<'_>) -> Judged {
    let Measured {
        category,
        count,
        exempt,
        standing,
        waiting,
        limit,
        digest,
        veto,
    } = measured;
    let mut judged = Judged {
        category,
        count,
        exempt,
        standing,
        waiting,
        held_before,
        limit: if veto.is_some() { 0 } else { limit },
        exceeded: false,
        approved: false,
        digest,
        veto,
    };
    let must_be_held = judged.measured() > judged.limit || held_before > 0;
    judged.exceeded = count > 0 && (must_be_held || judged.veto.is_some());
    judged.approved = judged.exceeded && approvals.release(&judged.digest);
    judged
}

/// Why no mark may go without an approval, whatever the limit says.
fn no_mark_may_go(seen: Sizes, limits: &Limits) -> Option<Veto> {
    let Sizes {
        accounts,
        most_accounts,
        memory_lost,
        ..
    } = seen;
    if memory_lost {
        return Some(Veto::LostMemory);
    }
    if accounts == 0 {
        return Some(Veto::NoAccounts);
    }
    let most = most_accounts?;
    let is_too_few = accounts * 100 < most * limits.min_accounts_percent;
    is_too_few.then_some(Veto::TooFewAccounts { accounts, most })
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
