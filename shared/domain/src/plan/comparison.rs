//! From the inputs of a run to its plan: the same for compare and for a replay.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Approvals, Changes, Guard, Inputs, Lists, Past, Plan, Planned, Rules, Sizes, Target, Waiting,
    WaitsFor, diff, hold_what_is_too_large,
};
use crate::Result;
use crate::model::{
    Account, AccountId, Category, Complete, Counts, Difference, FieldValue, Formers, Header, Held,
    HeldKeys, Instance, LastGood, Mapping, Memory, Mode, Organization, Organizations, OwnMark,
    PurgeTime, RunUsage, SALESFORCE_ID, StateMachine,
};

/// What follows from a run's inputs, and from nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub changes: Changes,
    /// The `sync.toml` that it was made with; `None` in a replay of a plan that names none.
    pub mapping: Option<Mapping>,
    /// What of it may be applied without an approval.
    pub guard: Guard,
    pub counts: Counts,
    pub instances: Vec<Instance>,
    /// Why the inputs look emptier than they should.
    pub warnings: Vec<Warning>,
    /// What could not be known, or looks odd.
    pub unknowns: Vec<Unknown>,
}

/// Why a run's inputs look emptier than they should: with dead credentials or too narrow a filter,
/// it may look as if nothing had happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    pub input: Input,
    pub now: usize,
    /// In the last good run.
    pub before: usize,
}

/// What is counted of a run's inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    Accounts,
    Organizations,
    PartnerOrganizations,
}

/// Something that could not be known, or looks odd, though the run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Unknown {
    MemoryLost {
        why: String,
    },
    /// Salesforce did not say what became of the missing accounts.
    NoAnswer {
        why: String,
    },
    /// An instance that is not the target was not read to its end.
    Instance {
        name: String,
        why: Option<String>,
    },
    /// Salesforce did not return an account that `sync.toml` names.
    #[serde(rename = "alliance_missing")]
    NamedMissing {
        salesforce_id: AccountId,
    },
    /// Lookups lead to records that the app's user may not see.
    LookupsUnseen {
        /// The key of the organization field, which is left as it is.
        field: String,
        /// The Salesforce field that is looked through.
        source: String,
        accounts: usize,
        /// A few of these accounts.
        some: Vec<AccountId>,
    },
    /// The file `sync.toml` means something else than in the run before.
    MappingChanged {
        differences: Vec<Difference>,
    },
    /// There are many more partner organizations than in the week before.
    Growth {
        now: usize,
        before: usize,
    },
}

