//! Accounts and organizations for the plan's tests.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Changes, Comparison, Entries, Evidence, Found, Inputs, Limit, Limits, Listed, Lists, Mark,
    Planned, Settings,
};
pub(super) use crate::model::partner::for_tests::{MAPPING, PURGE};
use crate::model::{
    Account, AccountId, Category, Claim, Complete, Fate, FieldValue, Fields, Former, Formers,
    Header, HeldKeys, Instance, Key, Memory, Mode, Organization, Organizations, Reference,
    RunUsage, Values, Week,
};

// The names of the keys with a role.
pub(super) const SALESFORCE_ID: &str = "salesforce_id";
pub(super) const ACCOUNT_TYPE: &str = "account_type";
pub(super) const MARK_FOR_DELETION: &str = "mark_for_deletion";
pub(super) const IGNORE_DELETION: &str = "ignore_deletion";
pub(super) const EXPIRATION_DATE: &str = "expiration_date";

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
    owned(number, name, track, "Ada")
}

/// An account in a track, with an owner. Its other fields are null.
pub(super) fn owned(number: usize, name: &str, track: &str, owner: &str) -> Account {
    let mut record: Map<String, Value> = MAPPING
        .columns()
        .into_iter()
        .filter_map(|column| column.split('.').next())
        .map(|field| (field.to_owned(), Value::Null))
        .collect();
    record.insert("Account_ID_18__c".to_owned(), json!(account_id(number)));
    record.insert("Name".to_owned(), json!(name));
    record.insert("Partner_Track__c".to_owned(), json!(track));
    record.insert("Account_Owner_Calc__c".to_owned(), json!(owner));
    Account::from_record(&record, &MAPPING).unwrap()
}

/// The account, with a lookup that leads to a record nobody may see.
pub(super) fn unseen(mut account: Account) -> Account {
    let seen = account.fields.iter();
    let seen = seen.map(|(key, value)| (key.name(), value.clone()));
    let seen = seen.filter(|(key, _)| *key != "solutions_architect");
    account.fields = seen.collect();
    account
}

/// The organization an account must have, with fields changed.
pub(super) fn organization(id: u64, of: &Account, changed: &[(&str, FieldValue)]) -> Organization {
    let mut fields: Fields = of.fields.clone();
    for (name, value) in changed {
        fields.set(key(name), value.clone());
    }
    Organization {
        instance: "global".into(),
        id,
        name: of.name.as_str().into(),
        external_id: None,
        updated_at: "2026-01-01T00:00:00Z".into(),
        organization_fields: fields,
    }
}

/// The key of a name.
pub(super) fn key(name: &str) -> Key {
    Key::of(name).unwrap()
}

/// The organization under another name.
pub(super) fn named(mut organization: Organization, name: &str) -> Organization {
    organization.name = name.into();
    organization
}

pub(super) fn text(text: impl AsRef<str>) -> FieldValue {
    FieldValue::Text(Some(text.as_ref().into()))
}

