use serde_json::json;

use super::*;
use crate::model::Alliances;
use crate::plan::Conflict;

fn id(number: usize) -> AccountId {
    AccountId::parse(&format!("001A{number:011}")).unwrap()
}

fn account(number: usize, name: &str) -> Account {
    typed(number, name, "Open")
}

fn typed(number: usize, name: &str, track: &str) -> Account {
    let record = json!({
        "Account_ID_18__c": id(number), "Name": name, "Partner_Track__c": track,
        "Account_Owner_Calc__c": "Ada",
    });
    Account::from_record(record.as_object().unwrap(), &Alliances(Vec::new())).unwrap()
}

/// The organization an account must have, with fields changed.
fn organization(
    organization_id: u64,
    of: &Account,
    changed: &[(&str, FieldValue)],
) -> Organization {
    let mut fields = of.fields.clone();
    fields.extend(
        changed
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone())),
    );
    Organization {
        instance: "global".to_owned(),
        id: organization_id,
        name: of.name.clone(),
        external_id: None,
        updated_at: "2026-01-01T00:00:00Z".to_owned(),
        organization_fields: fields,
    }
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(Some(text.to_owned()))
}

fn rules() -> Rules {
    Rules {
        protected: BTreeSet::new(),
        retention_years: 3,
        today: Date::constant(2026, 11, 23),
    }
}

fn compare_with(accounts: &[Account], organizations: Vec<Organization>, rules: &Rules) -> Changes {
    let (partners, lookalikes) = organizations
        .into_iter()
        .partition(Organization::is_partner);
    diff(
        &Complete::for_tests(accounts.to_vec()),
        &Complete::for_tests(Target {
            partners,
            lookalikes,
        }),
        rules,
    )
    .unwrap()
}

fn compare(accounts: &[Account], organizations: Vec<Organization>) -> Changes {
    compare_with(accounts, organizations, &rules())
}

fn marked(organization: Organization) -> Organization {
    with(organization, MARK_FOR_DELETION, FieldValue::Flag(true))
}

fn with(mut organization: Organization, key: &str, value: FieldValue) -> Organization {
    organization
        .organization_fields
        .insert(key.to_owned(), value);
    organization
}

fn named(mut organization: Organization, name: &str) -> Organization {
    name.clone_into(&mut organization.name);
    organization
}

fn nothing() -> Changes {
    Changes::default()
}

#[test]
fn equal_systems_need_nothing() {
    let acme = account(1, "Acme");
    let blank = organization(
        9,
        &acme,
        &[
            ("support_hold", FieldValue::UNSET),
            ("solutions_architect", text(" ")),
            ("account_owner", text(" Ada ")),
        ],
    );
    assert_eq!(compare(&[acme], vec![blank]), nothing());
}

#[test]
fn an_account_without_organization_is_created_with_every_field() {
    let acme = account(1, "Acme");
    let changes = compare(std::slice::from_ref(&acme), Vec::new());
    assert_eq!(
        changes.creates,
        [Create {
            salesforce_id: id(1),
            name: "Acme".to_owned(),
            fields: acme.fields
        }]
    );
}

#[test]
fn an_update_names_only_the_changed_fields_with_both_values() {
    let acme = account(1, "Acme");
    let other = named(
        organization(9, &acme, &[("account_owner", text("Grace"))]),
        "Acme Old",
    );
    let changes = compare(&[acme], vec![other]);
    let entry = |field: &str, old, new| Change {
        field: field.to_owned(),
        old,
        new,
    };
    assert_eq!(
        changes.updates[0].changes,
        [
            entry("name", text("Acme Old"), text("Acme")),
            entry("account_owner", text("Grace"), text("Ada"))
        ]
    );
    assert_eq!(
        (
            changes.updates.len(),
            changes.marks.len(),
            changes.creates.len()
        ),
        (1, 0, 0)
    );
}

#[test]
fn an_account_that_is_back_is_unmarked() {
    let acme = account(1, "Acme");
    let changes = compare(
        std::slice::from_ref(&acme),
        vec![marked(organization(9, &acme, &[]))],
    );
    assert_eq!(changes.unmarks(), 1);
    assert_eq!(
        changes.updates[0].changes,
        [Change {
            field: MARK_FOR_DELETION.to_owned(),
            old: FieldValue::Flag(true),
            new: FieldValue::Flag(false)
        }]
    );
}

#[test]
fn a_partner_without_account_is_marked_once() {
    let gone = account(1, "Gone");
    let changes = compare(
        &[],
        vec![
            organization(9, &gone, &[]),
            marked(organization(8, &account(2, "Marked"), &[])),
        ],
    );
    assert_eq!(
        changes.marks.iter().map(|mark| mark.id).collect::<Vec<_>>(),
        [9]
    );
    assert_eq!(changes.already_marked.len(), 1);
}

