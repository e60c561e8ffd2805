//! The guard: which categories are too large to be applied unseen. Source: contract, safety.

use serde::{Deserialize, Serialize};

use super::{Changes, Creates, NotInSync, Updates, digest};
use crate::Result;
use crate::model::{Guarded, Held};

/// The most of one category that goes without approval: the larger of a number and a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Always allowed.
    pub number: usize,
    /// Allowed in percent of the target's partner organizations.
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
    /// Entries that need the guard's leave; an update that is only an un-mark needs none.
    pub count: usize,
    /// The most that goes without approval.
    pub limit: usize,
    /// Over the sorted entries; an approval must name it.
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
        held.map(
            |Judged {
                 category,
                 count,
                 limit,
                 digest,
                 exceeded: _,
                 approved: _,
                 message: _,
             }| Held {
                category: *category,
                count: *count,
                limit: *limit,
                digest: digest.clone(),
            },
        )
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
    let judged = |category, count: usize, limit: Limit, digest: String, veto: Option<String>| {
        let allowed = if veto.is_some() {
            0
        } else {
            limit.of(seen.partner_organizations)
        };
        let exceeded = count > allowed;
        let approved = exceeded && approvals.contains(&digest);
        let message = veto
            .filter(|_| exceeded)
            .unwrap_or_else(|| message(count, limit, allowed, seen.partner_organizations));
        Judged {
            category,
            count,
            limit: allowed,
            digest,
            exceeded,
            approved,
            message,
        }
    };
    let more_than_unmark = changes
        .updates
        .iter()
        .filter(|update| update.changes.len() > usize::from(update.unmark().is_some()))
        .count();
    let categories = vec![
        judged(
            Guarded::Creates,
            changes.creates.len(),
            limits.creates,
            digest::<Creates>(&changes.creates)?,
            None,
        ),
        judged(
            Guarded::Updates,
            more_than_unmark,
            limits.updates,
            digest::<Updates>(&changes.updates)?,
            None,
        ),
        judged(
            Guarded::Marks,
            changes.marks.len(),
            limits.marks,
            digest::<NotInSync>(&changes.marks)?,
            too_few_accounts(seen, limits),
        ),
    ];
    let fits = |approval: &String| {
        categories
            .iter()
            .any(|judged| judged.approved && judged.digest == *approval)
    };
    let refused_approvals = approvals
        .iter()
        .filter(|approval| !fits(approval))
        .cloned()
        .collect();
    Ok(Guard {
        categories,
        refused_approvals,
        seen,
    })
}

fn message(count: usize, limit: Limit, allowed: usize, partner_organizations: usize) -> String {
    let Limit { number, percent } = limit;
    let share = (count * 1000)
        .checked_div(partner_organizations)
        .map_or_else(
            || "-".to_owned(),
            |permille| format!("{}.{}", permille / 10, permille % 10),
        );
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
