//! The guard: which categories are too large to be applied without an approval.
//!
//! Source: contract, section 3, "Guard".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Creates, Entries, Mark, NotInSync, Update, Updates};
use crate::Result;
use crate::model::{Category, Held, HeldKeys, MARK_FOR_DELETION, entries_digest};

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
    /// Marks are held if there are fewer accounts than this share of the last good run's, in
    /// percent.
    pub min_accounts_percent: usize,
}

/// The sizes the guard measures against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Partner organizations on the target.
    pub partner_organizations: usize,
    /// Accounts from Salesforce.
    pub accounts: usize,
    /// Accounts of the last good run; `None` if there was none.
    pub accounts_of_last_good_run: Option<usize>,
    /// Marks this pipeline has set since the last purge, and that still stand.
    pub marks_since_purge: usize,
    /// Former accounts of the organizations that are to be marked or wait for it.
    pub former: usize,
    /// Those of them that Salesforce does not show.
    pub former_not_visible: usize,
    /// True if what was marked and held before is not known.
    pub memory_lost: bool,
}

/// The guard's judgement of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub category: Category,
    /// Entries that are measured; an update that is only an un-mark is not one.
    pub count: usize,
    /// Marks set since the last purge that still stand; they count too. 0 in other categories.
    pub standing: usize,
    /// Entries that were held before and were not approved since; one of them holds the category.
    pub held_before: usize,
    /// The most entries that need no approval.
    pub limit: usize,
    /// Over the sorted entries, without un-marks and without reasons; an approval must name it.
    pub digest: String,
    /// True if the category needs an approval.
    pub exceeded: bool,
    /// True if the execution's input approved exactly this digest.
    pub approved: bool,
    /// Numbers, limit and percentage, for a person.
    pub message: String,
}

