//! The comparison: accounts against the organizations of the target, in five passes.
//!
//! Source: contract, section 2, compare.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::conflicts::{Conflicts, Shared};
use super::index::Index;
use super::names::NameClaims;
use super::owners::Owners;
use super::pairs::{Pair, Partner, Target};
use super::renames::{Rename, Renames};
use super::repeated::repeated;
use super::standing::{settle, settle_lookalike};
use super::wanted::{Case, Rules, Wanted, wanted};
use super::{
    Change, Changes, Create, Deferred, Keeper, NAME, Past, Reason, Skipped, TakenBack, Update,
    WhyDeferred, WhySkipped,
};
use crate::Result;
use crate::model::{
    ACCOUNT_TYPE, Account, AccountId, Complete, FieldValue, Key, MARK_FOR_DELETION, Organization,
    name_key,
};

/// Finds what has to change on the target so that it equals Salesforce.
///
/// The result depends on the inputs alone, not on their order.
///
/// # Errors
/// [`crate::Error::Contract`] if an account has no usable id.
pub fn diff(
    accounts: &Complete<Vec<Account>>,
    target: &Complete<Target>,
    rules: &Rules<'_>,
    past: &Past,
) -> Result<Changes> {
    let accounts = accounts.get().iter();
    let by_id: BTreeMap<AccountId, &Account> = accounts
        .map(|account| Ok((account.id()?, account)))
        .collect::<Result<_>>()?;
    let owners = Owners::new(target.get(), by_id.keys());
    let mut differ = Differ::new(&by_id, target.get(), &owners, rules, past);
    differ.match_by_id();
    let claims = NameClaims::new(&differ.unmatched, &differ.matched);
    let renames = Renames::new(&differ.matched, &differ.index, &claims);
    differ.place_the_unmatched(&claims, &renames);
    differ.update_the_matched(&claims, &renames);
    differ.judge_the_rest();
    differ.judge_the_lookalikes();
    Ok(differ.into_changes())
}

struct Differ<'a> {
    accounts: &'a BTreeMap<AccountId, &'a Account>,
    target: &'a Target,
    owners: &'a Owners,
    index: Index<'a>,
    rules: &'a Rules<'a>,
    past: &'a Past,
    unmatched: Vec<Partner<'a>>,
    matched: Vec<Pair<'a>>,
    /// Organizations that belong to an account.
    claimed: HashSet<u64>,
    conflicts: Conflicts<'a>,
    changes: Changes,
}

impl<'a> Differ<'a> {
    fn new(
        accounts: &'a BTreeMap<AccountId, &'a Account>,
        target: &'a Target,
        owners: &'a Owners,
        rules: &'a Rules<'a>,
        past: &'a Past,
    ) -> Self {
        Self {
            accounts,
            target,
            owners,
            index: Index::new(target, owners, rules.mapping),
            rules,
            past,
            unmatched: Vec::new(),
            matched: Vec::new(),
            claimed: HashSet::new(),
            conflicts: Conflicts::new(accounts, owners),
            changes: Changes::default(),
        }
    }

    /// Pass 1: an organization belongs to the account whose id it carries. One id on several
    /// organizations is a conflict, with or without an account.
    fn match_by_id(&mut self) {
        for (id, account) in self.accounts {
            let partner = Partner { id, account };
            match self.index.with_id(id) {
                [] => match self.left_behind(id) {
                    Some(organization) => self.matched.push(Pair {
                        partner,
                        organization,
                    }),
                    None => self.unmatched.push(partner),
                },
                [organization] => self.matched.push(Pair {
                    partner,
                    organization,
                }),
                // A conflict, found below.
                [_, _, ..] => continue,
            }
            if !partner.has_type() {
                self.changes.found.skipped.push(skipped(partner));
            }
        }
        self.leave_external_ids();
        for (id, organizations) in self.index.ids_carried_twice() {
            let account = self.accounts.get_key_value(id);
            let partner = account.map(|(id, account)| Partner { id, account });
            let organizations = organizations.iter().copied();
            self.conflicts
                .add(Shared::Id(id.clone()), partner, organizations);
        }
    }

