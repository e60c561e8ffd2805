//! Properties of the comparison over random worlds of few ids and names, so that clashes of every
//! kind occur.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::for_tests::{
    ACCOUNT_TYPE, MAPPING, MARK_FOR_DELETION, SALESFORCE_ID, account_id, key, owned, text,
};
use super::*;
use crate::model::Fields;

/// An account of the random world.
fn an_account(number: usize, name: usize, track: usize, owner: &str) -> Account {
    let track = ["Open", "Select", "Services"][track];
    owned(number, &format!("Name {name}"), track, owner)
}

/// What an organization of the random world is made from.
#[derive(Debug, Clone)]
struct Draft {
    name: usize,
    upper_case: bool,
    /// 12 stands for a blank Salesforce id, 13 for text that is no account id.
    account: usize,
    written: usize,
    /// 12 stands for none, 13 for an id of another system.
    external_id: usize,
    kind: usize,
    marked: bool,
    owner: String,
}

fn an_organization(id: u64, draft: &Draft) -> Organization {
    let account = account_id(draft.account);
    let salesforce_id = match draft.account {
        12 => String::new(),
        13 => "no id".to_owned(),
        _ => match draft.written {
            0 => account.short().to_owned(),
            1 => account.as_str().to_lowercase(),
            _ => account.to_string(),
        },
    };
    let external_id = match draft.external_id {
        12 => None,
        13 => Some("crm-17".to_owned()),
        number => Some(account_id(number).to_string()),
    };
    let name = format!("Name {}", draft.name);
    let kind = [
        "open_partner",
        "select_partner",
        "alliance_partner",
        "customer",
    ][draft.kind];
    Organization {
        instance: "global".into(),
        id,
        name: if draft.upper_case {
            name.to_uppercase().into()
        } else {
            name.into()
        },
        external_id: external_id.map(Into::into),
        updated_at: "".into(),
        organization_fields: Fields::from_iter([
            (SALESFORCE_ID, text(salesforce_id)),
            (ACCOUNT_TYPE, text(kind)),
            (MARK_FOR_DELETION, FieldValue::Flag(draft.marked)),
            ("account_owner", text(draft.owner.as_str())),
        ]),
    }
}

fn accounts() -> impl Strategy<Value = Vec<Account>> {
    let one = (0..10_usize, 0..3_usize, "[ab ]{0,2}");
    prop::collection::btree_map(0..12_usize, one, 0..10).prop_map(|all| {
        all.into_iter()
            .map(|(number, (name, track, owner))| an_account(number, name, track, &owner))
            .collect()
    })
}

prop_compose! {
    fn draft()(
        name in 0..10_usize,
        account in 0..14_usize,
        written in 0..4_usize,
        external_id in prop_oneof![3 => Just(12_usize), 1 => 0..14_usize],
        kind in 0..4_usize,
        marked in any::<bool>(),
        upper_case in any::<bool>(),
        owner in "[ab ]{0,2}",
    ) -> Draft {
        Draft { name, upper_case, account, written, external_id, kind, marked, owner }
    }
}

fn organizations() -> impl Strategy<Value = Vec<Organization>> {
    prop::collection::btree_map(1..30_u64, draft(), 0..12).prop_map(|all| {
        all.iter()
            .map(|(id, draft)| an_organization(*id, draft))
            .collect()
    })
}

fn rules() -> Rules<'static> {
    Rules {
        mapping: &MAPPING,
        protected: BTreeSet::from([account_id(3)]),
        named: BTreeSet::from([account_id(10)]),
        retention_years: 3,
        mark_after_hours: 0,
        now: "2026-11-23T06:00:00Z".parse().unwrap(),
    }
}

fn plan(accounts: &[Account], organizations: &[Organization]) -> Changes {
    let (partners, lookalikes) = organizations
        .iter()
        .cloned()
        .partition(|one| one.is_partner(&MAPPING));
    diff(
        &Complete::for_tests(accounts.to_vec()),
        &Complete::for_tests(Target {
            partners,
            lookalikes,
        }),
        &rules(),
        &Past::default(),
    )
    .unwrap()
}

