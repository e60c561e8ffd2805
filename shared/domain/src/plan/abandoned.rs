//! What becomes of a partner organization without an account.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Change, Changes, Mark, NotMarked, Past, Retained, Update, Waiting};
use crate::model::{
    Absent, AccountId, EXPIRATION_DATE, Fate, FieldValue, MARK_FOR_DELETION, Organization,
};

/// What decides about organizations without an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Never marked, whatever Salesforce says.
    pub protected: BTreeSet<AccountId>,
    /// Partners because a setting names them. Never marked either.
    pub alliances: BTreeSet<AccountId>,
    /// Years after the expiration date in which an organization is retained.
    pub retention_years: i16,
    /// Hours an account must have been missing before its organization is marked.
    pub mark_after_hours: u32,
    pub now: Timestamp,
}

impl Rules {
    fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    /// When an organization may be marked whose account has been missing since this moment.
    fn end_of_wait(&self, since: Timestamp) -> Timestamp {
        let hours = SignedDuration::from_hours(i64::from(self.mark_after_hours));
        since.saturating_add(hours).unwrap_or(Timestamp::MAX)
    }
}

/// Starts or keeps the clock of an organization whose account is missing.
pub(super) fn clock(
    organization: &Organization,
    account: AccountId,
    rules: &Rules,
    past: &Past,
) -> Absent {
    let since = past.missing_since(organization.id, &account);
    Absent {
        id: organization.id,
        salesforce_id: account,
        since: since.unwrap_or(rules.now),
    }
}

/// Puts the organization on the list it belongs to. The order matters: what keeps an organization
/// for good comes before what keeps it for a time.
pub(super) fn keep_or_mark(
    organization: &Organization,
    rules: &Rules,
    past: &Past,
    changes: &mut Changes,
) {
    if let Some(Protection { by, .. }) = protection(organization, rules) {
        let reason = format!("its Salesforce id is protected by {by}");
        changes
            .found
            .protected
            .push(kept(organization, reason, None));
        return;
    }
    let account = organization.account_id();
    let reason = why_abandoned(account.as_ref(), past);
    if organization.is_marked() {
        let reason = format!("marked by an earlier run or by hand; {reason}");
        changes
            .found
            .already_marked
            .push(mark(organization, reason));
        return;
    }
    let Some(account) = account else {
        changes
            .found
            .unlinked
            .push(kept(organization, reason, None));
        return;
    };
    if let Some(retained) = retention(organization, rules) {
        changes.found.retained.push(retained);
    } else if let Some(waiting) = wait(organization, account, rules, past, &reason) {
        changes.found.waiting.push(waiting);
    } else {
        changes.entries.marks.push(mark(organization, reason));
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
    let Protection { account, by: _ } = protection(organization, rules)?;
    organization
        .is_marked()
        .then(|| unmark(organization, account))
}

/// The update that takes a mark back, and does nothing else.
pub(super) fn unmark(organization: &Organization, account: AccountId) -> Update {
    Update {
        id: organization.id,
        salesforce_id: account,
        name: organization.name.clone(),
        changes: vec![Change {
            field: MARK_FOR_DELETION.to_owned(),
            old: organization.field(MARK_FOR_DELETION).clone(),
            new: FieldValue::Flag(false),
        }],
    }
}

fn why_abandoned(account: Option<&AccountId>, past: &Past) -> String {
    if let Some(account) = account {
        let fate = past.fate(account).map(Fate::reason);
        return fate.unwrap_or_else(|| {
            "Salesforce has no authorised partner account with this id".to_owned()
        });
    }
    "neither its Salesforce id nor its external id is an account's; write the 18 characters of its \
     account's id into salesforce_id, or give it another account_type if it is no partner"
        .to_owned()
}

fn mark(organization: &Organization, reason: String) -> Mark {
    Mark {
        id: organization.id,
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.clone(),
        reason,
    }
}

fn kept<When>(organization: &Organization, reason: String, eligible_from: When) -> NotMarked<When> {
    NotMarked {
        id: organization.id,
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.clone(),
        reason,
        eligible_from,
    }
}

/// `None` if the account has been missing for long enough.
fn wait(
    organization: &Organization,
    account: AccountId,
    rules: &Rules,
    past: &Past,
    reason: &str,
) -> Option<Waiting> {
    let is_back = past.fate(&account).is_some_and(Fate::is_authorised);
    let Absent { since, .. } = clock(organization, account, rules, past);
    let eligible_from = rules.end_of_wait(since);
    (is_back || rules.now < eligible_from)
        .then(|| kept(organization, reason.to_owned(), eligible_from))
}

/// `None` if the organization is old enough to be marked.
fn retention(organization: &Organization, rules: &Rules) -> Option<Retained> {
    let text = organization.field(EXPIRATION_DATE).as_text()?;
    let Some(expired) = date(text) else {
        let reason = "warning: its expiration date cannot be read; correct it to YYYY-MM-DD";
        return Some(kept(organization, reason.to_owned(), None));
    };
    let years = rules.retention_years;
    // On the anniversary it is not yet *more* than that many years ago.
    let eligible = expired
        .saturating_add(years.years())
        .saturating_add(1.day());
    (rules.today() < eligible).then(|| {
        let reason = format!("expired {expired}, retained for {years} years");
        kept(organization, reason, Some(eligible))
    })
}

/// Reads `YYYY-MM-DD`. A date field of Zendesk also has a time at its end, which does not count.
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

/// A number of exactly this many digits.
fn digits(part: &str, length: usize) -> Option<i16> {
    let fits = part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| part.parse().ok())?
}
