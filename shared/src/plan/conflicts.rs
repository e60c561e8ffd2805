//! Clashes, each reported once, and what to leave alone because of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Conflict, Party};
use crate::model::{Account, AccountId, Organization};

/// What two records share that only one may have. The order is the report's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shared {
    /// One Salesforce id on several organizations.
    Id(AccountId),
    /// One text on several organizations where a Salesforce id should be.
    Text(String),
    /// One name (as a name key).
    Name(String),
}

/// The clashes found so far.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    found: BTreeMap<Shared, (BTreeSet<Party>, BTreeSet<Party>)>,
    left_alone: BTreeSet<u64>,
}

impl Conflicts {
    /// Adds the parties of a clash; the same clash is one conflict however often it is met.
    pub(super) fn add<'a>(
        &mut self,
        shared: Shared,
        account: Option<(&AccountId, &Account)>,
        organizations: impl IntoIterator<Item = &'a Organization>,
    ) {
        let (accounts, others) = self.found.entry(shared).or_default();
        accounts.extend(account.map(|(id, account)| Party {
            id: None,
            salesforce_id: Some(id.to_string()),
            name: account.name.clone(),
            account_type: account.account_type().map(str::to_owned),
            marked: false,
        }));
        for organization in organizations {
            self.left_alone.insert(organization.id);
            others.insert(Party {
                id: Some(organization.id),
                salesforce_id: organization.salesforce_id().map(str::to_owned),
                name: organization.name.clone(),
                account_type: organization
                    .field(crate::model::ACCOUNT_TYPE)
                    .as_text()
                    .map(str::to_owned),
                marked: organization.is_marked(),
            });
        }
    }

    /// True if a clash keeps the organization from being marked.
    pub(super) fn leaves_alone(&self, organization: &Organization) -> bool {
        self.left_alone.contains(&organization.id)
    }

    /// The conflicts for the plan.
    pub(super) fn into_list(self) -> Vec<Conflict> {
        let reason = |shared: &Shared,
                      accounts: &BTreeSet<Party>,
                      organizations: &BTreeSet<Party>| {
            match shared {
                Shared::Id(id) => {
                    format!(
                        "{} organizations have the Salesforce id {id}; merge them or correct the \
                         id of all but one",
                        organizations.len()
                    )
                }
                Shared::Text(_) => format!(
                    "{} organizations have the same Salesforce id, which is no \
                                        account id; correct it",
                    organizations.len()
                ),
                Shared::Name(_) if accounts.len() > 1 => {
                    format!(
                        "{} accounts want one name, and Zendesk allows it once; rename all but one \
                         in Salesforce",
                        accounts.len()
                    )
                }
                Shared::Name(_) => {
                    "the name is taken; rename one of them, or give the organization \
                                the account's Salesforce id"
                        .to_owned()
                }
            }
        };
        self.found
            .into_iter()
            .map(|(shared, (accounts, organizations))| Conflict {
                reason: reason(&shared, &accounts, &organizations),
                accounts: accounts.into_iter().collect(),
                organizations: organizations.into_iter().collect(),
            })
            .collect()
    }
}
