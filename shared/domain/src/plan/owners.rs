//! Which account an organization belongs to, among the accounts of a run.
//!
//! Source: contract, section 2, compare.

use super::pairs::Target;
use crate::model::{AccountId, FoldedId, FoldedIds, Organization};

/// The accounts that ids without case may mean. Empty unless an organization has such an id.
#[derive(Debug)]
pub(super) struct Owners(FoldedIds);

impl Owners {
    pub(super) fn new<'a>(target: &Target, accounts: impl Iterator<Item = &'a AccountId>) -> Self {
        let Target {
            partners,
            lookalikes,
        } = target;
        let is_folded = |organization: &Organization| {
            let text = organization.salesforce_id();
            text.is_some_and(|text| FoldedId::read(text).is_some())
        };
        let are_needed = partners.iter().chain(lookalikes).any(is_folded);
        Self(accounts.filter(|_| are_needed).cloned().collect())
    }

    /// The account of an organization; `None` if no account id can be read.
    pub(super) fn of(&self, organization: &Organization) -> Option<AccountId> {
        organization.account_id_among(&self.0)
    }
}
