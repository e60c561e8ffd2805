//! What is known of earlier runs and of missing accounts, as the comparison needs it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{
    AccountId, Fate, FieldValue, Former, MARK_FOR_DELETION, Memory, Organization, Written,
};

/// What a comparison knows of earlier runs.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Since when an organization's account has been missing.
    clocks: BTreeMap<(u64, AccountId), Timestamp>,
    /// Organizations this pipeline has marked, and the account of each.
    own_marks: BTreeMap<u64, AccountId>,
    /// What the last run wrote, by organization and field.
    written: BTreeMap<(u64, String), Written>,
    fates: BTreeMap<AccountId, Fate>,
}

impl Past {
    /// The past, from the memory and from Salesforce's answer about former accounts.
    pub fn new(memory: Option<&Memory>, former: &[Former]) -> Self {
        let mut past = Self::default();
        for Former {
            salesforce_id,
            fate,
        } in former
        {
            past.fates.insert(salesforce_id.clone(), fate.clone());
        }
        let Some(memory) = memory else {
            return past;
        };
        let Memory {
            header: _,
            absent,
            marked,
            held: _,
            written,
            started_at: _,
            lost: _,
        } = memory;
        for one in absent {
            let key = (one.id, one.salesforce_id.clone());
            past.clocks.insert(key, one.since);
        }
        for one in marked {
            past.own_marks.insert(one.id, one.salesforce_id.clone());
        }
        for one in written {
            let key = (one.id, one.field.clone());
            past.written.insert(key, one.clone());
        }
        past
    }

    /// Since when the organization's account has been missing; `None` if it was there in the last
    /// complete run, or is back by now.
    pub(super) fn missing_since(
        &self,
        organization: u64,
        account: &AccountId,
    ) -> Option<Timestamp> {
        if self.fate(account).is_some_and(Fate::is_authorised) {
            return None;
        }
        let key = (organization, account.clone());
        self.clocks.get(&key).copied()
    }

    /// What Salesforce says became of an account; `None` if it was not asked.
    pub(super) fn fate(&self, account: &AccountId) -> Option<&Fate> {
        self.fates.get(account)
    }

    /// The account of an organization that still carries a mark of ours.
    pub(super) fn account_of_own_mark(&self, organization: &Organization) -> Option<&AccountId> {
        let own = self.own_marks.get(&organization.id);
        own.filter(|_| organization.is_marked())
    }

    /// In how many runs in a row, the last run included, this value was written.
    pub(super) fn times_written(&self, id: u64, field: &str, value: &FieldValue) -> Option<u32> {
        let written = self.written.get(&(id, field.to_owned()))?;
        (written.value_sha256 == Written::digest(value)).then_some(written.runs)
    }

    /// As [`Past::times_written`], for a mark.
    pub(super) fn times_marked(&self, id: u64) -> Option<u32> {
        self.times_written(id, MARK_FOR_DELETION, &FieldValue::Flag(true))
    }
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
