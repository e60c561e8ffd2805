use super::super::for_tests::{
    ACCOUNT_TYPE, EXPIRATION_DATE, IGNORE_DELETION, MAPPING, MARK_FOR_DELETION, SALESFORCE_ID,
    Tally, account, account_id as id, key, named, organization, tally, text, typed, unseen,
};
use super::*;
use crate::model::AccountId;
use std::collections::BTreeSet;

use crate::plan::{Clash, Conflict, Party, Protector};

const NOTHING: Tally = Tally {
    creates: 0,
    updates: 0,
    unmarks: 0,
    marks: 0,
    unexplained: 0,
    skipped: 0,
    protected: 0,
    retained: 0,
    waiting: 0,
    unlinked: 0,
    merged: 0,
    deferred: 0,
    conflicts: 0,
    already_marked: 0,
    exempt: 0,
    repeated: 0,
};

/// Exactly these numbers, and nothing else, must have been found.
#[track_caller]
fn assert_found(changes: &Changes, edit: impl FnOnce(&mut Tally)) {
    let mut wanted = NOTHING;
    edit(&mut wanted);
    assert_eq!(tally(changes), wanted);
}

fn rules() -> Rules<'static> {
    Rules {
        mapping: &MAPPING,
        protected: BTreeSet::new(),
        named: BTreeSet::new(),
        retention_years: 3,
        mark_after_hours: 0,
        now: "2026-11-23T06:00:00Z".parse().unwrap(),
    }
}

fn compare_with(
    accounts: &[Account],
    organizations: Vec<Organization>,
    rules: &Rules<'_>,
) -> Changes {
    let (partners, lookalikes) = organizations
        .into_iter()
        .partition(|one| one.is_partner(&MAPPING));
    let target = Target {
        partners,
        lookalikes,
    };
    let accounts = Complete::for_tests(accounts.to_vec());
    let past = Past::default();
    diff(&accounts, &Complete::for_tests(target), rules, &past).unwrap()
}

fn compare(accounts: &[Account], organizations: Vec<Organization>) -> Changes {
    compare_with(accounts, organizations, &rules())
}

fn marked(mut organization: Organization) -> Organization {
    organization
        .organization_fields
        .set(key(MARK_FOR_DELETION), FieldValue::Flag(true));
    organization
}

fn changed_fields(update: &Update) -> Vec<&str> {
    update
        .changes
        .iter()
        .map(|change| change.field.as_str())
        .collect()
}

fn organization_ids(parties: &[Party]) -> Vec<Option<u64>> {
    parties.iter().map(|party| party.id).collect()
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
    let nothing = Changes {
        linked: 1,
        ..Changes::default()
    };
    assert_eq!(compare(&[acme], vec![blank]), nothing);
}

#[test]
fn an_account_without_organization_is_created_with_every_field() {
    let acme = account(1, "Acme");
    let changes = compare(std::slice::from_ref(&acme), Vec::new());
    let wanted = Create {
        salesforce_id: id(1),
        name: "Acme".to_owned(),
        fields: acme.fields,
    };
    assert_eq!(changes.entries.creates, [wanted]);
}

#[test]
fn a_lookup_that_may_not_be_seen_leaves_its_field_as_it_is_and_out_of_a_create() {
    let acme = account(1, "Acme");
    let alan = organization(9, &acme, &[("solutions_architect", text("Alan"))]);
    let nothing = Changes {
        linked: 1,
        ..Changes::default()
    };
    assert_eq!(compare(&[unseen(acme.clone())], vec![alan]), nothing);
    let created = compare(&[unseen(acme)], Vec::new()).entries.creates;
    assert_eq!(created[0].fields.named("solutions_architect"), None);
    assert_eq!(created[0].fields.named("account_owner"), Some(&text("Ada")));
}

#[test]
fn an_update_names_only_the_changed_fields_with_both_values() {
    let acme = account(1, "Acme");
    let grace = organization(9, &acme, &[("account_owner", text("Grace"))]);
    let changes = compare(&[acme], vec![named(grace, "Acme Old")]);
    let entry = |field: &str, old, new| Change {
        field: field.to_owned(),
        old,
        new,
    };
    assert_eq!(
        changes.entries.updates[0].changes,
        [
            entry("name", text("Acme Old"), text("Acme")),
            entry("account_owner", text("Grace"), text("Ada"))
        ]
    );
    assert_found(&changes, |all| all.updates = 1);
}