/// A Monday morning.
pub(super) fn now() -> Timestamp {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

/// What Salesforce says of the accounts of these numbers.
pub(super) fn formers(fates: &[(usize, Fate)]) -> Formers {
    let former = |(number, fate): &(usize, Fate)| Former {
        salesforce_id: account_id(*number),
        fate: fate.clone(),
    };
    Formers {
        former: fates.iter().map(former).collect(),
        former_error: None,
    }
}

/// A partner's account that was terminated.
pub(super) fn terminated() -> Fate {
    with_status("Terminated")
}

/// A partner's account with this status.
pub(super) fn with_status(status: &str) -> Fate {
    Fate::AuthorisedNoMore {
        values: values(&[
            ("type", Some("Partner")),
            ("status", Some(status)),
            ("track", Some("Open")),
        ]),
        last_changed: None,
    }
}

/// What the filter looks at.
pub(super) fn values(values: &[(&str, Option<&str>)]) -> Values {
    let owned =
        |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
    Values(values.iter().map(owned).collect())
}

/// The mark of an organization, by the evidence of a deleted account.
pub(super) fn a_mark(id: u64) -> Mark {
    Mark {
        id,
        salesforce_id: None,
        name: "x".to_owned(),
        category: Category::Marks,
        updated_at: String::new(),
        exempt: false,
        reason: Evidence::Deleted,
    }
}

/// A memory that knows nothing.
pub(super) fn memory() -> Memory {
    Memory {
        header: Header::new("before", now(), 0),
        absent: Vec::new(),
        marked: Vec::new(),
        held: HeldKeys::new(),
        written: Vec::new(),
        started_at: Timestamp::UNIX_EPOCH,
        lost: None,
        lost_untold: false,
        mapping: None,
        watched_at: None,
    }
}

/// An instance that was read in full.
pub(super) fn instance(name: &str) -> Instance {
    Instance {
        name: name.to_owned(),
        host: String::new(),
        organizations_scanned: 0,
        partner_organizations: 0,
        pages: 1,
        seconds: 0.0,
        complete: true,
        error: None,
    }
}

/// A complete read of the target.
pub(super) fn gathered(organizations: Vec<Organization>) -> Complete<Organizations> {
    let (partners, lookalikes): (Vec<_>, Vec<_>) = organizations
        .into_iter()
        .partition(|one| one.is_partner(&MAPPING));
    let document = Organizations {
        header: Header::new("r", Timestamp::UNIX_EPOCH, partners.len()),
        organizations: partners,
        lookalikes,
        instances: vec![instance("global")],
    };
    document.into_complete("r", "global").unwrap()
}

/// What a plan without a past is made from. Its limits are 0: nothing goes without an approval.
pub(super) fn inputs(now: Timestamp, mark_after_hours: u32) -> Inputs {
    let none = Limit {
        number: 0,
        percent: 0,
    };
    Inputs {
        accounts: reference(),
        organizations: reference(),
        started_at: now,
        settings: Settings {
            protected: BTreeSet::new(),
            named: BTreeSet::new(),
            retention_years: 3,
            mark_after_hours,
            quiet_hours: 0,
            limits: Limits {
                creates: none,
                updates: none,
                marks: none,
                min_accounts_percent: 0,
            },
        },
        approve: Vec::new(),
        claim: Claim::default(),
        last_good: None,
        week: Week::default(),
        memory: None,
        memory_lost: None,
        state_machine: None,
        salesforce_host: String::new(),
    }
}

fn reference() -> Reference {
    Reference {
        bucket: String::new(),
        key: String::new(),
        sha256: String::new(),
        count: 0,
    }
}

pub(super) fn lists() -> Lists {
    let listed = Listed {
        reference: reference(),
        digest: String::new(),
    };
    Lists {
        creates: listed.clone(),
        updates: listed.clone(),
        not_in_sync: listed,
    }
}

/// A plan of one mark, which is held or not.
pub(super) fn planned(mode: Mode, is_held: bool) -> Planned {
    let mut inputs = inputs(now(), 0);
    inputs.settings.limits.marks.number = usize::from(!is_held);
    let partner = account(2, "Here");
    let own = organization(2, &partner, &[]);
    let gone = organization(1, &account(1, "Gone"), &[]);
    let accounts = Complete::for_tests(vec![partner]);
    let organizations = gathered(vec![gone, own]);
    let comparison = Comparison::of(
        &accounts,
        &Formers::default(),
        organizations,
        &inputs,
        &MAPPING,
        None,
    );
    let header = Header::new("r", now(), 1);
    let usage = RunUsage::default();
    comparison
        .unwrap()
        .plan(header, mode, lists(), inputs, usage)
}

/// How many entries each list of a comparison has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) creates: usize,
    pub(super) updates: usize,
    pub(super) unmarks: usize,
    pub(super) marks: usize,
    pub(super) unexplained: usize,
    pub(super) skipped: usize,
    pub(super) protected: usize,
    pub(super) retained: usize,
    pub(super) waiting: usize,
    pub(super) unlinked: usize,
    pub(super) merged: usize,
    pub(super) deferred: usize,
    pub(super) conflicts: usize,
    pub(super) already_marked: usize,
    pub(super) exempt: usize,
    pub(super) repeated: usize,
}

pub(super) fn tally(changes: &Changes) -> Tally {
    let Changes {
        entries,
        found,
        linked: _,
    } = changes;
    let Entries {
        creates,
        updates,
        marks: _,
    } = entries;
    let Found {
        skipped,
        protected,
        retained,
        merged,
        waiting,
        unlinked,
        deferred,
        conflicts,
        already_marked,
        exempt,
        taken_back: _,
        absent: _,
        own_marks: _,
        repeated,
    } = found;
    Tally {
        creates: creates.len(),
        updates: updates.len(),
        unmarks: entries.unmarks(),
        marks: entries.marks_of(Category::Marks).count(),
        unexplained: entries.marks_of(Category::Unexplained).count(),
        skipped: skipped.len(),
        protected: protected.len(),
        retained: retained.len(),
        waiting: waiting.len(),
        unlinked: unlinked.len(),
        merged: merged.len(),
        deferred: deferred.len(),
        conflicts: conflicts.len(),
        already_marked: already_marked.len(),
        exempt: exempt.len(),
        repeated: repeated.len(),
    }
}
