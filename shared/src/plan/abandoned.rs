//! What becomes of a partner organization without account.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Change, Changes, Mark, Retained, Update};
use crate::model::{AccountId, EXPIRATION_DATE, FieldValue, MARK_FOR_DELETION, Organization};

/// What the operator decides about organizations without account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Never marked, whatever Salesforce says.
    pub protected: BTreeSet<AccountId>,
    /// Partners by name. Never marked either.
    pub alliances: BTreeSet<AccountId>,
    /// Years after the expiration date in which an organization is retained.
    pub retention_years: i16,
    /// The day of the run, UTC.
    pub today: Date,
}

/// Puts the organization on the list it belongs to: protected, marked already, retained, or to be
/// marked.
pub(super) fn judge(organization: &Organization, rules: &Rules, changes: &mut Changes) {
    if let Some(Protection { by, .. }) = protection(organization, rules) {
        let reason = format!("its Salesforce id is protected by {by}");
        changes.protected.push(kept(organization, reason, None));
    } else if organization.is_marked() {
        let reason = "marked by an earlier run or by hand, and no authorised partner account has \
                      this id";
        changes.already_marked.push(mark(organization, reason));
    } else if let Some(Retention {
        reason,
        eligible_from,
    }) = retention(organization, rules)
    {
        changes
            .retained
            .push(kept(organization, reason, eligible_from));
    } else {
        let reason = why_abandoned(organization);
        changes.marks.push(mark(organization, reason));
    }
}

/// Why an organization is never marked.
struct Protection {
    account: AccountId,
    /// The parameter that names the account.
    by: &'static str,
}

fn protection(organization: &Organization, rules: &Rules) -> Option<Protection> {
    let account = organization.account_id()?;
    let by = if rules.protected.contains(&account) {
        "ProtectedAccountIds"
    } else if rules.alliances.contains(&account) {
        "AllianceAccountIds"
    } else {
        return None;
    };
    Some(Protection { account, by })
}

/// Takes the mark of a protected organization back: Saturday would delete it.
pub(super) fn unmark_protected(organization: &Organization, rules: &Rules) -> Option<Update> {
    if !organization.is_marked() {
        return None;
    }
    let Protection { account, by: _ } = protection(organization, rules)?;
    Some(Update {
        id: organization.id,
        salesforce_id: account,
        name: organization.name.clone(),
        changes: vec![Change {
            field: MARK_FOR_DELETION.to_owned(),
            old: organization.field(MARK_FOR_DELETION).clone(),
            new: FieldValue::Flag(false),
        }],
    })
}

fn why_abandoned(organization: &Organization) -> &'static str {
    if organization.account_id().is_some() {
        "Salesforce has no authorised partner account with this id"
    } else if organization.salesforce_id().is_some() {
        "its Salesforce id is no account id, and no authorised partner account has its name"
    } else {
        "its Salesforce id is blank, and no authorised partner account has its name"
    }
}

fn mark(organization: &Organization, reason: &str) -> Mark {
    Mark {
        id: organization.id,
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.clone(),
        reason: reason.to_owned(),
    }
}

fn kept(organization: &Organization, reason: String, eligible_from: Option<Date>) -> Retained {
    Retained {
        id: organization.id,
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.clone(),
        reason,
        eligible_from,
    }
}

/// Why an organization is too young to be marked.
struct Retention {
    reason: String,
    /// The first day on which it may be marked; `None` if its date cannot be read.
    eligible_from: Option<Date>,
}

/// `None` if it may be marked today.
fn retention(organization: &Organization, rules: &Rules) -> Option<Retention> {
    let text = organization.field(EXPIRATION_DATE).as_text()?;
    let Some(expired) = date(text) else {
        return Some(Retention {
            reason: "warning: its expiration date cannot be read; correct it to YYYY-MM-DD"
                .to_owned(),
            eligible_from: None,
        });
    };
    let anniversary = expired.saturating_add(rules.retention_years.years());
    // On the anniversary it is not yet *more* than so many years ago.
    let eligible = anniversary.saturating_add(1.day());
    (rules.today < eligible).then(|| Retention {
        reason: format!(
            "expired {expired}, retained for {} years",
            rules.retention_years
        ),
        eligible_from: Some(eligible),
    })
}

/// Reads `YYYY-MM-DD`. A date field of Zendesk comes with a time behind it, which does not count.
fn date(text: &str) -> Option<Date> {
    let day = text.split_once('T').map_or(text, |(day, _)| day);
    let mut parts = day.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    if parts.next().is_some() {
        return None;
    }
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// A number of exactly so many digits.
fn digits(part: &str, length: usize) -> Option<i16> {
    let fits = part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| part.parse().ok())?
}
