//! What the comparison works with: accounts, organizations, and who belongs together.

use crate::model::{Account, AccountId, Organization};

/// The organizations of the instance that is written to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Those with a partner's account type.
    pub partners: Vec<Organization>,
    /// Others with an account's id or name, or a mark of ours. They are adopted, un-marked or in
    /// conflict, never marked.
    pub lookalikes: Vec<Organization>,
}

/// An account and its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partner<'a> {
    pub(super) id: &'a AccountId,
    pub(super) account: &'a Account,
}

impl Partner<'_> {
    /// False for an account whose track is neither Open nor Select. It is never created.
    pub(super) fn has_type(&self) -> bool {
        self.account.account_type().is_some()
    }
}

/// An account and the organization that belongs to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) partner: Partner<'a>,
    pub(super) organization: &'a Organization,
}