/// An organization with this text as Salesforce id, and with an external id.
fn with_ids(
    id: u64,
    of: &Account,
    salesforce_id: &str,
    external_id: Option<AccountId>,
) -> Organization {
    Organization {
        external_id: external_id.map(|id| id.as_str().into()),
        ..organization(id, of, &[(SALESFORCE_ID, text(salesforce_id))])
    }
}

#[test]
fn a_mangled_id_or_an_external_id_matches_and_the_salesforce_id_is_written_anew() {
    let acme = account(1, "Acme");
    let folded = id(1).as_str().to_lowercase();
    for own in [
        with_ids(9, &acme, &folded, None),
        with_ids(9, &acme, "", Some(id(1))),
        with_ids(9, &acme, "no id", Some(id(1))),
    ] {
        let changes = compare(std::slice::from_ref(&acme), vec![own]);
        assert_found(&changes, |all| all.updates = 1);
        assert_eq!(changed_fields(&changes.entries.updates[0]), [SALESFORCE_ID]);
    }
}

#[test]
fn two_organizations_with_one_id_are_a_conflict_though_one_has_it_mangled_or_as_external_id() {
    let acme = account(1, "Acme");
    let folded = id(1).as_str().to_lowercase();
    for twin in [
        with_ids(9, &acme, &folded, None),
        with_ids(9, &acme, "", Some(id(1))),
    ] {
        let own = organization(8, &acme, &[]);
        let changes = compare(
            std::slice::from_ref(&acme),
            vec![own, named(twin, "Acme 2")],
        );
        assert_found(&changes, |all| all.conflicts = 1);
    }
}

#[test]
fn the_organization_of_another_account_is_not_adopted_by_name() {
    let acme = account(1, "Acme");
    let of_another = with_ids(9, &acme, "", Some(id(2)));
    let changes = compare(&[acme], vec![of_another]);
    assert_found(&changes, |all| all.conflicts = 1);
}

#[test]
fn nobody_is_told_to_take_another_accounts_organization_or_to_make_a_second_one() {
    let acme = account(1, "Acme");
    let reason = |organizations: Vec<Organization>| {
        let changes = compare(std::slice::from_ref(&acme), organizations);
        assert_eq!(changes.found.conflicts.len(), 1);
        changes.found.conflicts[0].reason.clone()
    };
    let taken = |may_be_linked| Clash::NameIsTaken { may_be_linked };
    let of_nobody = with_ids(9, &acme, "no id", None);
    let of_another = organization(9, &account(2, "Acme"), &[]);
    let own = named(organization(8, &acme, &[]), "Old");
    assert_eq!(reason(vec![of_nobody.clone()]), taken(true));
    assert_eq!(reason(vec![of_another.clone()]), taken(false));
    assert_eq!(reason(vec![own, of_nobody]), taken(false));
}

#[test]
fn an_account_that_is_back_is_unmarked() {
    let acme = account(1, "Acme");
    let own = marked(organization(9, &acme, &[]));
    let changes = compare(&[acme], vec![own]);
    assert_found(&changes, |all| {
        (all.updates, all.unmarks) = (1, 1);
    });
    assert_eq!(
        changes.entries.updates[0].changes,
        [Change {
            field: MARK_FOR_DELETION.to_owned(),
            old: FieldValue::Flag(true),
            new: FieldValue::Flag(false)
        }]
    );
}

#[test]
fn a_partner_without_account_is_marked_once() {
    let gone = organization(9, &account(1, "Gone"), &[]);
    let before = marked(organization(8, &account(2, "Marked"), &[]));
    let changes = compare(&[], vec![gone, before]);
    assert_found(&changes, |all| {
        (all.marks, all.already_marked) = (1, 1);
    });
    assert_eq!(changes.entries.marks[0].id, 9);
}

