//! Whether an organization is to be marked for deletion, and why: the one table of rules.
//!
//! Source: contract, section 3, "Marks".

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Evidence, Keeper, Past, Protector, WaitsFor, Weight};
use crate::model::{AccountId, Fate, Mapping, Organization};

/// What decides about organizations without an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules<'a> {
    /// Who is a partner.
    pub mapping: &'a Mapping,
    /// Never marked, whatever Salesforce says.
    pub protected: BTreeSet<AccountId>,
    /// Partners because `sync.toml` names them. Never marked either.
    pub named: BTreeSet<AccountId>,
    /// Years after the expiration date in which an organization is retained.
    pub retention_years: i16,
    /// Hours an account must have been missing before its organization is marked.
    pub mark_after_hours: u32,
    pub now: Timestamp,
}

impl Rules<'_> {
    fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    /// When an organization may be marked whose clock started at this moment.
    pub(super) fn end_of_wait(&self, since: Timestamp) -> Timestamp {
        let hours = SignedDuration::from_hours(i64::from(self.mark_after_hours));
        since.saturating_add(hours).unwrap_or(Timestamp::MAX)
    }

    fn protector(&self, account: &AccountId) -> Option<Protector> {
        if self.protected.contains(account) {
            return Some(Protector::ProtectedAccountIds);
        }
        let is_named = self.named.contains(account);
        is_named.then_some(Protector::Named)
    }
}

/// A partner organization that no account has claimed, and what the comparison knows of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) organization: &'a Organization,
    /// The account it belongs to; `None` if no account id can be read.
    pub(super) account: Option<&'a AccountId>,
    pub(super) account_is_there: bool,
    pub(super) is_in_conflict: bool,
}

/// What the rules want of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A mark. One that Salesforce does not explain is held until a person approves it.
    Mark(Evidence),
    /// A mark, later: only time or an answer is missing.
    Wait {
        evidence: Evidence,
        until: Timestamp,
        waits_for: WaitsFor,
    },
    /// No mark; if the reason has an end, from this day on it has none.
    Not(Keeper, Option<Date>),
}

/// Whether the organization is to be marked, and why. The order is the contract's: what keeps an
/// organization for good comes before what keeps it for a time.
pub(super) fn wanted(case: Case<'_>, rules: &Rules<'_>, past: &Past) -> Wanted {
    let Some(account) = case.account else {
        return Wanted::Not(Keeper::Unlinked, None);
    };
    if let Some(by) = rules.protector(account) {
        return Wanted::Not(Keeper::Protected { by }, None);
    }
    if case.account_is_there {
        return Wanted::Not(Keeper::AccountIsThere, None);
    }
    if case.is_in_conflict {
        return Wanted::Not(Keeper::Conflict, None);
    }
    if let Some((keeper, until)) = retention(case.organization, rules) {
        return Wanted::Not(keeper, until);
    }
    match past.fate(account) {
        Some(Fate::Merged { into }) => {
            let (into, organization) = (into.clone(), None);
            Wanted::Not(Keeper::Merged { into, organization }, None)
        }
        Some(fate) if fate.is_authorised(&rules.mapping.filter) => {
            Wanted::Not(Keeper::AccountIsBack, None)
        }
        _ => by_time_and_evidence(case.organization.id, account, rules, past),
    }
}

/// What the rules want if nothing but time and evidence keeps the organization from being marked:
/// its clock runs.
fn by_time_and_evidence(
    organization: u64,
    account: &AccountId,
    rules: &Rules<'_>,
    past: &Past,
) -> Wanted {
    let evidence = past.evidence(account);
    let since = past.clock(organization, account).unwrap_or(rules.now);
    let until = rules.end_of_wait(since);
    let wait = |evidence, waits_for| Wanted::Wait {
        evidence,
        until,
        waits_for,
    };
    if rules.now < until {
        return wait(evidence, WaitsFor::Time);
    }
    match evidence.weight() {
        Weight::Evidence | Weight::Unexplained => Wanted::Mark(evidence),
        // That is what 0 hours mean: nobody waits for the first answer.
        Weight::None if rules.mark_after_hours == 0 && evidence == Evidence::NotAsked => {
            Wanted::Mark(evidence)
        }
        Weight::None => wait(evidence, WaitsFor::Answer),
    }
}

/// What retains the organization and until when; `None` if it is old enough to be marked.
fn retention(organization: &Organization, rules: &Rules<'_>) -> Option<(Keeper, Option<Date>)> {
    let text = organization.expiration_date()?;
    let Some(expired) = date(text) else {
        return Some((Keeper::UnreadableDate, None));
    };
    let years = rules.retention_years;
    // On the anniversary it is not yet *more* than that many years ago.
    let eligible = expired
        .saturating_add(years.years())
        .saturating_add(1.day());
    (rules.today() < eligible).then_some((Keeper::Retained { expired, years }, Some(eligible)))
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