    /// The partner organization that an account without one takes over: the only one of the
    /// accounts that were merged into it.
    fn left_behind(&self, survivor: &AccountId) -> Option<&'a Organization> {
        let losers = self.past.merged_into(survivor);
        let all = losers.iter().flat_map(|loser| self.index.with_id(loser));
        let mut partners = all.filter(|organization| organization.is_partner(self.rules.mapping));
        let first = partners.next()?;
        partners.next().is_none().then_some(*first)
    }

    /// It is a conflict if an account without an organization has an id that another account's
    /// organization carries as external id. Zendesk allows each external id once, and it cannot be
    /// known which account that organization belongs to.
    fn leave_external_ids(&mut self) {
        for partner in std::mem::take(&mut self.unmatched) {
            let organizations = self.index.with_external_id(partner.id);
            if organizations.is_empty() {
                self.unmatched.push(partner);
                continue;
            }
            let shared = Shared::ExternalId(partner.id.clone());
            let organizations = organizations.iter().copied();
            self.conflicts.add(shared, Some(partner), organizations);
        }
    }

    /// Pass 2: an account without an organization adopts one, is created, waits for its name, or
    /// clashes.
    fn place_the_unmatched(&mut self, claims: &NameClaims<'a>, renames: &Renames<'a>) {
        for partner in std::mem::take(&mut self.unmatched) {
            let name = &partner.account.name;
            let adoptable = self.index.adoptable(partner.account);
            if let Some(organization) = adoptable.filter(|_| claims.may_adopt(name)) {
                self.matched.push(Pair {
                    partner,
                    organization,
                });
                continue;
            }
            let holders = self.index.holders(name, None);
            let is_taken = !holders.is_empty();
            if !is_taken && !partner.has_type() {
                continue;
            }
            let may_create = claims.may_create(name);
            if is_taken && may_create && partner.has_type() && renames.all_leave(&holders) {
                self.changes
                    .found
                    .deferred
                    .push(deferred(partner, None, &holders));
            } else if is_taken || !may_create {
                self.create_conflict(partner, holders, claims);
            } else {
                self.changes.entries.creates.push(create(partner));
            }
        }
    }

    /// The account cannot have its name: the holders have it, or others of this plan want it.
    fn create_conflict(
        &mut self,
        partner: Partner<'a>,
        holders: Vec<&'a Organization>,
        claims: &NameClaims<'a>,
    ) {
        let name = &partner.account.name;
        let shared = Shared::Name(name_key(name));
        self.conflicts.add(shared.clone(), Some(partner), holders);
        // The other side may be an organization that gets this name by the same plan.
        for rename in claims.renames_to(name) {
            self.conflicts
                .add(shared.clone(), Some(rename.partner), [rename.organization]);
        }
    }

    /// Pass 3: an organization with an account gets every field that differs. If its new name is
    /// not free, only the name is left as it is: which account it belongs to is certain.
    fn update_the_matched(&mut self, claims: &NameClaims<'a>, renames: &Renames<'a>) {
        for pair in std::mem::take(&mut self.matched) {
            let Pair {
                partner,
                organization,
            } = pair;
            self.claimed.insert(organization.id);
            let Some(update) = update(pair) else {
                continue;
            };
            if organization.is_marked() {
                self.changes.found.taken_back.push(TakenBack {
                    id: organization.id,
                    salesforce_id: partner.id.clone(),
                    name: partner.account.name.clone(),
                    reason: Reason::Kept(Keeper::AccountIsThere),
                });
            }
            if !update.renames() {
                self.changes.entries.updates.push(update);
                continue;
            }
            let name = &partner.account.name;
            let holders = self.index.holders(name, Some(organization));
            let rename = if claims.may_rename(name) {
                renames.becomes_of(organization, &holders)
            } else {
                Rename::Never
            };
            if rename == Rename::Now {
                self.changes.entries.updates.push(update);
            } else {
                self.changes.entries.updates.extend(update.without(NAME));
                self.leave_the_name(pair, &holders, rename, renames);
            }
        }
    }

    /// A rename that this run does not make: the name becomes free later, or it is a conflict.
    fn leave_the_name(
        &mut self,
        pair: Pair<'a>,
        holders: &[&'a Organization],
        rename: Rename,
        renames: &Renames<'a>,
    ) {
        let Pair {
            partner,
            organization,
        } = pair;
        match rename {
            Rename::Now => {}
            Rename::Later => {
                let waits = deferred(partner, Some(organization), holders);
                self.changes.found.deferred.push(waits);
            }
            Rename::Ring(ring) => {
                for pair in renames.pairs(&ring) {
                    let shared = Shared::Names(ring.clone());
                    self.conflicts
                        .add(shared, Some(pair.partner), [pair.organization]);
                }
            }
            Rename::Never => {
                let sides = holders.iter().copied().chain([organization]);
                let shared = Shared::Name(name_key(&partner.account.name));
                self.conflicts.add(shared, Some(partner), sides);
            }
        }
    }

    /// Pass 4: a partner organization that no account claims is in conflict if it bears an
    /// account's name. Whether it is to be marked is a question of the rules.
    fn judge_the_rest(&mut self) {
        let mut rest = Vec::new();
        let mut bearers = HashMap::new();
        for organization in &self.target.partners {
            if !self.claimed.contains(&organization.id) {
                let name = name_key(&organization.name);
                bearers.insert(name.clone(), None);
                rest.push((organization, name));
            }
        }
        // Nearly always no organization is left, and then no account's name needs a key.
        let concerned = self.accounts.iter().filter(|_| !rest.is_empty());
        for (id, account) in concerned {
            if let Some(bearer) = bearers.get_mut(&name_key(&account.name)) {
                *bearer = Some(Partner { id, account });
            }
        }
        for (organization, name) in rest {
            let bearer = bearers.get(&name).copied().flatten();
            if bearer.is_some() && !self.conflicts.leaves_alone(organization) {
                self.conflicts
                    .add(Shared::Name(name), bearer, [organization]);
            }
            self.judge(organization);
        }
    }

    fn judge(&mut self, organization: &Organization) {
        let account = self.owners.of(organization);
        let case = Case {
            organization,
            account: account.as_ref(),
            account_is_there: account
                .as_ref()
                .is_some_and(|id| self.accounts.contains_key(id)),
            is_in_conflict: self.conflicts.leaves_alone(organization),
        };
        let mut wanted = wanted(case, self.rules, self.past);
        if let Wanted::Not(Keeper::Merged { into, organization }, _) = &mut wanted {
            let survivors = self.index.with_id(into).first();
            *organization = survivors.map(|one| one.id);
        }
        settle(case, wanted, self.rules, self.past, &mut self.changes);
    }

    /// Pass 5: an organization that is no partner's any more keeps no mark of ours.
    fn judge_the_lookalikes(&mut self) {
        for organization in &self.target.lookalikes {
            if !self.claimed.contains(&organization.id) {
                settle_lookalike(organization, self.past, &mut self.changes);
            }
        }
    }

    fn into_changes(self) -> Changes {
        let mut changes = self.changes;
        changes.linked = self.index.linked();
        changes.found.conflicts = self.conflicts.into_list();
        changes.found.repeated = repeated(&changes.entries, self.past);
        changes.sort();
        changes
    }
}

