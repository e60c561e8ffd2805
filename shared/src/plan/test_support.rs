//! Accounts and organizations for the plan's tests.

use serde_json::json;

use super::Changes;
use crate::model::{Account, AccountId, Alliances, FieldValue, Fields, Organization};

/// The account id of a number.
pub(super) fn account_id(number: usize) -> AccountId {
    AccountId::parse(&format!("001A{number:011}")).unwrap()
}

/// An account in the Open track.
pub(super) fn account(number: usize, name: &str) -> Account {
    typed(number, name, "Open")
}

/// An account in a track.
pub(super) fn typed(number: usize, name: &str, track: &str) -> Account {
    let record = json!({
        "Account_ID_18__c": account_id(number),
        "Name": name,
        "Partner_Track__c": track,
        "Account_Owner_Calc__c": "Ada",
    });
    Account::from_record(record.as_object().unwrap(), &Alliances(Vec::new())).unwrap()
}

/// The organization an account must have, with fields changed.
pub(super) fn organization(id: u64, of: &Account, changed: &[(&str, FieldValue)]) -> Organization {
    let mut fields: Fields = of.fields.clone();
    for (key, value) in changed {
        fields.insert((*key).to_owned(), value.clone());
    }
    Organization {
        instance: "global".to_owned(),
        id,
        name: of.name.clone(),
        external_id: None,
        updated_at: "2026-01-01T00:00:00Z".to_owned(),
        organization_fields: fields,
    }
}

/// The organization under another name.
pub(super) fn named(mut organization: Organization, name: &str) -> Organization {
    name.clone_into(&mut organization.name);
    organization
}

/// Text as a field's value.
pub(super) fn text(text: impl Into<String>) -> FieldValue {
    FieldValue::Text(Some(text.into()))
}

/// How many entries each list of a comparison has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) creates: usize,
    pub(super) updates: usize,
    pub(super) unmarks: usize,
    pub(super) marks: usize,
    pub(super) skipped: usize,
    pub(super) protected: usize,
    pub(super) retained: usize,
    pub(super) conflicts: usize,
    pub(super) already_marked: usize,
}

/// Counts every list.
pub(super) fn tally(changes: &Changes) -> Tally {
    let Changes {
        creates,
        updates,
        marks,
        skipped,
        protected,
        retained,
        conflicts,
        already_marked,
    } = changes;
    Tally {
        creates: creates.len(),
        updates: updates.len(),
        unmarks: changes.unmarks(),
        marks: marks.len(),
        skipped: skipped.len(),
        protected: protected.len(),
        retained: retained.len(),
        conflicts: conflicts.len(),
        already_marked: already_marked.len(),
    }
}
