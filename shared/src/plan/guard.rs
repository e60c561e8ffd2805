//! The guard: which categories are too large to be applied unseen.
//!
//! Source: contract, section 3, "Guard".

use serde::{Deserialize, Serialize};

use super::{Changes, Creates, NotInSync, Update, Updates};
use crate::Result;
use crate::model::{Guarded, Held, MARK_FOR_DELETION, entries_digest};

/// The most of one category that goes without approval: the larger of a number and a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// So many entries always go.
    pub number: usize,
    /// So many go, in percent of the target's partner organizations.
    pub percent: usize,
}

impl Limit {
    /// The limit for so many partner organizations, rounded down.
    #[must_use]
    pub fn of(self, partner_organizations: usize) -> usize {
        self.number
            .max(partner_organizations.saturating_mul(self.percent) / 100)
    }
}

/// The limits of all categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// For creates.
    pub creates: Limit,
    /// For updates.
    pub updates: Limit,
    /// For marks.
    pub marks: Limit,
    /// Marks are held if there are fewer accounts than this share of the last good run's, in
    /// percent.
    pub min_accounts_percent: usize,
}

/// The sizes the guard measures against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Partner organizations on the target.
    pub partner_organizations: usize,
    /// Accounts from Salesforce.
    pub accounts: usize,
    /// Accounts of the last good run; `None` if there was none.
    pub accounts_of_last_good_run: Option<usize>,
}

/// The guard's judgement of one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Which.
    pub category: Guarded,
    /// Entries that are measured; an update that is only an un-mark is not one.
    pub count: usize,
    /// The most that goes without approval.
    pub limit: usize,
    /// Over the sorted entries, without un-marks; an approval must name it.
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
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.exceeded && !self.approved
    }
}

/// The guard's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Creates, updates, marks.
    pub categories: Vec<Judged>,
    /// Approvals of the input that fit no category of this plan that needs one. They release
    /// nothing.
    pub refused_approvals: Vec<String>,
    /// What was measured against.
    pub seen: Seen,
}

impl Guard {
    /// True if the category is not applied. A category without judgement is held.
    #[must_use]
    pub fn holds(&self, category: Guarded) -> bool {
        self.categories
            .iter()
            .find(|judged| judged.category == category)
            .is_none_or(Judged::is_held)
    }

    /// The held categories, as the execution's output names them.
    #[must_use]
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

/// Judges every category against its limit, and the accounts against the last good run.
///
/// # Errors
/// [`crate::Error::Contract`] if a list has no JSON form.
pub fn judge(
    changes: &Changes,
    seen: Seen,
    limits: &Limits,
    approvals: &[String],
) -> Result<Guard> {
    let updates = without_unmarks(&changes.updates);
    let measured = [
        Measured {
            category: Guarded::Creates,
            count: changes.creates.len(),
            limit: limits.creates,
            digest: entries_digest::<Creates>(&changes.creates)?,
            veto: None,
        },
        Measured {
            category: Guarded::Updates,
            count: updates.len(),
            limit: limits.updates,
            digest: entries_digest::<Updates>(&updates)?,
            veto: None,
        },
        Measured {
            category: Guarded::Marks,
            count: changes.marks.len(),
            limit: limits.marks,
            digest: entries_digest::<NotInSync>(&changes.marks)?,
            veto: too_few_accounts(seen, limits),
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

/// What may be held of the updates. Un-marks never are, so they must not spoil an approval either:
/// neither their number nor the digest knows them.
fn without_unmarks(updates: &[Update]) -> Vec<Update> {
    let held = updates
        .iter()
        .filter_map(|update| update.without(MARK_FOR_DELETION));
    held.collect()
}

/// What is measured of one category.
struct Measured {
    category: Guarded,
    /// Entries that are measured.
    count: usize,
    limit: Limit,
    digest: String,
    /// Why none may go unseen, whatever the limit says.
    veto: Option<String>,
}

fn judge_category(measured: Measured, seen: Seen, approvals: &[String]) -> Judged {
    let Measured {
        category,
        count,
        limit,
        digest,
        veto,
    } = measured;
    let allowed = match veto {
        Some(_) => 0,
        None => limit.of(seen.partner_organizations),
    };
    let exceeded = count > allowed;
    let message = match veto {
        Some(why) if exceeded => why,
        _ => message(count, limit, allowed, seen.partner_organizations),
    };
    Judged {
        category,
        count,
        limit: allowed,
        exceeded,
        approved: exceeded && approvals.contains(&digest),
        digest,
        message,
    }
}

fn message(count: usize, limit: Limit, allowed: usize, partner_organizations: usize) -> String {
    let Limit { number, percent } = limit;
    let share = match (count * 1000).checked_div(partner_organizations) {
        Some(permille) => format!("{}.{}", permille / 10, permille % 10),
        None => "-".to_owned(),
    };
    format!(
        "{count} of {partner_organizations} partner organizations ({share} %); the limit is \
         {allowed}, the larger of {number} and {percent} %"
    )
}

/// Why no mark may go unseen, whatever its number: too few accounts look like a cut read.
fn too_few_accounts(seen: Seen, limits: &Limits) -> Option<String> {
    let Seen {
        partner_organizations: _,
        accounts,
        accounts_of_last_good_run,
    } = seen;
    if accounts == 0 {
        return Some(
            "Salesforce returned no account at all; marks are held whatever their number"
                .to_owned(),
        );
    }
    let last = accounts_of_last_good_run?;
    (accounts * 100 < last * limits.min_accounts_percent).then(|| {
        format!(
            "Salesforce returned {accounts} accounts, the last good run had {last}: {} %, fewer \
             than {} %; marks are held whatever their number",
            accounts * 100 / last,
            limits.min_accounts_percent
        )
    })
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