#[test]
fn a_protected_id_is_never_marked() {
    let gone = account(1, "Gone");
    let rules = Rules {
        protected: BTreeSet::from([id(1)]),
        ..rules()
    };
    let short = organization(
        9,
        &gone,
        &[(crate::model::SALESFORCE_ID, text(id(1).short()))],
    );
    let changes = compare_with(&[], vec![short], &rules);
    assert_eq!((changes.marks.len(), changes.protected.len()), (0, 1));
}

#[test]
fn retention_ends_the_day_after_the_anniversary() {
    let gone = account(1, "Gone");
    let kept = |date: &str| {
        let changes = compare(
            &[],
            vec![organization(9, &gone, &[(EXPIRATION_DATE, text(date))])],
        );
        assert_eq!(changes.marks.len() + changes.retained.len(), 1, "{date}");
        changes
            .retained
            .first()
            .map(|retained| retained.eligible_from.map(|date| date.to_string()))
    };
    let from = |date: &str| Some(Some(date.to_owned()));
    assert_eq!(kept("2023-11-22"), None);
    assert_eq!(
        kept("2023-11-23"),
        from("2026-11-24"),
        "exactly three years are not more than three"
    );
    assert_eq!(kept("2024-02-29"), from("2027-03-01"));
    assert_eq!(kept("2030-01-01"), from("2033-01-02"));
    assert_eq!(kept(" 2025-06-30 "), from("2028-07-01"));
    assert_eq!(kept("2025-06-30T00:00:00+00:00"), from("2028-07-01"));
    assert_eq!(kept(""), None);
    for unreadable in [
        "June 2025",
        "2025-13-01",
        "2025-6-1",
        "25-06-01",
        "2025-06-30-1",
        "9999999-01-01",
    ] {
        assert_eq!(kept(unreadable), Some(None), "{unreadable}");
    }
    assert_eq!(
        kept("9999-12-31").map(|date| date.is_some()),
        Some(true),
        "the end of time does not overflow"
    );
}

#[test]
fn a_lookalike_with_the_id_is_adopted_never_doubled() {
    let acme = account(1, "Acme");
    let customer = organization(
        9,
        &acme,
        &[
            (ACCOUNT_TYPE, text("customer")),
            ("account_owner", FieldValue::UNSET),
        ],
    );
    let changes = compare(&[acme], vec![customer]);
    assert!(changes.creates.is_empty() && changes.conflicts.is_empty());
    let fields: Vec<_> = changes.updates[0]
        .changes
        .iter()
        .map(|change| change.field.as_str())
        .collect();
    assert_eq!(fields, ["account_owner", "account_type"]);
}

#[test]
fn a_blank_id_and_exactly_the_name_is_adopted() {
    let acme = account(1, "Acme");
    let blank = |name: &str| {
        named(
            organization(
                9,
                &account(1, "Acme"),
                &[(crate::model::SALESFORCE_ID, text(" "))],
            ),
            name,
        )
    };
    let changes = compare(std::slice::from_ref(&acme), vec![blank(" Acme ")]);
    assert_eq!(
        (
            changes.updates.len(),
            changes.creates.len(),
            changes.marks.len(),
            changes.conflicts.len()
        ),
        (1, 0, 0, 0)
    );
    let close = compare(&[acme], vec![blank("ACME")]);
    assert_eq!(
        (
            close.updates.len(),
            close.creates.len(),
            close.marks.len(),
            close.conflicts.len()
        ),
        (0, 0, 0, 1),
        "not exactly the name"
    );
}

#[test]
fn a_short_id_matches_and_is_rewritten() {
    let acme = account(1, "Acme");
    let short = organization(
        9,
        &acme,
        &[(crate::model::SALESFORCE_ID, text(id(1).short()))],
    );
    let changes = compare(&[acme], vec![short]);
    assert_eq!(
        changes.updates[0].changes,
        [Change {
            field: "salesforce_id".to_owned(),
            old: text(id(1).short()),
            new: text(id(1).as_str())
        }]
    );
}

fn ids(parties: &[super::super::Party]) -> Vec<Option<u64>> {
    parties.iter().map(|party| party.id).collect()
}

#[test]
fn two_organizations_with_one_id_are_left_alone_with_and_without_account() {
    let acme = account(1, "Acme");
    let two = || {
        vec![
            organization(8, &account(1, "Acme"), &[]),
            named(
                organization(9, &account(1, "Acme"), &[("account_owner", text("X"))]),
                "Acme 2",
            ),
        ]
    };
    for accounts in [vec![acme], Vec::new()] {
        let changes = compare(&accounts, two());
        let Conflict {
            accounts: sides,
            organizations,
            ..
        } = &changes.conflicts[0];
        assert_eq!(
            (sides.len(), ids(organizations)),
            (accounts.len(), vec![Some(8), Some(9)])
        );
        assert_eq!(
            (
                changes.creates.len(),
                changes.updates.len(),
                changes.marks.len(),
                changes.conflicts.len()
            ),
            (0, 0, 0, 1)
        );
    }
}