#[test]
fn a_protected_or_alliance_id_is_never_marked_and_a_mark_on_it_is_taken_back() {
    let protected = Rules {
        protected: BTreeSet::from([id(1)]),
        ..rules()
    };
    let alliance = Rules {
        named: BTreeSet::from([id(1)]),
        ..rules()
    };
    let short_id = [(SALESFORCE_ID, text(id(1).short()))];
    let gone = organization(9, &account(1, "Gone"), &short_id);
    let left_alone = Tally {
        protected: 1,
        ..NOTHING
    };
    let unmarked = Tally {
        updates: 1,
        unmarks: 1,
        ..left_alone
    };
    for (rules, by) in [
        (protected, Protector::ProtectedAccountIds),
        (alliance, Protector::Named),
    ] {
        let changes = compare_with(&[], vec![gone.clone()], &rules);
        assert_eq!(tally(&changes), left_alone);
        assert_eq!(changes.found.protected[0].reason, Keeper::Protected { by });

        let changes = compare_with(&[], vec![marked(gone.clone())], &rules);
        assert_eq!(tally(&changes), unmarked);
        assert_eq!(
            changed_fields(&changes.entries.updates[0]),
            [MARK_FOR_DELETION]
        );
    }
}

#[test]
fn a_protected_organization_in_a_conflict_loses_its_mark_and_nothing_else() {
    let rules = Rules {
        protected: BTreeSet::from([id(1)]),
        ..rules()
    };
    let gone = marked(organization(9, &account(1, "Acme"), &[]));
    let changes = compare_with(&[account(2, "Acme")], vec![gone], &rules);
    assert_found(&changes, |all| {
        (all.updates, all.unmarks, all.conflicts) = (1, 1, 1);
    });
    assert_eq!(
        changed_fields(&changes.entries.updates[0]),
        [MARK_FOR_DELETION]
    );
}

/// What becomes of an organization without an account whose expiration date has this text.
#[derive(Debug, PartialEq, Eq)]
enum Kept {
    Marked,
    Until(String),
    WithoutEnd,
}

fn kept(expiration_date: &str) -> Kept {
    let expired = [(EXPIRATION_DATE, text(expiration_date))];
    let gone = organization(9, &account(1, "Gone"), &expired);
    let changes = compare(&[], vec![gone]);
    match (&changes.entries.marks[..], &changes.found.retained[..]) {
        ([_], []) => Kept::Marked,
        ([], [retained]) => match retained.eligible_from {
            Some(date) => Kept::Until(date.to_string()),
            None => Kept::WithoutEnd,
        },
        _ => panic!("{expiration_date}: {changes:?}"),
    }
}

#[test]
fn retention_ends_the_day_after_the_anniversary() {
    let until = |date: &str| Kept::Until(date.to_owned());
    assert_eq!(kept("2023-11-22"), Kept::Marked);
    assert_eq!(
        kept("2023-11-23"),
        until("2026-11-24"),
        "exactly three years are not more than three"
    );
    assert_eq!(kept("2024-02-29"), until("2027-03-01"));
    assert_eq!(kept("2030-01-01"), until("2033-01-02"));
    assert_eq!(kept(" 2025-06-30 "), until("2028-07-01"));
    assert_eq!(kept("2025-06-30T00:00:00+00:00"), until("2028-07-01"));
    assert_eq!(kept(""), Kept::Marked);
    let end_of_time = kept("9999-12-31");
    assert!(matches!(end_of_time, Kept::Until(_)), "{end_of_time:?}");
}

#[test]
fn an_organization_whose_date_cannot_be_read_is_retained_without_end() {
    for unreadable in [
        "June 2025",
        "2025-13-01",
        "2025-6-1",
        "25-06-01",
        "2025-06-30-1",
        "9999999-01-01",
    ] {
        assert_eq!(kept(unreadable), Kept::WithoutEnd, "{unreadable}");
    }
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
    assert_found(&changes, |all| all.updates = 1);
    let fields = changed_fields(&changes.entries.updates[0]);
    assert_eq!(fields, ["account_owner", "account_type"]);
}

#[test]
fn an_organization_in_a_conflict_is_marked_only_if_the_purge_may_delete_it() {
    let acme = account(1, "Acme");
    let with = |id, marked, exempt| {
        let fields = [
            (MARK_FOR_DELETION, FieldValue::Flag(marked)),
            (IGNORE_DELETION, FieldValue::Flag(exempt)),
        ];
        organization(id, &acme, &fields)
    };
    let all = vec![
        with(6, false, false),
        with(7, false, true),
        with(8, true, false),
        with(9, true, true),
    ];
    let changes = compare(std::slice::from_ref(&acme), all);
    let parties = &changes.found.conflicts[0].organizations;
    let marked = parties.iter().filter(|party| party.marked);
    assert_eq!(marked.map(|party| party.id).collect::<Vec<_>>(), [Some(8)]);
}

