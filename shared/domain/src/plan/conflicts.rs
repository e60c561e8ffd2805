//! Clashes, each reported once, and what to leave alone because of them.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use super::owners::Owners;
use super::pairs::Partner;
use super::{Clash, Conflict, Owner, Party};
use crate::model::{ACCOUNT_TYPE, Account, AccountId, Organization};

/// What two records share though only one may have it. The order is the report's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shared {
    /// One account id on several organizations, as Salesforce id or external id.
    Id(AccountId),
    /// An account's id as the external id of another account's organization.
    ExternalId(AccountId),
    /// One name, as a name key.
    Name(CompactString),
    /// Names that these organizations want from each other, in a ring.
    Names(BTreeSet<u64>),
}

/// The two sides of a clash.
#[derive(Debug, Default)]
struct Sides {
    accounts: BTreeSet<Party>,
    organizations: BTreeSet<Party>,
    /// The accounts that the organizations belong to; `None` if one belongs to no account.
    owners: BTreeSet<Option<AccountId>>,
}

impl Sides {
    /// True if an organization belongs to no account, and the accounts have no organization. Then
    /// giving it an account's id takes it from nobody, and makes no second organization.
    fn may_be_linked(&self) -> bool {
        let has_owner = |account: &Party| {
            let owners = self.owners.iter().flatten();
            let mut ids = owners.map(AccountId::as_str);
            ids.any(|owner| account.salesforce_id.as_deref() == Some(owner))
        };
        self.owners.contains(&None) && !self.accounts.iter().any(has_owner)
    }
}

/// The clashes found so far.
#[derive(Debug)]
pub(super) struct Conflicts<'a> {
    accounts: &'a BTreeMap<AccountId, &'a Account>,
    owners: &'a Owners,
    found: BTreeMap<Shared, Sides>,
    left_alone: BTreeSet<u64>,
}

impl<'a> Conflicts<'a> {
    /// No clash yet, among these accounts.
    pub(super) fn new(accounts: &'a BTreeMap<AccountId, &'a Account>, owners: &'a Owners) -> Self {
        Self {
            accounts,
            owners,
            found: BTreeMap::new(),
            left_alone: BTreeSet::new(),
        }
    }

    /// Adds the parties of a clash. The same clash is one conflict, however often it is met.
    pub(super) fn add<'b>(
        &mut self,
        shared: Shared,
        partner: Option<Partner<'_>>,
        organizations: impl IntoIterator<Item = &'b Organization>,
    ) {
        let sides = self.found.entry(shared).or_default();
        sides.accounts.extend(partner.map(account_party));
        for organization in organizations {
            let owner = self.owners.of(organization);
            let belongs_to = owner.as_ref().map(|id| Owner {
                salesforce_id: id.clone(),
                name: self.accounts.get(id).map(|account| account.name.clone()),
            });
            let party = organization_party(organization, belongs_to);
            self.left_alone.insert(organization.id);
            sides.organizations.insert(party);
            sides.owners.insert(owner);
        }
    }

    /// True if a clash keeps the organization from being marked.
    pub(super) fn leaves_alone(&self, organization: &Organization) -> bool {
        self.left_alone.contains(&organization.id)
    }

    /// The conflicts for the plan.
    pub(super) fn into_list(self) -> Vec<Conflict> {
        let mut list = Vec::new();
        for (shared, sides) in self.found {
            list.push(Conflict {
                reason: clash(shared, &sides),
                accounts: sides.accounts.into_iter().collect(),
                organizations: sides.organizations.into_iter().collect(),
            });
        }
        list
    }
}

fn account_party(partner: Partner<'_>) -> Party {
    Party {
        id: None,
        salesforce_id: Some(partner.id.to_string()),
        name: partner.account.name.clone(),
        belongs_to: None,
        account_type: partner.account.account_type().map(str::to_owned),
        marked: false,
    }
}

fn organization_party(organization: &Organization, belongs_to: Option<Owner>) -> Party {
    let account_type = organization.field(ACCOUNT_TYPE).as_text();
    Party {
        id: Some(organization.id),
        salesforce_id: organization.salesforce_id().map(str::to_owned),
        name: organization.name.to_string(),
        belongs_to,
        account_type: account_type.map(str::to_owned),
        marked: organization.is_marked() && !organization.is_exempt(),
    }
}

fn clash(shared: Shared, sides: &Sides) -> Clash {
    match shared {
        Shared::Id(salesforce_id) => Clash::OneId { salesforce_id },
        Shared::ExternalId(salesforce_id) => Clash::OneExternalId { salesforce_id },
        Shared::Names(_) => Clash::NamesInARing,
        Shared::Name(_) if sides.accounts.len() > 1 => Clash::AccountsOfOneName,
        Shared::Name(_) => Clash::NameIsTaken {
            may_be_linked: sides.may_be_linked(),
        },
    }
}
