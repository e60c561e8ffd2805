//! From the inputs of a run to its plan: the same for compare and for a replay.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::{Changes, Guard, Inputs, Lists, Plan, Rules, Seen, Target, diff, judge};
use crate::Result;
use crate::model::{
    Account, AccountId, Complete, Counts, Header, Held, Instance, Mode, Organizations, RunUsage,
    TARGET,
};

/// What follows from a run's inputs, and from nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What has to change.
    pub changes: Changes,
    /// Whether it may go unseen.
    pub guard: Guard,
    /// What was seen and planned.
    pub counts: Counts,
    /// What was read of each instance.
    pub instances: Vec<Instance>,
    /// Why the inputs look emptier than they should.
    pub warnings: Vec<String>,
}

impl Comparison {
    /// Compares and judges.
    ///
    /// # Errors
    /// [`crate::Error::Contract`] if an account has no usable id or a list has no JSON form.
    pub fn of(
        accounts: &Complete<Vec<Account>>,
        organizations: Complete<Organizations>,
        inputs: &Inputs,
    ) -> Result<Self> {
        let settings = &inputs.settings;
        let instances = organizations.get().instances.clone();
        let scanned = organizations.get().scanned();
        let target = organizations.map(on_target);
        let rules = Rules {
            protected: settings.protected.clone(),
            alliances: settings.alliances.clone(),
            retention_years: settings.retention_years,
            today: inputs.started_at.to_zoned(TimeZone::UTC).date(),
        };
        let changes = diff(accounts, &target, &rules)?;
        let last = inputs.last_good.as_ref().map(|last| last.counts);
        let seen = Seen {
            partner_organizations: target.get().partners.len(),
            accounts: accounts.get().len(),
            accounts_of_last_good_run: last.map(|last| last.accounts),
        };
        let guard = judge(&changes, seen, &settings.limits, &inputs.approve)?;
        let counts = Plan::counts(&changes, seen.accounts, scanned, seen.partner_organizations);
        let min_percent = settings.limits.min_accounts_percent;
        let mut warnings = suspicions(&counts, last.as_ref(), min_percent);
        warnings.extend(missing_alliances(accounts.get(), &settings.alliances)?);
        Ok(Self {
            changes,
            guard,
            counts,
            instances,
            warnings,
        })
    }

    /// The plan's document.
    #[must_use]
    pub fn plan(
        &self,
        header: Header,
        mode: Mode,
        lists: Lists,
        inputs: Inputs,
        usage: RunUsage,
    ) -> Plan {
        let Self {
            changes,
            guard,
            counts,
            instances,
            warnings,
        } = self;
        let Changes {
            creates: _,
            updates: _,
            marks: _,
            skipped,
            protected,
            retained,
            conflicts,
            already_marked,
        } = changes;
        Plan {
            header,
            mode,
            digest: lists.digest(),
            counts: *counts,
            release: release(&guard.held(), inputs.state_machine.as_deref()),
            guard: guard.clone(),
            warnings: warnings.clone(),
            skipped: skipped.clone(),
            retained: retained.clone(),
            protected: protected.clone(),
            conflicts: conflicts.clone(),
            already_marked: already_marked.clone(),
            lists,
            instances: instances.clone(),
            inputs,
            usage,
        }
    }
}

/// The organizations of the target alone.
fn on_target(organizations: Organizations) -> Target {
    let Organizations {
        header: _,
        organizations: mut partners,
        mut lookalikes,
        instances: _,
    } = organizations;
    partners.retain(|organization| organization.instance == TARGET);
    lookalikes.retain(|organization| organization.instance == TARGET);
    Target {
        partners,
        lookalikes,
    }
}

/// Why the inputs look emptier than they should: nothing at all, or far less than in the last good
/// run. A run with dead credentials or a cut filter may look like one in which nothing happened.
fn suspicions(counts: &Counts, last: Option<&Counts>, min_percent: usize) -> Vec<String> {
    let before = last.copied().unwrap_or_default();
    let measured = [
        ("Salesforce accounts", counts.accounts, before.accounts),
        (
            "Zendesk organizations",
            counts.organizations_scanned,
            before.organizations_scanned,
        ),
        (
            "partner organizations on the target",
            counts.partner_organizations,
            before.partner_organizations,
        ),
    ];
    let mut warnings = Vec::new();
    for (name, now, before) in measured {
        if now == 0 {
            warnings.push(format!("no {name} at all"));
        } else if now * 100 < before * min_percent {
            warnings.push(format!("{now} {name}, {before} in the last good run"));
        }
    }
    warnings
}

/// A warning for each alliance account that Salesforce did not return.
fn missing_alliances(accounts: &[Account], alliances: &BTreeSet<AccountId>) -> Result<Vec<String>> {
    let mut missing = alliances.clone();
    for account in accounts {
        missing.remove(&account.id()?);
    }
    let warning = |id| {
        format!(
            "Salesforce returned no account {id}, which AllianceAccountIds names; correct the \
             parameter, or give the integration's user access to the account"
        )
    };
    Ok(missing.into_iter().map(warning).collect())
}

/// The command that releases the held categories of exactly this plan.
fn release(held: &[Held], state_machine: Option<&str>) -> Option<String> {
    if held.is_empty() {
        return None;
    }
    let quoted = held.iter().map(|held| format!("\"{}\"", held.digest));
    let digests: Vec<_> = quoted.collect();
    let input = format!("{{\"approve\": [{}]}}", digests.join(", "));
    Some(start_command(state_machine, &input))
}

/// The command that starts an execution by hand.
#[must_use]
pub fn start_command(state_machine: Option<&str>, input: &str) -> String {
    let machine = state_machine.unwrap_or("STATE_MACHINE_ARN");
    format!("aws stepfunctions start-execution --state-machine-arn {machine} --input '{input}'")
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{account, account_id};
    use super::*;

    #[test]
    fn an_alliance_account_that_salesforce_did_not_return_is_named() {
        let present = account(1, "Here");
        let alliances = [account_id(1), account_id(2)].into();
        let warnings = missing_alliances(&[present], &alliances).unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains(account_id(2).as_str()), "{warnings:?}");
    }

    #[test]
    fn far_less_than_last_time_or_nothing_at_all_is_suspicious() {
        let counts = |accounts, organizations_scanned, partner_organizations| Counts {
            accounts,
            organizations_scanned,
            partner_organizations,
            ..Counts::default()
        };
        let last = counts(100, 1000, 100);
        assert_eq!(
            suspicions(&counts(80, 1000, 100), Some(&last), 80),
            Vec::<String>::new()
        );
        assert_eq!(suspicions(&counts(79, 799, 100), Some(&last), 80).len(), 2);
        assert_eq!(suspicions(&counts(0, 0, 0), None, 80).len(), 3);
        assert_eq!(suspicions(&counts(1, 1, 1), None, 80), Vec::<String>::new());
        assert_eq!(
            suspicions(&counts(100, 1000, 10), Some(&last), 80),
            ["10 partner organizations on the target, 100 in the last good run"]
        );
    }
}