#[test]
fn a_blank_id_and_the_name_is_adopted_and_gets_the_accounts_spelling() {
    let acme = account(1, "Acme Ltd");
    let blank = |name: &str| named(organization(9, &acme, &[(SALESFORCE_ID, text(" "))]), name);
    let accounts = std::slice::from_ref(&acme);
    for (name, updated) in [
        (" Acme Ltd ", &["salesforce_id"][..]),
        ("ACME Ltd", &["name", "salesforce_id"]),
        ("Acme\u{a0}Ltd", &["name", "salesforce_id"]),
        ("Acme Ltd\u{200b}", &["name", "salesforce_id"]),
    ] {
        let changes = compare(accounts, vec![blank(name)]);
        assert_found(&changes, |all| all.updates = 1);
        let fields = changed_fields(&changes.entries.updates[0]);
        assert_eq!(fields, updated, "{name:?}");
    }
    let changes = compare(accounts, vec![blank("Acme Ltd 2")]);
    assert_found(&changes, |all| {
        all.creates = 1;
        all.unlinked = 1;
    });
}

#[test]
fn of_two_organizations_with_a_blank_id_and_the_name_neither_is_adopted() {
    let acme = account(1, "Acme Ltd");
    let blank = |id, name| named(organization(id, &acme, &[(SALESFORCE_ID, text(""))]), name);
    let both = vec![blank(8, "Acme Ltd"), blank(9, "Acme\u{a0}Ltd")];
    assert_found(&compare(&[acme], both), |all| {
        all.conflicts = 1;
    });
}

#[test]
fn a_name_with_another_white_space_or_a_hidden_character_is_taken() {
    for name in ["Acme\u{a0}Ltd", "\u{200e}Acme  Ltd", "Ａｃｍｅ Ltd"] {
        let customer = &[(ACCOUNT_TYPE, text("customer")), (SALESFORCE_ID, text(""))];
        let customer = named(organization(9, &account(2, "x"), customer), name);
        let acme = account(1, "Acme Ltd");
        let create = compare(std::slice::from_ref(&acme), vec![customer.clone()]);
        assert_found(&create, |all| all.conflicts = 1);
        let own = named(organization(8, &acme, &[]), "Old");
        let rename = compare(&[acme], vec![own, customer]);
        assert_found(&rename, |all| all.conflicts = 1);
    }
}

#[test]
fn whether_a_name_is_updated_is_decided_by_its_trimmed_text() {
    let acme = account(1, "Acme Ltd");
    let own = |name| named(organization(9, &acme, &[]), name);
    let names = |name| {
        let changes = compare(std::slice::from_ref(&acme), vec![own(name)]);
        let updates = changes.entries.updates.iter();
        updates.flat_map(changed_fields).collect::<Vec<_>>().len()
    };
    for trimmed_away in ["Acme Ltd", " Acme Ltd\t", "\u{a0}Acme Ltd\u{3000}"] {
        assert_eq!(names(trimmed_away), 0, "{trimmed_away:?}");
    }
    for spelt_otherwise in ["Acme\u{a0}Ltd", "Acme  Ltd", "ACME Ltd", "Acme Ltd\u{200b}"] {
        assert_eq!(names(spelt_otherwise), 1, "{spelt_otherwise:?}");
    }
}

#[test]
fn a_short_id_matches_and_is_rewritten() {
    let acme = account(1, "Acme");
    let short = organization(9, &acme, &[(SALESFORCE_ID, text(id(1).short()))]);
    let changes = compare(&[acme], vec![short]);
    assert_eq!(
        changes.entries.updates[0].changes,
        [Change {
            field: "salesforce_id".to_owned(),
            old: text(id(1).short()),
            new: text(id(1).as_str())
        }]
    );
}