#[test]
fn a_create_under_a_taken_name_is_a_conflict_and_marks_nobody() {
    let acme = account(1, "Acme");
    let customer = organization(9, &account(2, "acme"), &[(ACCOUNT_TYPE, text("customer"))]);
    let partner = organization(9, &account(2, "ACME"), &[]);
    for holder in [customer, partner] {
        let changes = compare(std::slice::from_ref(&acme), vec![holder]);
        assert_eq!(
            (
                changes.creates.len(),
                changes.updates.len(),
                changes.marks.len(),
                changes.conflicts.len()
            ),
            (0, 0, 0, 1)
        );
    }
}

#[test]
fn a_rename_to_a_taken_name_is_a_conflict_but_takes_a_mark_back() {
    let acme = account(1, "Acme");
    let own = named(
        organization(8, &acme, &[("account_owner", text("X"))]),
        "Old",
    );
    let holder = organization(9, &account(2, "Acme"), &[(ACCOUNT_TYPE, text("customer"))]);
    let changes = compare(
        std::slice::from_ref(&acme),
        vec![own.clone(), holder.clone()],
    );
    assert_eq!(
        (
            changes.updates.len(),
            changes.marks.len(),
            changes.conflicts.len()
        ),
        (0, 0, 1)
    );
    let changes = compare(&[acme], vec![marked(own), holder]);
    assert_eq!(
        (
            changes.updates.len(),
            changes.unmarks(),
            changes.updates[0].changes.len(),
            changes.conflicts.len()
        ),
        (1, 1, 1, 1)
    );
}

#[test]
fn of_two_accounts_of_one_name_the_matched_goes_on_and_the_other_is_a_conflict() {
    let (first, second) = (account(1, "Acme"), account(2, "Acme"));
    let own = organization(8, &first, &[("account_owner", text("X"))]);
    let changes = compare(&[first.clone(), second.clone()], vec![own]);
    assert_eq!(
        (
            changes.creates.len(),
            changes.updates.len(),
            changes.conflicts.len()
        ),
        (0, 1, 1)
    );
    let neither = compare(&[first, second], Vec::new());
    assert_eq!(
        (
            neither.creates.len(),
            neither.conflicts.len(),
            neither.conflicts[0].accounts.len()
        ),
        (0, 1, 2)
    );
}

#[test]
fn a_matched_account_is_renamed_though_another_wants_the_name_and_that_one_is_the_conflict() {
    let (first, second) = (account(1, "Acme"), account(2, "Acme"));
    let own = named(organization(8, &first, &[]), "Old");
    let changes = compare(&[first, second], vec![own]);
    assert_eq!(
        (
            changes.creates.len(),
            changes.updates.len(),
            changes.conflicts.len()
        ),
        (0, 1, 1)
    );
    let conflict = &changes.conflicts[0];
    assert_eq!(
        (conflict.accounts.len(), conflict.organizations.len()),
        (2, 1),
        "both sides are shown"
    );
    assert!(
        conflict.reason.starts_with("2 accounts want one name"),
        "{}",
        conflict.reason
    );
    let (first, typeless) = (account(1, "Acme"), typed(2, "Acme", "Services"));
    let changes = compare(&[first, typeless], Vec::new());
    assert_eq!(
        (
            changes.creates.len(),
            changes.conflicts.len(),
            changes.skipped.len()
        ),
        (1, 0, 1),
        "who is never created takes no name"
    );
}

#[test]
fn a_partner_with_an_accounts_name_is_a_conflict_never_marked() {
    let acme = account(1, "Acme");
    let own = organization(8, &acme, &[]);
    let blank = named(
        organization(
            9,
            &acme,
            &[(crate::model::SALESFORCE_ID, FieldValue::UNSET)],
        ),
        "ACME",
    );
    let changes = compare(&[acme], vec![own, blank]);
    assert_eq!(
        (
            changes.marks.len(),
            changes.updates.len(),
            changes.conflicts.len()
        ),
        (0, 0, 1)
    );
}

#[test]
fn two_partners_with_one_unreadable_id_are_a_conflict() {
    let two = |id, name: &str| {
        named(
            organization(
                id,
                &account(1, "x"),
                &[(crate::model::SALESFORCE_ID, text("001A00000000001IAX"))],
            ),
            name,
        )
    };
    let changes = compare(&[], vec![two(8, "A"), two(9, "B")]);
    assert_eq!((changes.marks.len(), changes.conflicts.len()), (0, 1));
    assert_eq!(compare(&[], vec![two(8, "A")]).marks.len(), 1);
}

#[test]
fn an_account_without_type_is_skipped_never_created_never_marked() {
    let services = typed(1, "Acme", "Services");
    let alone = compare(std::slice::from_ref(&services), Vec::new());
    assert_eq!((alone.creates.len(), alone.skipped.len()), (0, 1));
    let own = organization(9, &account(1, "Acme"), &[("account_owner", text("X"))]);
    let changes = compare(&[services], vec![own]);
    assert_eq!((changes.marks.len(), changes.skipped.len()), (0, 1));
    assert_eq!(
        changes.updates[0]
            .changes
            .iter()
            .map(|change| change.field.as_str())
            .collect::<Vec<_>>(),
        ["account_owner"],
        "the type is left alone"
    );
}
