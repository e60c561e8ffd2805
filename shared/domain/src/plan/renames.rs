//! Which renames can be made. Zendesk allows each name once, so a rename to a name that is taken
//! waits until its holder is renamed away.

use std::collections::{BTreeMap, BTreeSet};

use super::index::Index;
use super::names::NameClaims;
use super::pairs::Pair;
use crate::model::{Organization, is_one_name};

/// What becomes of a rename.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rename {
    /// The name is free.
    Now,
    /// Every holder gives the name up, in this run or a later one.
    Later,
    /// The holders want each other's names, in a ring: these organizations.
    Ring(BTreeSet<u64>),
    /// The name stays taken.
    Never,
}

/// The renames of a plan that no other account's claim stands against.
#[derive(Debug, Default)]
pub(super) struct Renames<'a> {
    by_organization: BTreeMap<u64, Wanted<'a>>,
    /// Organizations that give up their name, now or later.
    leaving: BTreeSet<u64>,
}

/// A rename that an account wants, and the organizations that bear the name.
#[derive(Debug)]
struct Wanted<'a> {
    pair: Pair<'a>,
    holders: Vec<&'a Organization>,
}

impl<'a> Renames<'a> {
    /// The renames of organizations matched by id. Another spelling of the same name is no rename.
    pub(super) fn new(matched: &[Pair<'a>], index: &Index<'a>, claims: &NameClaims<'a>) -> Self {
        let mut renames = Self::default();
        for pair in matched {
            let name = &pair.partner.account.name;
            let organization = pair.organization;
            if is_one_name(name, &organization.name) || !claims.may_rename(name) {
                continue;
            }
            let wanted = Wanted {
                pair: *pair,
                holders: index.holders(name, Some(organization)),
            };
            renames.by_organization.insert(organization.id, wanted);
        }
        renames.find_the_leaving();
        renames
    }

    /// Begins with the names that are free, and goes on with those that become free that way.
    fn find_the_leaving(&mut self) {
        let mut waiting_for = BTreeMap::<u64, Vec<u64>>::new();
        let mut next = Vec::new();
        for (id, wanted) in &self.by_organization {
            for holder in &wanted.holders {
                waiting_for.entry(holder.id).or_default().push(*id);
            }
            if wanted.holders.is_empty() {
                next.push(*id);
            }
        }
        while let Some(gone) = next.pop() {
            self.leaving.insert(gone);
            for id in waiting_for.remove(&gone).unwrap_or_default() {
                let wanted = self.by_organization.get(&id);
                if wanted.is_some_and(|wanted| self.all_leave(&wanted.holders)) {
                    next.push(id);
                }
            }
        }
    }

    /// True if every one of the organizations gives up its name, in this run or a later one.
    pub(super) fn all_leave(&self, organizations: &[&Organization]) -> bool {
        organizations
            .iter()
            .all(|organization| self.leaving.contains(&organization.id))
    }

    /// What becomes of the rename of an organization to a name that these others bear.
    pub(super) fn becomes_of(
        &self,
        organization: &Organization,
        holders: &[&Organization],
    ) -> Rename {
        if holders.is_empty() {
            return Rename::Now;
        }
        if self.all_leave(holders) {
            return Rename::Later;
        }
        match self.ring(organization.id) {
            Some(ring) => Rename::Ring(ring),
            None => Rename::Never,
        }
    }

    /// The ring of renames an organization is part of: each wants the name of the next.
    fn ring(&self, first: u64) -> Option<BTreeSet<u64>> {
        let mut ring = BTreeSet::new();
        let mut id = first;
        while ring.insert(id) {
            let [holder] = self.by_organization.get(&id)?.holders.as_slice() else {
                return None;
            };
            id = holder.id;
        }
        (id == first).then_some(ring)
    }

    /// The pairs of a ring.
    pub(super) fn pairs(&self, ring: &BTreeSet<u64>) -> impl Iterator<Item = Pair<'a>> {
        let wanted = ring.iter().filter_map(|id| self.by_organization.get(id));
        wanted.map(|wanted| wanted.pair)
    }
}