#[test]
fn two_organizations_with_one_id_are_left_alone_with_and_without_account() {
    let acme = account(1, "Acme");
    let first = organization(8, &acme, &[]);
    let second = organization(9, &acme, &[("account_owner", text("X"))]);
    let both = vec![first, named(second, "Acme 2")];
    for accounts in [vec![acme], Vec::new()] {
        let changes = compare(&accounts, both.clone());
        assert_found(&changes, |all| all.conflicts = 1);
        let Conflict {
            accounts: sides,
            organizations,
            ..
        } = &changes.found.conflicts[0];
        assert_eq!(sides.len(), accounts.len());
        assert_eq!(organization_ids(organizations), [Some(8), Some(9)]);
    }
}

#[test]
fn a_create_under_a_taken_name_is_a_conflict_and_marks_nobody() {
    let acme = account(1, "Acme");
    let customer = organization(9, &account(2, "acme"), &[(ACCOUNT_TYPE, text("customer"))]);
    let partner = organization(9, &account(2, "ACME"), &[]);
    for holder in [customer, partner] {
        let changes = compare(std::slice::from_ref(&acme), vec![holder]);
        assert_found(&changes, |all| all.conflicts = 1);
    }
}

#[test]
fn a_rename_to_a_taken_name_leaves_only_the_name_as_it_is() {
    let acme = account(1, "Acme");
    let own = named(organization(8, &acme, &[]), "Old");
    let of_another_owner = organization(8, &acme, &[("account_owner", text("X"))]);
    let of_another_owner = named(of_another_owner, "Old");
    let holder = organization(9, &account(2, "Acme"), &[(ACCOUNT_TYPE, text("customer"))]);

    let changes = compare(
        std::slice::from_ref(&acme),
        vec![own.clone(), holder.clone()],
    );
    assert_found(&changes, |all| all.conflicts = 1);

    let changes = compare(&[acme], vec![marked(of_another_owner), holder]);
    assert_found(&changes, |all| {
        (all.updates, all.unmarks, all.conflicts) = (1, 1, 1);
    });
    assert_eq!(
        changed_fields(&changes.entries.updates[0]),
        ["account_owner", MARK_FOR_DELETION]
    );
}

#[test]
fn of_two_accounts_of_one_name_the_matched_goes_on_and_the_other_is_a_conflict() {
    let first = account(1, "Acme");
    let second = account(2, "Acme");
    let own = organization(8, &first, &[("account_owner", text("X"))]);
    let changes = compare(&[first.clone(), second.clone()], vec![own]);
    assert_found(&changes, |all| {
        (all.updates, all.conflicts) = (1, 1);
    });

    let neither = compare(&[first, second], Vec::new());
    assert_found(&neither, |all| all.conflicts = 1);
    assert_eq!(neither.found.conflicts[0].accounts.len(), 2);
}

#[test]
fn a_matched_account_is_renamed_though_another_wants_the_name_and_that_one_is_the_conflict() {
    let first = account(1, "Acme");
    let second = account(2, "Acme");
    let own = named(organization(8, &first, &[]), "Old");
    let changes = compare(&[first, second], vec![own]);
    assert_found(&changes, |all| {
        (all.updates, all.conflicts) = (1, 1);
    });
    let conflict = &changes.found.conflicts[0];
    assert_eq!(conflict.accounts.len(), 2, "both sides are shown");
    assert_eq!(organization_ids(&conflict.organizations), [Some(8)]);
    assert_eq!(conflict.reason, Clash::AccountsOfOneName);
}

#[test]
fn an_account_that_is_never_created_takes_no_name() {
    let accounts = [account(1, "Acme"), typed(2, "Acme", "Services")];
    assert_found(&compare(&accounts, Vec::new()), |all| {
        (all.creates, all.skipped) = (1, 1);
    });
}

#[test]
fn a_partner_with_an_accounts_name_is_a_conflict_never_marked() {
    let acme = account(1, "Acme");
    let own = organization(8, &acme, &[]);
    let blank = organization(9, &acme, &[(SALESFORCE_ID, FieldValue::UNSET)]);
    let changes = compare(&[acme], vec![own, named(blank, "ACME")]);
    assert_found(&changes, |all| all.conflicts = 1);
}

