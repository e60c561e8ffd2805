//! What is known of earlier runs and of missing accounts, as the comparison needs it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::Evidence;
use crate::model::{
    AccountId, Fate, FieldValue, Former, Formers, MARK_FOR_DELETION, Memory, Organization, OwnMark,
    Written,
};

/// How long nobody may have looked while clocks run, at least.
const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(6);

/// What a comparison knows of earlier runs.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Since when nothing but time has kept an organization from being marked.
    clocks: BTreeMap<(u64, AccountId), Timestamp>,
    /// Marks that may be this pipeline's.
    marks: BTreeMap<u64, OwnMark>,
    /// What the last run wrote, by organization and field.
    written: BTreeMap<(u64, String), Written>,
    /// What Salesforce says in this run.
    answers: BTreeMap<AccountId, Fate>,
    /// What it said once, and forgets: deleted, merged.
    remembered: BTreeMap<AccountId, Fate>,
    /// The accounts that this run has asked about, answered or not.
    asked: BTreeSet<AccountId>,
}

impl Past {
    /// The past of a run that starts at this moment, from the memory and from Salesforce's answer
    /// about former accounts.
    pub fn new(
        memory: Option<&Memory>,
        formers: &Formers,
        mark_after_hours: u32,
        now: Timestamp,
    ) -> Self {
        let mut past = memory.map_or_else(Self::default, Self::remembered);
        if memory.is_some_and(|memory| is_gap(memory.watched_at(), mark_after_hours, now)) {
            past.clocks.clear();
        }
        for Former {
            salesforce_id,
            fate,
        } in &formers.former
        {
            past.answers.insert(salesforce_id.clone(), fate.clone());
        }
        past
    }

    /// The past as the memory has it.
    pub(super) fn remembered(memory: &Memory) -> Self {
        let Memory {
            header: _,
            absent,
            marked,
            held: _,
            written,
            started_at: _,
            lost: _,
            lost_untold: _,
            mapping: _,
            watched_at: _,
        } = memory;
        let mut past = Self::default();
        for one in absent {
            past.asked.insert(one.salesforce_id.clone());
            if let Some(since) = one.since {
                let key = (one.id, one.salesforce_id.clone());
                past.clocks.insert(key, since);
            }
            if let Some(fate) = &one.fate {
                past.remembered
                    .insert(one.salesforce_id.clone(), fate.clone());
            }
        }
        for one in marked {
            past.asked.insert(one.salesforce_id.clone());
            past.marks.insert(one.id, one.clone());
        }
        for one in written {
            let key = (one.id, one.field.clone());
            past.written.insert(key, one.clone());
        }
        past
    }

    /// The clock of an organization; `None` if it did not run.
    pub(super) fn clock(&self, organization: u64, account: &AccountId) -> Option<Timestamp> {
        let key = (organization, account.clone());
        self.clocks.get(&key).copied()
    }

    /// What became of an account; `None` if nobody says. What Salesforce shows now counts before
    /// what it showed once; what it does not show any more is what it was.
    pub(super) fn fate(&self, account: &AccountId) -> Option<&Fate> {
        let answer = self.answers.get(account);
        let shown = answer.filter(|fate| **fate != Fate::NotVisible);
        shown.or_else(|| self.remembered.get(account)).or(answer)
    }

    /// What is known of a missing account.
    pub(super) fn evidence(&self, account: &AccountId) -> Evidence {
        match self.fate(account).map(Evidence::try_from) {
            Some(Ok(evidence)) => evidence,
            Some(Err(())) | None if self.asked.contains(account) => Evidence::NoAnswer,
            Some(Err(())) | None => Evidence::NotAsked,
        }
    }

    /// The accounts that were merged into this one.
    pub(super) fn merged_into(&self, survivor: &AccountId) -> Vec<&AccountId> {
        let known = self.answers.keys().chain(self.remembered.keys());
        let accounts: BTreeSet<&AccountId> = known.collect();
        let merged = accounts.into_iter().filter(
            |account| matches!(self.fate(account), Some(Fate::Merged { into }) if into == survivor),
        );
        merged.collect()
    }

    /// The account of an organization that still carries a mark of ours. One that is perhaps ours
    /// is not.
    pub(super) fn account_of_own_mark(&self, organization: &Organization) -> Option<&AccountId> {
        let own = self.marks.get(&organization.id)?;
        (organization.is_marked() && !own.perhaps).then_some(&own.salesforce_id)
    }

    /// True if a person approved the mark.
    pub(super) fn is_approved(&self, organization: u64) -> bool {
        self.marks
            .get(&organization)
            .is_some_and(|one| one.approved)
    }

    /// In how many runs in a row, the last run included, this value was written.
    pub(super) fn times_written(&self, id: u64, field: &str, value: &FieldValue) -> Option<u32> {
        let written = self.written.get(&(id, field.to_owned()))?;
        (written.value_sha256 == Written::digest(value)).then_some(written.runs)
    }

    /// As [`Past::times_written`], for a mark.
    pub(super) fn times_marked(&self, id: u64) -> Option<u32> {
        self.times_written(id, MARK_FOR_DELETION.name(), &FieldValue::Flag(true))
    }
}

/// True if nobody looked for so long that no clock counts.
fn is_gap(watched_at: Timestamp, mark_after_hours: u32, now: Timestamp) -> bool {
    let half = SignedDuration::from_mins(i64::from(mark_after_hours) * 30);
    now.duration_since(watched_at) > half.max(LONGEST_GAP)
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