impl Judged {
    /// True if the category is not applied.
    pub fn is_held(&self) -> bool {
        self.exceeded && !self.approved
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    pub categories: Vec<Judged>,
    /// Approvals in the input that match no category of this plan that needs one. They release
    /// nothing.
    pub refused_approvals: Vec<String>,
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
/// the last good run.
///
/// # Errors
/// [`crate::Error::Contract`] if a list has no JSON form.
pub fn hold_what_is_too_large(
    entries: &Entries,
    seen: Sizes,
    limits: &Limits,
    held: &HeldKeys,
    approvals: &[String],
) -> Result<Guard> {
    let updates = without_unmarks(&entries.updates);
    let held_before = |category| match held.get(&category) {
        Some(keys) => entry_keys(category, entries).intersection(keys).count(),
        None => 0,
    };
    let measured = [
        Measured {
            category: Category::Creates,
            count: entries.creates.len(),
            standing: 0,
            held_before: held_before(Category::Creates),
            limit: limits.creates,
            digest: entries_digest::<Creates>(&entries.creates)?,
            veto: None,
        },
        Measured {
            category: Category::Updates,
            count: updates.len(),
            standing: 0,
            held_before: held_before(Category::Updates),
            limit: limits.updates,
            digest: entries_digest::<Updates>(&updates)?,
            veto: None,
        },
        Measured {
            category: Category::Marks,
            count: entries.marks.len(),
            standing: seen.marks_since_purge,
            held_before: held_before(Category::Marks),
            limit: limits.marks,
            digest: entries_digest::<NotInSync>(&without_reasons(&entries.marks))?,
            veto: no_mark_may_go(seen, limits),
        },
    ];
    let mut categories = Vec::new();
    for category in measured {
        categories.push(judge_category(category, seen, approvals));
    }
    let releases = |approval: &String| {
        categories
            .iter()
            .any(|judged| judged.approved && judged.digest == *approval)
    };
    let refused_approvals = approvals
        .iter()
        .filter(|approval| !releases(approval))
        .cloned()
        .collect();
    Ok(Guard {
        categories,
        refused_approvals,
        seen,
    })
}

/// The updates without their un-marks. Un-marks are never held, so they must not spoil an approval:
/// neither the number of updates nor their digest includes them.
fn without_unmarks(updates: &[Update]) -> Vec<Update> {
    let held = updates
        .iter()
        .filter_map(|update| update.without(MARK_FOR_DELETION));
    held.collect()
}

/// The marks without their reasons: what an approval is bound to. A reason explains, and may be
/// known better an hour later, so it must not spoil the approval.
fn without_reasons(marks: &[Mark]) -> Vec<Mark> {
    let bare = marks.iter().map(|mark| Mark {
        reason: String::new(),
        ..mark.clone()
    });
    bare.collect()
}

/// The keys of a category's entries, as the memory names held entries.
pub(super) fn entry_keys(category: Category, entries: &Entries) -> BTreeSet<String> {
    let Entries {
        creates,
        updates,
        marks,
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
        Category::Marks => marks.iter().map(|one| one.id.to_string()).collect(),
    }
}

/// What is measured of one category.
struct Measured {
    category: Category,
    count: usize,
    standing: usize,
    /// Those of the entries that were held before.
    held_before: usize,
    limit: Limit,
    digest: String,
    /// Why none may go without an approval, whatever the limit says.
    veto: Option<String>,
}

fn judge_category(measured: Measured, seen: Sizes, approvals: &[String]) -> Judged {
    let message = message(&measured, seen);
    let Measured {
        category,
        count,
        standing,
        held_before,
        limit,
        digest,
        veto,
    } = measured;
    let allowed = match veto {
        Some(_) => 0,
        None => limit.of(seen.partner_organizations),
    };
    let is_too_large = count + standing > allowed;
    let exceeded = count > 0 && (is_too_large || held_before > 0);
    Judged {
        category,
        count,
        standing,
        held_before,
        limit: allowed,
        exceeded,
        approved: exceeded && approvals.contains(&digest),
        digest,
        message,
    }
}

/// Numbers, limit and percentage, and what else holds the category.
fn message(measured: &Measured, seen: Sizes) -> String {
    let Measured {
        category,
        count,
        standing,
        held_before,
        limit,
        digest: _,
        veto,
    } = measured;
    let partner_organizations = seen.partner_organizations;
    let all = match partner_organizations {
        1 => "1 partner organization".to_owned(),
        many => format!("{many} partner organizations"),
    };
    let numbers = match category {
        Category::Marks => format!("{count} new and {standing} set since the last purge, of {all}"),
        Category::Creates | Category::Updates => format!("{count} of {all}"),
    };
    let share = match ((count + standing) * 1000).checked_div(partner_organizations) {
        Some(permille) => format!("{}.{}", permille / 10, permille % 10),
        None => "-".to_owned(),
    };
    let Limit { number, percent } = limit;
    let allowed = limit.of(partner_organizations);
    let mut message = format!(
        "{numbers} ({share} %); the limit is {allowed}, the larger of {number} and {percent} %"
    );
    if let Some(why) = veto.as_deref().filter(|_| *count > 0) {
        message = format!("{why}; held whatever their number: {message}");
    }
    if *held_before > 0 {
        message = format!(
            "{message}; {held_before} of them were held before, and what was held stays held until \
             it is approved or none of it is left"
        );
    }
    message
}

/// Why no mark may go without an approval, whatever the limit says.
fn no_mark_may_go(seen: Sizes, limits: &Limits) -> Option<String> {
    lost_memory(seen)
        .or_else(|| too_few_accounts(seen, limits))
        .or_else(|| lost_permission(seen))
}

fn lost_memory(seen: Sizes) -> Option<String> {
    let why = "the memory of the runs before is lost, so nobody knows what was marked or held";
    seen.memory_lost.then(|| why.to_owned())
}

/// If many accounts are out of sight, a permission is more likely lost than the partners.
fn lost_permission(seen: Sizes) -> Option<String> {
    let Sizes {
        former,
        former_not_visible,
        ..
    } = seen;
    (former_not_visible * 2 > former).then(|| {
        format!(
            "{former_not_visible} of {former} accounts that are gone are not visible to the \
             integration's user, which is more often a lost permission than a lost partner"
        )
    })
}

/// Too few accounts look like a read that was cut short.
fn too_few_accounts(seen: Sizes, limits: &Limits) -> Option<String> {
    let Sizes {
        accounts,
        accounts_of_last_good_run,
        ..
    } = seen;
    if accounts == 0 {
        return Some("Salesforce returned no account at all".to_owned());
    }
    let last = accounts_of_last_good_run?;
    (accounts * 100 < last * limits.min_accounts_percent).then(|| {
        format!(
            "Salesforce returned {accounts} accounts, the last good run had {last}: {} %, fewer \
             than {} %",
            accounts * 100 / last,
            limits.min_accounts_percent
        )
    })
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