#[test]
fn an_organization_of_no_account_id_is_never_marked() {
    for unreadable in ["001A00000000001IAX", "no id", ""] {
        let one = with_ids(8, &account(1, "A"), unreadable, None);
        let changes = compare(&[], vec![one]);
        let wanted = Tally {
            unlinked: 1,
            ..NOTHING
        };
        assert_eq!(tally(&changes), wanted, "{unreadable}");
        assert_eq!(changes.found.unlinked[0].reason, Keeper::Unlinked);
    }
    let by_hand = marked(with_ids(8, &account(1, "A"), "no id", None));
    assert_eq!(compare(&[], vec![by_hand]).found.already_marked.len(), 1);
}

/// An account of each new name, whose organization has another one.
fn renames(names: &[(&str, &str)]) -> Changes {
    let mut accounts = Vec::new();
    let mut organizations = Vec::new();
    for (number, (new, old)) in (1_u32..).zip(names) {
        let account = account(number as usize, new);
        organizations.push(named(organization(number.into(), &account, &[]), old));
        accounts.push(account);
    }
    compare(&accounts, organizations)
}

#[test]
fn a_name_that_the_plan_frees_waits_for_the_next_run_and_is_no_conflict() {
    let changes = renames(&[("C", "B"), ("B", "A"), ("A", "Z")]);
    assert_found(&changes, |all| {
        (all.updates, all.deferred) = (1, 2);
    });
    assert_eq!(changes.entries.updates[0].id, 1);
    let holders = vec![1];
    let reason = WhyDeferred::NameIsGivenUp { holders };
    assert_eq!(changes.found.deferred[0].reason, reason);
}

#[test]
fn an_account_whose_name_the_plan_frees_is_created_in_the_next_run() {
    let leaves = account(1, "New");
    let own = named(organization(1, &leaves, &[]), "Acme");
    let changes = compare(&[leaves, account(2, "Acme")], vec![own]);
    assert_found(&changes, |all| {
        (all.updates, all.deferred) = (1, 1);
    });
}

#[test]
fn an_account_without_type_waits_for_no_name() {
    let leaves = account(1, "New");
    let own = named(organization(1, &leaves, &[]), "Acme");
    let changes = compare(&[leaves, typed(2, "Acme", "Services")], vec![own]);
    assert_eq!(changes.found.deferred, []);
}

#[test]
fn names_that_are_wanted_in_a_ring_are_one_conflict() {
    for ring in [
        &[("B", "A"), ("A", "B")][..],
        &[("B", "A"), ("C", "B"), ("A", "C")],
    ] {
        let changes = renames(ring);
        assert_found(&changes, |all| all.conflicts = 1);
        let Conflict {
            reason,
            accounts,
            organizations,
        } = &changes.found.conflicts[0];
        assert_eq!(*reason, Clash::NamesInARing);
        assert_eq!(accounts.len(), ring.len());
        assert_eq!(organizations.len(), ring.len());
    }
}

#[test]
fn an_account_that_wants_a_name_of_a_ring_is_a_conflict_of_its_own() {
    let changes = renames(&[("B", "A"), ("A", "B"), ("A2", "C"), ("C", "D")]);
    assert_found(&changes, |all| {
        (all.updates, all.deferred, all.conflicts) = (1, 1, 1);
    });
}

#[test]
fn a_rename_behind_one_that_never_happens_is_a_conflict_too() {
    let taken = account(9, "Taken");
    let stays = organization(9, &taken, &[]);
    let first = account(1, "Taken");
    let second = account(2, "A");
    let changes = compare(
        &[taken, first.clone(), second.clone()],
        vec![
            stays,
            named(organization(1, &first, &[]), "A"),
            named(organization(2, &second, &[]), "B"),
        ],
    );
    assert_found(&changes, |all| all.conflicts = 2);
}

#[test]
fn a_conflict_names_the_account_of_each_organization() {
    let acme = account(1, "Acme");
    let of_another = organization(9, &account(2, "Acme"), &[]);
    let nobodys = with_ids(8, &acme, "no id", None);
    let changes = compare(&[acme], vec![of_another, nobodys]);
    let belongs_to = |place: usize| {
        changes.found.conflicts[0].organizations[place]
            .belongs_to
            .clone()
    };
    assert_eq!(belongs_to(0), None);
    assert_eq!(belongs_to(1).unwrap().salesforce_id, id(2));
}