/// What Zendesk holds after a plan. Names that were unique must stay unique.
fn apply(changes: &Changes, organizations: &[Organization]) -> Vec<Organization> {
    let mut after: BTreeMap<u64, Organization> = organizations
        .iter()
        .map(|one| (one.id, one.clone()))
        .collect();
    for update in &changes.entries.updates {
        let organization = after.get_mut(&update.id).unwrap();
        for Change { field, old: _, new } in &update.changes {
            if field == "name" {
                organization.name = new.as_text().unwrap().into();
            } else {
                organization
                    .organization_fields
                    .set(key(field), new.clone());
            }
        }
    }
    for mark in &changes.entries.marks {
        after
            .get_mut(&mark.id)
            .unwrap()
            .organization_fields
            .set(key(MARK_FOR_DELETION), FieldValue::Flag(true));
    }
    let first = after.keys().next_back().map_or(1, |last| last + 1);
    for (number, create) in (first..).zip(&changes.entries.creates) {
        let organization = Organization {
            instance: "global".into(),
            id: number,
            name: create.name.as_str().into(),
            external_id: Some(create.salesforce_id.as_str().into()),
            updated_at: "".into(),
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
        if is_empty(&changes) {
            return (changes, now);
        }
        now = apply(&changes, &now);
    }
    panic!("the plans do not come to an end");
}

/// Every account without a conflict has exactly one organization, equal in every field.
fn assert_equal_except_for_conflicts(
    accounts: &[Account],
    last: &Changes,
    settled: &[Organization],
) -> Result<(), TestCaseError> {
    let in_conflict: BTreeSet<_> = last
        .found
        .conflicts
        .iter()
        .flat_map(|conflict| &conflict.accounts)
        .filter_map(|party| party.salesforce_id.clone())
        .collect();
    prop_assert_eq!(&last.found.deferred, &[]);
    for account in accounts {
        let id = account.id().unwrap();
        let own: Vec<_> = settled
            .iter()
            .filter(|organization| organization.account_id().as_ref() == Some(&id))
            .collect();
        let never_created = account.account_type().is_none() && own.is_empty();
        if in_conflict.contains(id.as_str()) || never_created {
            continue;
        }
        prop_assert_eq!(own.len(), 1);
        prop_assert_eq!(&own[0].name, &account.name);
        prop_assert!(!own[0].is_marked());
        for (key, value) in account.fields.iter() {
            if key.name() == ACCOUNT_TYPE && *value == FieldValue::UNSET {
                continue;
            }
            prop_assert!(own[0].field(key).means(value), "{} of {}", key, id);
        }
    }
    Ok(())
}

fn is_empty(changes: &Changes) -> bool {
    changes.entries.creates.is_empty()
        && changes.entries.updates.is_empty()
        && changes.entries.marks.is_empty()
}

fn assert_creates_are_new(
    changes: &Changes,
    organizations: &[Organization],
) -> Result<(), TestCaseError> {
    let mut names = BTreeSet::new();
    for create in &changes.entries.creates {
        let name = name_key(&create.name);
        for organization in organizations {
            prop_assert!(organization.account_id().as_ref() != Some(&create.salesforce_id));
            let outside = organization.external_id.as_deref();
            let outside = outside.and_then(AccountId::of_external_id);
            prop_assert!(outside.as_ref() != Some(&create.salesforce_id));
            prop_assert!(name_key(&organization.name) != name);
        }
        prop_assert!(names.insert(name), "one name is created twice");
    }
    Ok(())
}

fn assert_marks_are_abandoned(
    changes: &Changes,
    accounts: &[Account],
    organizations: &[Organization],
) -> Result<(), TestCaseError> {
    let ids: BTreeSet<_> = accounts
        .iter()
        .map(|account| account.id().unwrap())
        .collect();
    for mark in &changes.entries.marks {
        let organization = organizations
            .iter()
            .find(|organization| organization.id == mark.id)
            .unwrap();
        prop_assert!(organization.is_partner(&MAPPING));
        let account = organization.account_id();
        prop_assert!(account.is_some_and(|id| !ids.contains(&id) && !is_protected(&id)));
    }
    Ok(())
}

fn is_protected(id: &AccountId) -> bool {
    let Rules {
        protected, named, ..
    } = rules();
    protected.contains(id) || named.contains(id)
}

fn assert_no_protected_partner_stays_marked(
    changes: &Changes,
    organizations: &[Organization],
) -> Result<(), TestCaseError> {
    for organization in apply(changes, organizations) {
        let account = organization.account_id();
        if organization.is_partner(&MAPPING) && account.is_some_and(|id| is_protected(&id)) {
            prop_assert!(
                !organization.is_marked(),
                "{} stays marked",
                organization.id
            );
        }
    }
    Ok(())
}

fn assert_no_organization_is_planned_twice(changes: &Changes) -> Result<(), TestCaseError> {
    let mut planned = BTreeSet::new();
    let updates = changes.entries.updates.iter().map(|update| update.id);
    for id in updates.chain(changes.entries.marks.iter().map(|mark| mark.id)) {
        prop_assert!(planned.insert(id), "organization {} is planned twice", id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn applying_the_plan_gives_the_accounts(
        accounts in accounts(),
        organizations in organizations(),
    ) {
        let (last, settled) = settle(&accounts, &organizations);
        assert_equal_except_for_conflicts(&accounts, &last, &settled)?;
    }

    #[test]
    fn without_conflicts_a_plan_from_the_result_is_empty_at_once(
        accounts in accounts(),
        organizations in organizations(),
    ) {
        let changes = plan(&accounts, &organizations);
        if !changes.found.conflicts.is_empty() || !changes.found.deferred.is_empty() {
            return Ok(());
        }
        let again = plan(&accounts, &apply(&changes, &organizations));
        prop_assert!(is_empty(&again), "{:?}", again);
    }

    #[test]
    fn the_order_of_the_inputs_does_not_matter(
        accounts in accounts(),
        organizations in organizations(),
    ) {
        let bytes = |changes: &Changes| serde_json::to_vec(changes).unwrap();
        let one = plan(&accounts, &organizations);
        let mut turned_accounts = accounts;
        turned_accounts.reverse();
        let mut turned_organizations = organizations;
        turned_organizations.reverse();
        let other = plan(&turned_accounts, &turned_organizations);
        prop_assert_eq!(bytes(&one), bytes(&other));
    }

    #[test]
    fn nobody_is_created_twice_or_marked_with_an_account_or_left_marked_though_protected(
        accounts in accounts(),
        organizations in organizations(),
    ) {
        let changes = plan(&accounts, &organizations);
        assert_creates_are_new(&changes, &organizations)?;
        assert_marks_are_abandoned(&changes, &accounts, &organizations)?;
        assert_no_protected_partner_stays_marked(&changes, &organizations)?;
        assert_no_organization_is_planned_twice(&changes)?;
    }
}
