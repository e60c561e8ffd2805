//! The target's organizations by what they carry: Salesforce id, and name.

use std::collections::HashMap;

use compact_str::CompactString;
use smallvec::SmallVec;

use super::owners::Owners;
use super::pairs::Target;
use crate::model::{Account, AccountId, Mapping, Organization, name_key};

/// Organizations that share something; nearly always one.
type Group<'a> = SmallVec<[&'a Organization; 1]>;

pub(super) struct Index<'a> {
    owners: &'a Owners,
    mapping: &'a Mapping,
    ids: HashMap<AccountId, Group<'a>>,
    /// By the account that the external id names, if the Salesforce id names another one.
    external_ids: HashMap<AccountId, Group<'a>>,
    /// By the key of the name.
    names: HashMap<CompactString, Group<'a>>,
    /// Partner organizations that name an account.
    linked: usize,
}

impl<'a> Index<'a> {
    pub(super) fn new(target: &'a Target, owners: &'a Owners, mapping: &'a Mapping) -> Self {
        let Target {
            partners,
            lookalikes,
        } = target;
        let mut index = Self {
            owners,
            mapping,
            ids: HashMap::with_capacity(partners.len()),
            external_ids: HashMap::new(),
            names: HashMap::with_capacity(partners.len()),
            linked: 0,
        };
        let mut all: Vec<_> = partners.iter().chain(lookalikes).collect();
        all.sort_by_key(|organization| organization.id);
        for organization in all {
            index.add(organization);
        }
        index
    }

    fn add(&mut self, organization: &'a Organization) {
        let name = name_key(&organization.name);
        self.names.entry(name).or_default().push(organization);
        let own = self.owners.of(organization);
        let external_id = organization.external_id.as_deref();
        if let Some(id) = external_id.and_then(AccountId::of_external_id)
            && own.as_ref() != Some(&id)
        {
            self.external_ids.entry(id).or_default().push(organization);
        }
        if let Some(id) = own {
            self.linked += usize::from(organization.is_partner(self.mapping));
            self.ids.entry(id).or_default().push(organization);
        }
    }

    /// How many partner organizations name an account.
    pub(super) fn linked(&self) -> usize {
        self.linked
    }

    /// The organizations that carry an account's id.
    pub(super) fn with_id(&self, id: &AccountId) -> &[&'a Organization] {
        self.ids.get(id).map_or(&[], SmallVec::as_slice)
    }

    /// The organizations of other accounts that carry an account's id as their external id.
    pub(super) fn with_external_id(&self, id: &AccountId) -> &[&'a Organization] {
        self.external_ids.get(id).map_or(&[], SmallVec::as_slice)
    }

    /// Account ids that several organizations carry, with those organizations, in no order.
    pub(super) fn ids_carried_twice(&self) -> impl Iterator<Item = (&AccountId, &Group<'a>)> {
        self.ids.iter().filter(|(_, all)| all.len() > 1)
    }

    /// The organizations that bear a name, except this one.
    pub(super) fn holders(
        &self,
        name: &str,
        except: Option<&Organization>,
    ) -> Vec<&'a Organization> {
        let mut holders = self.bearing(name).to_vec();
        if let Some(except) = except {
            holders.retain(|holder| holder.id != except.id);
        }
        holders
    }

    /// The one partner organization with a blank Salesforce id that belongs to no other account and
    /// bears the account's name.
    pub(super) fn adoptable(&self, account: &Account) -> Option<&'a Organization> {
        let is_adoptable = |organization: &&&Organization| {
            organization.is_partner(self.mapping)
                && organization.salesforce_id().is_none()
                && self.owners.of(organization).is_none()
        };
        let mut found = self.bearing(&account.name).iter().filter(is_adoptable);
        let first = found.next()?;
        found.next().is_none().then_some(*first)
    }

    fn bearing(&self, name: &str) -> &[&'a Organization] {
        self.names
            .get(&name_key(name))
            .map_or(&[], SmallVec::as_slice)
    }
}