#[test]
fn an_account_without_type_is_skipped_never_created_never_marked() {
    let services = typed(1, "Acme", "Services");
    let alone = compare(std::slice::from_ref(&services), Vec::new());
    assert_found(&alone, |all| all.skipped = 1);

    let own = organization(9, &account(1, "Acme"), &[("account_owner", text("X"))]);
    let changes = compare(&[services], vec![own]);
    assert_found(&changes, |all| {
        (all.updates, all.skipped) = (1, 1);
    });
    let fields = changed_fields(&changes.entries.updates[0]);
    assert_eq!(fields, ["account_owner"], "the type is left alone");
}

#[test]
fn an_organization_that_keeps_its_name_is_updated_though_another_has_it_too() {
    let acme = account(1, "Acme");
    let own = organization(9, &acme, &[("account_owner", text("Sam"))]);
    let customer = organization(8, &account(2, "Acme"), &[(ACCOUNT_TYPE, text("customer"))]);
    let changes = compare(&[acme], vec![own, customer]);
    assert_found(&changes, |all| all.updates = 1);
}

#[test]
fn an_update_is_done_on_the_organization_that_has_all_its_values() {
    let acme = account(1, "Acme");
    let old = named(
        organization(9, &acme, &[("account_owner", text("Sam"))]),
        "Old",
    );
    let now = organization(9, &acme, &[]);
    let changes = compare(&[acme], vec![old.clone()]);
    let update = &changes.entries.updates[0];
    assert_eq!(changed_fields(update), [NAME, "account_owner"]);
    let is_done_on =
        |one: &Organization| update.changes.iter().all(|change| change.is_done_on(one));
    assert!(is_done_on(&now));
    assert!(!is_done_on(&old));
    assert!(!is_done_on(&named(now.clone(), "Old")));
    let owner_alone = named(old.clone(), "Acme");
    assert!(!is_done_on(&owner_alone));
}

#[test]
fn only_the_unmark_of_a_held_update_is_left() {
    let acme = account(1, "Acme");
    let own = marked(organization(9, &acme, &[("account_owner", text("Sam"))]));
    let changes = compare(std::slice::from_ref(&acme), vec![own]);
    let unmark = changes.entries.updates[0].only_unmark().unwrap();
    assert_eq!(changed_fields(&unmark), [MARK_FOR_DELETION]);
    let unmarked = organization(9, &acme, &[("account_owner", text("Sam"))]);
    let changes = compare(&[acme], vec![unmarked]);
    assert_eq!(changes.entries.updates[0].only_unmark(), None);
}

#[test]
fn an_account_whose_id_another_accounts_organization_carries_as_external_id_is_a_conflict() {
    let acme = account(1, "Acme");
    let elsewhere = account(2, "Elsewhere");
    let overwritten = named(
        with_ids(9, &acme, id(3).short(), Some(id(1))),
        "Acme and something",
    );
    let of_another = with_ids(8, &elsewhere, id(2).as_str(), Some(id(1)));
    let wanted = Tally {
        conflicts: 1,
        ..NOTHING
    };
    let changes = compare(std::slice::from_ref(&acme), vec![overwritten]);
    assert_eq!(tally(&changes), wanted, "neither created nor marked");
    let clash = Clash::OneExternalId {
        salesforce_id: id(1),
    };
    assert_eq!(changes.found.conflicts[0].reason, clash);

    let changes = compare(&[acme.clone(), elsewhere], vec![of_another.clone()]);
    assert_eq!(tally(&changes), wanted, "its own account's goes on");

    let own = organization(7, &acme, &[]);
    let changes = compare(&[acme], vec![own, of_another]);
    let wanted = Tally {
        marks: 1,
        ..NOTHING
    };
    assert_eq!(tally(&changes), wanted, "the account has an organization");
}

#[test]
fn a_mark_of_somebody_else_in_a_conflict_is_left_alone_and_shown() {
    let acme = account(1, "Acme");
    let overwritten = marked(with_ids(9, &acme, "see notes", None));
    let changes = compare(&[acme], vec![overwritten]);
    assert_found(&changes, |all| all.conflicts = 1);
    assert!(changes.found.conflicts[0].organizations[0].marked);
}
