//! Properties of the comparison over random worlds of few ids and names, so that clashes of every kind occur.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{Alliances, SALESFORCE_ID};

fn account_id(number: usize) -> AccountId {
    AccountId::parse(&format!("001A{number:011}")).unwrap()
}

fn text(text: impl Into<String>) -> FieldValue {
    FieldValue::Text(Some(text.into()))
}

prop_compose! {
    fn accounts()(entries in prop::collection::btree_map(0..12_usize, (0..10_usize, 0..3_usize, "[ab ]{0,2}"), 0..10)) -> Vec<Account> {
        entries.into_iter().map(|(number, (name, track, owner))| {
            let track = ["Open", "Select", "Services"][track];
            let record = json!({"Account_ID_18__c": account_id(number), "Name": format!("Name {name}"), "Partner_Track__c": track, "Account_Owner_Calc__c": owner});
            Account::from_record(record.as_object().unwrap(), &Alliances(Vec::new())).unwrap()
        }).collect()
    }
}

prop_compose! {
    fn organizations()(entries in prop::collection::btree_map(
        1..30_u64,
        (0..10_usize, 0..14_usize, any::<bool>(), 0..4_usize, any::<bool>(), any::<bool>(), "[ab ]{0,2}"),
        0..12,
    )) -> Vec<Organization> {
        entries.into_iter().map(|(id, (name, number, short, kind, marked, upper, owner))| {
            let account = account_id(number);
            let salesforce_id = match number { 12 => String::new(), 13 => "no id".to_owned(), _ if short => account.short().to_owned(), _ => account.to_string() };
            let name = format!("Name {name}");
            Organization {
                instance: "global".to_owned(), id, name: if upper { name.to_uppercase() } else { name }, external_id: None,
                updated_at: String::new(),
                organization_fields: BTreeMap::from([
                    (SALESFORCE_ID.to_owned(), text(salesforce_id)),
                    (ACCOUNT_TYPE.to_owned(), text(["open_partner", "select_partner", "alliance_partner", "customer"][kind])),
                    (MARK_FOR_DELETION.to_owned(), FieldValue::Flag(marked)),
                    ("account_owner".to_owned(), text(owner)),
                ]),
            }
        }).collect()
    }
}

fn rules() -> Rules {
    Rules { protected: BTreeSet::from([account_id(3)]), retention_years: 3, today: Date::constant(2026, 11, 23) }
}

fn plan(accounts: &[Account], organizations: &[Organization]) -> Changes {
    let (partners, lookalikes) = organizations.iter().cloned().partition(Organization::is_partner);
    diff(&Complete::for_tests(accounts.to_vec()), &Complete::for_tests(Target { partners, lookalikes }), &rules()).unwrap()
}

/// What Zendesk holds after a plan. Names must stay unique where they were.
fn apply(changes: &Changes, organizations: &[Organization]) -> Vec<Organization> {
    let mut after: BTreeMap<u64, Organization> = organizations.iter().map(|one| (one.id, one.clone())).collect();
    for update in &changes.updates {
        let organization = after.get_mut(&update.id).unwrap();
        for Change { field, old: _, new } in &update.changes {
            if field == "name" {
                new.as_text().unwrap().clone_into(&mut organization.name);
            } else {
                organization.organization_fields.insert(field.clone(), new.clone());
            }
        }
    }
    for mark in &changes.marks {
        after.get_mut(&mark.id).unwrap().organization_fields.insert(MARK_FOR_DELETION.to_owned(), FieldValue::Flag(true));
    }
    let first = after.keys().next_back().map_or(1, |last| last + 1);
    for (number, create) in (first..).zip(&changes.creates) {
        let organization = Organization {
            instance: "global".to_owned(),
            id: number,
            name: create.name.clone(),
            external_id: Some(create.salesforce_id.to_string()),
            updated_at: String::new(),
            organization_fields: create.fields.clone(),
        };
        after.insert(number, organization);
    }
    after.into_values().collect()
}

/// Applies plan after plan until nothing changes: a chain of renames frees one name a run.
fn settle(accounts: &[Account], organizations: &[Organization]) -> (Changes, Vec<Organization>) {
    let mut now = organizations.to_vec();
    for _ in 0..30 {
        let changes = plan(accounts, &now);
        if changes.creates.is_empty() && changes.updates.is_empty() && changes.marks.is_empty() {
            return (changes, now);
        }
        now = apply(&changes, &now);
    }
    panic!("the plans do not come to an end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn applying_the_plan_gives_the_accounts(accounts in accounts(), organizations in organizations()) {
        let (last, settled) = settle(&accounts, &organizations);
        let in_conflict: BTreeSet<_> = last.conflicts.iter().flat_map(|one| &one.accounts).filter_map(|party| party.salesforce_id.clone()).collect();
        for account in &accounts {
            let id = account.id().unwrap();
            let own: Vec<_> = settled.iter().filter(|one| one.account_id().as_ref() == Some(&id)).collect();
            if in_conflict.contains(id.as_str()) || (account.account_type().is_none() && own.is_empty()) {
                continue;
            }
            prop_assert_eq!(own.len(), 1);
            prop_assert_eq!(&own[0].name, &account.name);
            prop_assert!(!own[0].is_marked());
            for (key, value) in account.fields.iter().filter(|(key, value)| *key != ACCOUNT_TYPE || **value != FieldValue::UNSET) {
                prop_assert!(own[0].field(key).means(value), "{} of {}", key, id);
            }
        }
    }

    #[test]
    fn without_conflicts_a_plan_from_the_result_is_empty_at_once(accounts in accounts(), organizations in organizations()) {
        let changes = plan(&accounts, &organizations);
        if !changes.conflicts.is_empty() {
            return Ok(());
        }
        let again = plan(&accounts, &apply(&changes, &organizations));
        prop_assert!(again.creates.is_empty() && again.updates.is_empty() && again.marks.is_empty(), "{:?}", again);
    }

    #[test]
    fn the_order_of_the_inputs_does_not_matter(accounts in accounts(), organizations in organizations()) {
        let bytes = |changes: &Changes| serde_json::to_vec(changes).unwrap();
        let one = plan(&accounts, &organizations);
        let (mut turned, mut others) = (accounts, organizations);
        turned.reverse();
        others.reverse();
        prop_assert_eq!(bytes(&one), bytes(&plan(&turned, &others)));
    }

    #[test]
    fn no_account_is_created_twice_and_no_organization_of_an_account_is_marked(accounts in accounts(), organizations in organizations()) {
        let changes = plan(&accounts, &organizations);
        let ids: BTreeSet<_> = accounts.iter().map(|account| account.id().unwrap()).collect();
        for create in &changes.creates {
            prop_assert!(!organizations.iter().any(|one| one.account_id().as_ref() == Some(&create.salesforce_id)));
            prop_assert!(!organizations.iter().any(|one| name_key(&one.name) == name_key(&create.name)));
        }
        let names: BTreeSet<_> = changes.creates.iter().map(|create| name_key(&create.name)).collect();
        prop_assert_eq!(names.len(), changes.creates.len());
        for mark in &changes.marks {
            let organization = organizations.iter().find(|one| one.id == mark.id).unwrap();
            prop_assert!(organization.is_partner() && !organization.account_id().is_some_and(|id| ids.contains(&id)));
        }
        let twice = changes.updates.iter().map(|update| update.id).chain(changes.marks.iter().map(|mark| mark.id)).collect::<Vec<_>>();
        prop_assert_eq!(twice.iter().collect::<BTreeSet<_>>().len(), twice.len());
    }
}