fn create(partner: Partner<'_>) -> Create {
    Create {
        salesforce_id: partner.id.clone(),
        name: partner.account.name.clone(),
        fields: partner.account.fields.clone(),
    }
}

fn deferred(
    partner: Partner<'_>,
    organization: Option<&Organization>,
    holders: &[&Organization],
) -> Deferred {
    let holders = holders.iter().map(|holder| holder.id).collect();
    Deferred {
        id: organization.map(|organization| organization.id),
        salesforce_id: partner.id.clone(),
        name: partner.account.name.clone(),
        reason: WhyDeferred::NameIsGivenUp { holders },
    }
}

fn skipped(partner: Partner<'_>) -> Skipped {
    Skipped {
        salesforce_id: partner.id.clone(),
        name: partner.account.name.clone(),
        reason: WhySkipped::NoAccountType,
    }
}

/// The fields that differ; `None` if all are equal. A mark on an account's organization is taken
/// back.
fn update(pair: Pair<'_>) -> Option<Update> {
    let Pair {
        partner,
        organization,
    } = pair;
    let Account { name, fields } = partner.account;
    let mut changes = Vec::new();
    if organization.name.trim() != name.trim() {
        changes.push(Change {
            field: NAME.to_owned(),
            old: FieldValue::Text(Some(organization.name.as_str().into())),
            new: FieldValue::text(Some(name)),
        });
    }
    let mut compare = |key: Key, old: &FieldValue, new: &FieldValue| {
        if !old.means(new) {
            changes.push(Change {
                field: key.name().to_owned(),
                old: old.clone(),
                new: new.clone(),
            });
        }
    };
    for (key, wanted) in fields.iter() {
        // An account without a type leaves the organization's type alone.
        let is_unknown_type = key == ACCOUNT_TYPE && *wanted == FieldValue::UNSET;
        if !is_unknown_type {
            compare(key, organization.field(key), wanted);
        }
    }
    let marked = organization.field(MARK_FOR_DELETION);
    compare(MARK_FOR_DELETION, marked, &FieldValue::Flag(false));
    (!changes.is_empty()).then(|| Update {
        id: organization.id,
        salesforce_id: partner.id.clone(),
        name: name.clone(),
        changes,
    })
}

#[cfg(test)]
#[path = "diff_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
