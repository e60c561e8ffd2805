//! From what the rules want and what stands to marks and un-marks: the one place that does it.
//!
//! Source: contract, section 3, "Marks".

use jiff::Timestamp;
use jiff::civil::Date;

use super::wanted::{Case, Rules, Wanted};
use super::{
    Change, Changes, Evidence, Found, Keeper, Kept, Mark, Marked, Past, Reason, TakenBack, Update,
    Waiting, WaitsFor, Weight,
};
use crate::model::{Absent, AccountId, FieldValue, MARK_FOR_DELETION, Organization};

/// Puts the organization on the lists it belongs to.
pub(super) fn settle(
    case: Case<'_>,
    wanted: Wanted,
    rules: &Rules<'_>,
    past: &Past,
    changes: &mut Changes,
) {
    let Case {
        organization,
        account,
        account_is_there,
        is_in_conflict,
    } = case;
    if let Some(account) = account.filter(|_| !account_is_there) {
        let clock = clock(organization, account, &wanted, rules, past);
        changes.found.absent.push(clock);
    }
    if organization.is_marked() {
        let reason = reason(&wanted);
        if let Some(account) = takes_back(organization, account, &wanted, past) {
            take_back(organization, account, reason, changes);
        } else if !is_in_conflict {
            let marked = marked(organization, reason);
            let Found {
                already_marked,
                exempt,
                ..
            } = &mut changes.found;
            let list = if organization.is_exempt() {
                exempt
            } else {
                already_marked
            };
            list.push(marked);
            return;
        }
    }
    // A conflict says what keeps an organization in it.
    if !is_in_conflict {
        list(organization, account, wanted, rules, past, changes);
    }
}

/// Takes the mark of an organization back that is no partner's any more, if it is ours. No other
/// job knows about our mark.
pub(super) fn settle_lookalike(organization: &Organization, past: &Past, changes: &mut Changes) {
    if let Some(account) = past.account_of_own_mark(organization) {
        let reason = Reason::Kept(Keeper::NoPartner);
        take_back(organization, account, reason, changes);
    }
}

/// The account to be named if a mark is taken back, `None` if it stands. Time alone takes none
/// back; somebody else's mark is left alone, except on what is protected.
fn takes_back<'a>(
    organization: &Organization,
    account: Option<&'a AccountId>,
    wanted: &Wanted,
    past: &'a Past,
) -> Option<&'a AccountId> {
    if let Wanted::Not(Keeper::Protected { .. }, _) = wanted {
        return account;
    }
    let own = past.account_of_own_mark(organization)?;
    let its_reason_is_gone = match wanted {
        Wanted::Not(..) => true,
        Wanted::Mark(evidence) | Wanted::Wait { evidence, .. } => match evidence.weight() {
            Weight::Evidence => false,
            Weight::Unexplained => !past.is_approved(organization.id),
            // It was set for the account that the organization named then.
            Weight::None => account != Some(own),
        },
    };
    its_reason_is_gone.then_some(own)
}

fn reason(wanted: &Wanted) -> Reason {
    match wanted {
        Wanted::Mark(evidence) | Wanted::Wait { evidence, .. } => Reason::Said(evidence.clone()),
        Wanted::Not(keeper, _) => Reason::Kept(keeper.clone()),
    }
}

fn take_back(
    organization: &Organization,
    account: &AccountId,
    reason: Reason,
    changes: &mut Changes,
) {
    changes.found.taken_back.push(TakenBack {
        id: organization.id,
        salesforce_id: account.clone(),
        name: organization.name.to_string(),
        reason,
    });
    changes.entries.updates.push(Update {
        id: organization.id,
        salesforce_id: account.clone(),
        name: organization.name.to_string(),
        changes: vec![Change {
            field: MARK_FOR_DELETION.name().to_owned(),
            old: organization.field(MARK_FOR_DELETION).clone(),
            new: FieldValue::Flag(false),
        }],
    });
}

/// Lists an organization that is not marked, or whose mark is taken back.
fn list(
    organization: &Organization,
    account: Option<&AccountId>,
    wanted: Wanted,
    rules: &Rules<'_>,
    past: &Past,
    changes: &mut Changes,
) {
    match wanted {
        // The next run judges it, once it is not marked any more.
        Wanted::Mark(_) | Wanted::Wait { .. } if organization.is_marked() => {}
        Wanted::Mark(evidence) => changes.entries.marks.push(mark(organization, evidence)),
        Wanted::Wait {
            evidence,
            until,
            waits_for,
        } => {
            let waiting = waiting(organization, evidence, until, waits_for);
            changes.found.waiting.push(waiting);
        }
        Wanted::Not(keeper, until) => {
            let found = &mut changes.found;
            let list = match &keeper {
                Keeper::Unlinked => &mut found.unlinked,
                Keeper::Protected { .. } => &mut found.protected,
                Keeper::Retained { .. } | Keeper::UnreadableDate => &mut found.retained,
                Keeper::Merged { .. } => &mut found.merged,
                Keeper::AccountIsBack => {
                    let evidence = account.map_or(Evidence::NoAnswer, |id| past.evidence(id));
                    let until = rules.end_of_wait(rules.now);
                    let waiting = waiting(organization, evidence, until, WaitsFor::Time);
                    found.waiting.push(waiting);
                    return;
                }
                // Its account's organization, or a conflict, says so.
                Keeper::AccountIsThere | Keeper::Conflict | Keeper::NoPartner => return,
            };
            list.push(kept(organization, keeper, until));
        }
    }
}

/// The clock of an organization whose account is missing. It runs only while nothing but time and
/// evidence keeps it from being marked.
fn clock(
    organization: &Organization,
    account: &AccountId,
    wanted: &Wanted,
    rules: &Rules<'_>,
    past: &Past,
) -> Absent {
    let runs = match wanted {
        Wanted::Mark(_) | Wanted::Wait { .. } => true,
        Wanted::Not(..) => false,
    };
    let since = past.clock(organization.id, account).unwrap_or(rules.now);
    Absent {
        id: organization.id,
        salesforce_id: account.clone(),
        since: runs.then_some(since),
        fate: past
            .fate(account)
            .filter(|fate| fate.is_remembered())
            .cloned(),
    }
}

fn mark(organization: &Organization, reason: Evidence) -> Mark {
    Mark {
        id: organization.id,
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.to_string(),
        category: reason.category(),
        updated_at: organization.updated_at.to_string(),
        exempt: organization.is_exempt(),
        reason,
    }
}

fn marked(organization: &Organization, reason: Reason) -> Marked {
    Marked {
        id: organization.id,
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.to_string(),
        reason,
    }
}

fn kept(organization: &Organization, reason: Keeper, eligible_from: Option<Date>) -> Kept {
    Kept {
        id: organization.id,
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.to_string(),
        reason,
        eligible_from,
    }
}

fn waiting(
    organization: &Organization,
    reason: Evidence,
    eligible_from: Timestamp,
    waits_for: WaitsFor,
) -> Waiting {
    Waiting {
        id: organization.id,
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.to_string(),
        reason,
        eligible_from,
        waits_for,
        exempt: organization.is_exempt(),
    }
}