/// Growth beyond this share of the week's fewest, in percent, is worth a warning.
const UNUSUAL_PERCENT: usize = 120;
/// Accounts that a warning names.
const MOST_NAMED: usize = 5;

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
        mapping: &Mapping,
        config: Option<&str>,
    ) -> Result<Self> {
        let instances = organizations.get().instances.clone();
        let scanned = organizations.get().scanned();
        let target = organizations.map(|all| on_target(all, &mapping.target.name));
        let rules = rules(inputs, mapping);
        let memory = inputs.memory.as_ref();
        let past = Past::new(memory, formers, rules.mark_after_hours, rules.now);
        let mut changes = diff(accounts, &target, &rules, &past)?;
        changes.found.own_marks = own_marks(inputs, target.get(), &changes);
        let seen = sizes(inputs, accounts.get().len(), &changes);
        let guard = judge(&mut changes, seen, inputs, mapping.purge, config)?;
        let partners = target.get().partners.len();
        let counts = Plan::counts(&changes, seen.accounts, scanned, partners);
        let mut unknowns = unknowns(inputs, formers, &instances, seen);
        unknowns.extend(missing(accounts.get(), &inputs.settings.named));
        unknowns.extend(unseen_lookups(accounts.get(), mapping)?);
        let mapping = config.map(|_| mapping.clone());
        unknowns.extend(changed_mapping(memory, mapping.as_ref()));
        Ok(Self {
            changes,
            mapping,
            guard,
            counts,
            instances,
            warnings: suspicions(&counts, inputs),
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
            changes:
                Changes {
                    entries,
                    found,
                    linked: _,
                },
            mapping,
            guard,
            counts,
            instances,
            warnings,
            unknowns,
        } = self;
        let config = mapping.as_ref().map(|mapping| mapping.digest.clone());
        let plan = Plan {
            header,
            mode,
            digest: lists.digest(),
            config,
            mapping,
            counts,
            release: release(&guard.held(), mode, &inputs),
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

fn rules<'a>(inputs: &Inputs, mapping: &'a Mapping) -> Rules<'a> {
    let settings = &inputs.settings;
    Rules {
        mapping,
        protected: settings.protected.clone(),
        named: settings.named.clone(),
        retention_years: settings.retention_years,
        mark_after_hours: settings.mark_after_hours,
        now: inputs.started_at,
    }
}

/// The marks of this pipeline that stand: those the memory lists and the target still has. Without
/// a memory every marked organization without an account may be ours: one mark too many in the
/// guard's count is better than one too few.
fn own_marks(inputs: &Inputs, target: &Target, changes: &Changes) -> Vec<OwnMark> {
    let Target {
        partners,
        lookalikes,
    } = target;
    let all = partners.iter().chain(lookalikes);
    let marked = all.filter(|organization| organization.is_marked());
    let marked: BTreeMap<u64, &Organization> = marked.map(|one| (one.id, one)).collect();
    let stands = |one: OwnMark| {
        let exempt = marked.get(&one.id)?.is_exempt();
        Some(OwnMark { exempt, ..one })
    };
    if let Some(memory) = &inputs.memory {
        return memory.marked.iter().cloned().filter_map(stands).collect();
    }
    let perhaps_ours = changes.found.absent.iter().map(|one| OwnMark {
        id: one.id,
        salesforce_id: one.salesforce_id.clone(),
        at: inputs.started_at,
        approved: false,
        perhaps: true,
        exempt: false,
    });
    perhaps_ours.filter_map(stands).collect()
}

fn sizes(inputs: &Inputs, accounts: usize, changes: &Changes) -> Sizes {
    let is_counted = |one: &&OwnMark| !one.approved && !one.exempt;
    let found = &changes.found;
    let linked = changes.linked;
    let last = inputs.last_good.as_ref();
    let fewest = inputs.week.fewest_linked.or(last.map(LastGood::linked));
    Sizes {
        linked,
        base: fewest.unwrap_or(linked).min(linked),
        accounts,
        most_accounts: inputs
            .week
            .most_accounts
            .or(last.map(|last| last.counts.accounts)),
        standing: found.own_marks.iter().filter(is_counted).count(),
        waiting: found.waiting.iter().filter(|one| !one.exempt).count(),
        memory_lost: inputs.memory_lost.is_some(),
    }
}

/// What may be applied without an approval. In the quiet hours before a purge no mark may, so what
/// is not held waits until the purge is over.
fn judge(
    changes: &mut Changes,
    seen: Sizes,
    inputs: &Inputs,
    purge: Option<PurgeTime>,
    config: Option<&str>,
) -> Result<Guard> {
    let none = HeldKeys::new();
    let approvals = Approvals {
        given: &inputs.approve,
        offered: &inputs.week.offered,
        held: inputs.memory.as_ref().map_or(&none, |memory| &memory.held),
        bound_to: config,
        now: inputs.started_at,
    };
    let settings = &inputs.settings;
    let guard = hold_what_is_too_large(&changes.entries, seen, &settings.limits, approvals)?;
    let purge = purge.and_then(|one| one.within(inputs.started_at, settings.quiet_hours));
    let is_free = |category| !guard.holds(category) && !guard.approves(category);
    let Some(purge) = purge.filter(|_| is_free(Category::Marks)) else {
        return Ok(guard);
    };
    let seen = Sizes {
        waiting: seen.waiting + wait_for(purge, changes),
        ..seen
    };
    hold_what_is_too_large(&changes.entries, seen, &settings.limits, approvals)
}

/// Lets every mark wait for the purge, and says how many of them are measured.
fn wait_for(purge: jiff::Timestamp, changes: &mut Changes) -> usize {
    let Changes { entries, found, .. } = changes;
    let all = std::mem::take(&mut entries.marks);
    let (marks, others) = all
        .into_iter()
        .partition(|mark| mark.category == Category::Marks);
    entries.marks = others;
    let waiting = Vec::from_iter(marks).into_iter().map(|mark| Waiting {
        id: mark.id,
        salesforce_id: mark.salesforce_id,
        name: mark.name,
        reason: mark.reason,
        eligible_from: purge,
        waits_for: WaitsFor::Purge,
        exempt: mark.exempt,
    });
    let before = found.waiting.len();
    found.waiting.extend(waiting);
    let moved = found.waiting.iter().skip(before);
    let measured = moved.filter(|one| !one.exempt).count();
    found.repeated.retain(|one| !one.is_mark());
    changes.sort();
    measured
}

/// What could not be known, or looks odd.
fn unknowns(
    inputs: &Inputs,
    formers: &Formers,
    instances: &[Instance],
    seen: Sizes,
) -> Vec<Unknown> {
    let lost = inputs.memory_lost.iter().cloned();
    let lost = lost.map(|why| Unknown::MemoryLost { why });
    let no_answer = formers.former_error.iter().cloned();
    let no_answer = no_answer.map(|why| Unknown::NoAnswer { why });
    let incomplete = instances.iter().filter(|instance| !instance.complete);
    let incomplete = incomplete.map(|instance| Unknown::Instance {
        name: instance.name.clone(),
        why: instance.error.clone(),
    });
    let (now, before) = (seen.linked, seen.base);
    let is_unusual = now * 100 > before * UNUSUAL_PERCENT;
    let growth = is_unusual.then_some(Unknown::Growth { now, before });
    lost.chain(no_answer)
        .chain(incomplete)
        .chain(growth)
        .collect()
}

/// The organizations of the target alone.
fn on_target(organizations: Organizations, target: &str) -> Target {
    let Organizations {
        header: _,
        organizations: mut partners,
        mut lookalikes,
        instances: _,
    } = organizations;
    partners.retain(|organization| organization.instance == target);
    lookalikes.retain(|organization| organization.instance == target);
    Target {
        partners,
        lookalikes,
    }
}

/// Why the inputs look emptier than they should: nothing at all, or far less than in the last good
/// run.
fn suspicions(counts: &Counts, inputs: &Inputs) -> Vec<Warning> {
    let before = inputs.last_good.as_ref().map(|last| last.counts);
    let before = before.unwrap_or_default();
    let min_percent = inputs.settings.limits.min_accounts_percent;
    let measured = [
        (Input::Accounts, counts.accounts, before.accounts),
        (
            Input::Organizations,
            counts.organizations_scanned,
            before.organizations_scanned,
        ),
        (
            Input::PartnerOrganizations,
            counts.partner_organizations,
            before.partner_organizations,
        ),
    ];
    let suspicious = measured
        .into_iter()
        .filter(|(_, now, before)| *now == 0 || now * 100 < before * min_percent);
    let warning = |(input, now, before)| Warning { input, now, before };
    suspicious.map(warning).collect()
}

/// What has changed in `sync.toml` since the run before, if that is known.
fn changed_mapping(memory: Option<&Memory>, mapping: Option<&Mapping>) -> Option<Unknown> {
    let before = memory?.mapping.as_ref()?;
    let differences = mapping?.outline().since(before);
    (!differences.is_empty()).then_some(Unknown::MappingChanged { differences })
}

/// The accounts that are named as partners, and that Salesforce did not return.
fn missing(accounts: &[Account], named: &BTreeSet<AccountId>) -> Vec<Unknown> {
    let mut missing = named.clone();
    for account in accounts {
        let id = account.fields.get(SALESFORCE_ID);
        let id = id.and_then(FieldValue::as_text);
        missing.retain(|one| Some(one.as_str()) != id);
    }
    let unknown = |salesforce_id| Unknown::NamedMissing { salesforce_id };
    missing.into_iter().map(unknown).collect()
}

/// The fields that some accounts leave as they are, because a lookup's record may not be seen: one
/// entry for all accounts of a field.
fn unseen_lookups(accounts: &[Account], mapping: &Mapping) -> Result<Vec<Unknown>> {
    let mut unseen: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for account in accounts {
        for field in account.unseen(mapping) {
            let key = (field.key.name(), field.source.as_str());
            unseen.entry(key).or_default().push(account.id()?);
        }
    }
    let unknown = |((field, source), mut some): ((&str, &str), Vec<AccountId>)| {
        let accounts = some.len();
        some.sort();
        some.truncate(MOST_NAMED);
        Unknown::LookupsUnseen {
            field: field.to_owned(),
            source: source.to_owned(),
            accounts,
            some,
        }
    };
    Ok(unseen.into_iter().map(unknown).collect())
}

/// The command that releases the held categories of exactly this plan; `None` if nothing is held,
/// or if a plan that was only to be looked at holds what no run in apply mode has held.
fn release(held: &[Held], mode: Mode, inputs: &Inputs) -> Option<String> {
    let none = HeldKeys::new();
    let approvals = Approvals {
        given: &[],
        offered: &inputs.week.offered,
        held: &none,
        bound_to: None,
        now: inputs.started_at,
    };
    let is_offered = |one: &Held| mode == Mode::Apply || approvals.is_open(&one.digest);
    let digests: Vec<_> = held.iter().map(|held| held.digest.clone()).collect();
    let may_be_released = !held.is_empty() && held.iter().all(is_offered);
    let machine = inputs.state_machine.as_deref();
    may_be_released.then(|| StateMachine::start_command(machine, &approval(&digests)))
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
