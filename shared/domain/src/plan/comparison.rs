//! From the inputs of a run to its plan: the same for compare and for a replay.

use std::collections::BTreeSet;

use super::{
    Changes, Found, Guard, Inputs, Lists, Past, Plan, Planned, Rules, Sizes, Target, diff,
    hold_what_is_too_large, last_purge,
};
use crate::Result;
use crate::model::{
    Account, AccountId, Complete, Counts, Fate, Formers, Header, Held, Instance, Mode,
    Organizations, OwnMark, RunUsage, StateMachine, TARGET,
};

/// What follows from a run's inputs, and from nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub changes: Changes,
    /// What of it may be applied without an approval.
    pub guard: Guard,
    pub counts: Counts,
    pub instances: Vec<Instance>,
    /// Why the inputs look emptier than they should.
    pub warnings: Vec<String>,
    /// What could not be known.
    pub unknowns: Vec<String>,
}

impl Comparison {
    /// Compares and judges.
    ///
    /// # Errors
    /// [`crate::Error::Contract`] if an account has no usable id or a list has no JSON form.
    pub fn of(
        accounts: &Complete<Vec<Account>>,
        formers: &Formers,
        organizations: Complete<Organizations>,
        inputs: &Inputs,
    ) -> Result<Self> {
        let settings = &inputs.settings;
        let instances = organizations.get().instances.clone();
        let scanned = organizations.get().scanned();
        let target = organizations.map(on_target);
        let past = Past::new(inputs.memory.as_ref(), &formers.former);
        let mut changes = diff(accounts, &target, &rules(inputs), &past)?;
        let own_marks = own_marks(inputs, target.get(), &changes.found);
        let last = inputs.last_good.as_ref().map(|last| last.counts);
        let (former, former_not_visible) = gone_from_sight(&changes, &past);
        let purge = last_purge(inputs.started_at);
        let seen = Sizes {
            partner_organizations: target.get().partners.len(),
            accounts: accounts.get().len(),
            accounts_of_last_good_run: last.map(|last| last.accounts),
            marks_since_purge: own_marks.iter().filter(|one| one.at >= purge).count(),
            former,
            former_not_visible,
            memory_lost: inputs.memory_lost.is_some(),
        };
        changes.found.own_marks = own_marks;
        let held = inputs.memory.as_ref().map(|memory| memory.held.clone());
        let held = held.unwrap_or_default();
        let guard = hold_what_is_too_large(
            &changes.entries,
            seen,
            &settings.limits,
            &held,
            &inputs.approve,
        )?;
        let counts = Plan::counts(&changes, seen.accounts, scanned, seen.partner_organizations);
        let min_percent = settings.limits.min_accounts_percent;
        let warnings = suspicions(&counts, last.as_ref(), min_percent);
        let mut unknowns = unknowns(inputs, formers, &instances);
        unknowns.extend(missing_alliances(accounts.get(), &settings.alliances)?);
        Ok(Self {
            changes,
            guard,
            counts,
            instances,
            warnings,
            unknowns,
        })
    }

    pub fn plan(
        self,
        header: Header,
        mode: Mode,
        lists: Lists,
        inputs: Inputs,
        usage: RunUsage,
    ) -> Planned {
        let Self {
            changes: Changes { entries, found },
            guard,
            counts,
            instances,
            warnings,
            unknowns,
        } = self;
        let plan = Plan {
            header,
            mode,
            digest: lists.digest(),
            counts,
            release: release(&guard.held(), inputs.state_machine.as_deref()),
            guard,
            warnings,
            unknowns,
            found,
            lists,
            instances,
            inputs,
            usage,
        };
        Planned { plan, entries }
    }
}

fn rules(inputs: &Inputs) -> Rules {
    let settings = &inputs.settings;
    Rules {
        protected: settings.protected.clone(),
        alliances: settings.alliances.clone(),
        retention_years: settings.retention_years,
        mark_after_hours: settings.mark_after_hours,
        now: inputs.started_at,
    }
}

/// The marks of this pipeline that stand: those the memory lists and the target still has. If the
/// memory cannot be read, every marked organization without an account may be ours: one mark too
/// many in the guard's count is better than one too few.
fn own_marks(inputs: &Inputs, target: &Target, found: &Found) -> Vec<OwnMark> {
    let Target {
        partners,
        lookalikes,
    } = target;
    let all = partners.iter().chain(lookalikes);
    let marked = all.filter(|organization| organization.is_marked());
    let marked: BTreeSet<u64> = marked.map(|organization| organization.id).collect();
    if let Some(memory) = &inputs.memory {
        let standing = memory.marked.iter().filter(|one| marked.contains(&one.id));
        return standing.cloned().collect();
    }
    if inputs.memory_lost.is_none() {
        return Vec::new();
    }
    let absent = found.absent.iter().filter(|one| marked.contains(&one.id));
    let perhaps_ours = absent.map(|one| OwnMark {
        id: one.id,
        salesforce_id: one.salesforce_id.clone(),
        at: inputs.started_at,
    });
    perhaps_ours.collect()
}

/// How many missing accounts Salesforce was asked about, of organizations that are to be marked or
/// wait for it, and how many of those accounts it does not show.
fn gone_from_sight(changes: &Changes, past: &Past) -> (usize, usize) {
    let Changes { entries, found } = changes;
    let marks = entries.marks.iter().map(|one| one.id);
    let concerned: BTreeSet<u64> = marks
        .chain(found.waiting.iter().map(|one| one.id))
        .collect();
    let absent = found.absent.iter();
    let concerned = absent.filter(|one| concerned.contains(&one.id));
    let known: Vec<_> = concerned
        .filter_map(|one| past.fate(&one.salesforce_id))
        .collect();
    let not_visible = known.iter().filter(|fate| matches!(fate, Fate::NotVisible));
    (known.len(), not_visible.count())
}

/// What could not be known, for a person.
fn unknowns(inputs: &Inputs, formers: &Formers, instances: &[Instance]) -> Vec<String> {
    let mut unknowns = Vec::new();
    if let Some(why) = &inputs.memory_lost {
        unknowns.push(format!(
            "The memory of the runs before is lost: {why}. Every clock starts anew, and all marks \
             are held."
        ));
    }
    if let Some(why) = &formers.former_error {
        unknowns.push(format!(
            "Salesforce did not say what became of the accounts that are gone: {why}. The reasons \
             of marks are missing."
        ));
    }
    for instance in instances.iter().filter(|instance| !instance.complete) {
        let why = instance.error.as_deref().unwrap_or("no error is known");
        unknowns.push(format!(
            "Zendesk {} was not read to its end: {why}. The target was, and nothing else is \
             written to.",
            instance.name
        ));
    }
    unknowns
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
/// run. With dead credentials or too narrow a filter, a run may look as if nothing had happened.
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
    let digests: Vec<_> = held.iter().map(|held| held.digest.clone()).collect();
    (!held.is_empty()).then(|| StateMachine::start_command(state_machine, &approval(&digests)))
}

/// The execution's input that approves these digests.
pub fn approval(digests: &[String]) -> String {
    let quoted: Vec<_> = digests
        .iter()
        .map(|digest| format!("\"{digest}\""))
        .collect();
    format!("{{\"approve\": [{}]}}", quoted.join(", "))
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
