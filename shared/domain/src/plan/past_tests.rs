//! What the comparison does with the memory, and what a run leaves in it.

use super::super::for_tests::{
    account, account_id as id, memory, named, organization, tally, text,
};
use super::*;
use crate::model::{ACCOUNT_TYPE, Account, Complete, Organization, OwnMark};
use crate::plan::{Changes, Rules, Target, diff};

const NOW: &str = "2026-11-23T06:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn rules(mark_after_hours: u32) -> Rules {
    Rules {
        protected: [id(5)].into(),
        alliances: std::collections::BTreeSet::new(),
        retention_years: 3,
        mark_after_hours,
        now: at(NOW),
    }
}

fn absent(organization: u64, number: usize, since: &str) -> crate::model::Absent {
    crate::model::Absent {
        id: organization,
        salesforce_id: id(number),
        since: at(since),
    }
}

fn own_mark(organization: u64, number: usize) -> OwnMark {
    OwnMark {
        id: organization,
        salesforce_id: id(number),
        at: at(NOW),
    }
}

fn marked(mut organization: Organization) -> Organization {
    organization
        .organization_fields
        .set(MARK_FOR_DELETION, FieldValue::Flag(true));
    organization
}

fn compare(accounts: &[Account], organizations: Vec<Organization>, past: &Past) -> Changes {
    let (partners, lookalikes) = organizations
        .into_iter()
        .partition(Organization::is_partner);
    let target = Complete::for_tests(Target {
        partners,
        lookalikes,
    });
    diff(
        &Complete::for_tests(accounts.to_vec()),
        &target,
        &rules(24),
        past,
    )
    .unwrap()
}

fn gone(organization_id: u64, number: usize) -> Organization {
    organization(
        organization_id,
        &account(number, &format!("Gone {number}")),
        &[],
    )
}

#[test]
fn an_account_is_missing_for_long_enough_after_exactly_the_hours_of_the_setting() {
    for (since, waits) in [
        ("2026-11-22T06:00:00Z", false),
        ("2026-11-22T06:00:01Z", true),
        ("2026-11-01T00:00:00Z", false),
    ] {
        let past = Past::new(
            Some(&Memory {
                absent: vec![absent(9, 1, since)],
                ..memory()
            }),
            &[],
        );
        let changes = compare(&[], vec![gone(9, 1)], &past);
        assert_eq!(
            (changes.found.waiting.len(), changes.entries.marks.len()),
            (usize::from(waits), usize::from(!waits))
        );
        assert_eq!(
            changes.found.absent,
            [absent(9, 1, since)],
            "the clock goes on"
        );
    }
}

#[test]
fn a_clock_belongs_to_one_organization_and_one_account() {
    let since = "2026-11-01T00:00:00Z";
    let past = Past::new(
        Some(&Memory {
            absent: vec![absent(8, 1, since), absent(9, 2, since)],
            ..memory()
        }),
        &[],
    );
    let changes = compare(&[], vec![gone(9, 1)], &past);
    assert_eq!(changes.found.absent, [absent(9, 1, NOW)]);
    assert_eq!(
        changes.found.waiting[0].eligible_from,
        at("2026-11-24T06:00:00Z")
    );
}

#[test]
fn no_clock_runs_for_an_account_that_is_there() {
    let acme = account(1, "Acme");
    let twins = vec![
        organization(8, &acme, &[]),
        named(organization(9, &acme, &[]), "Other"),
    ];
    let changes = compare(&[acme], twins, &Past::default());
    assert_eq!(changes.found.conflicts.len(), 1);
    assert_eq!(changes.found.absent, []);
}

#[test]
fn a_clock_runs_for_what_is_kept_for_another_reason() {
    let acme = account(1, "Acme");
    let bears_its_name = organization(9, &account(2, "Acme"), &[]);
    let by_hand = marked(gone(8, 3));
    let changes = compare(&[acme], vec![bears_its_name, by_hand], &Past::default());
    let clocks: Vec<_> = changes.found.absent.iter().map(|one| one.id).collect();
    assert_eq!(clocks, [9, 8]);
}

#[test]
fn our_mark_is_taken_back_when_its_reason_is_gone_and_nobody_elses_is() {
    let customer = |organization_id, number| {
        let kind = [(ACCOUNT_TYPE, text("customer"))];
        marked(organization(
            organization_id,
            &account(number, &format!("Gone {number}")),
            &kind,
        ))
    };
    let past = Past::new(
        Some(&Memory {
            marked: vec![own_mark(9, 1), own_mark(7, 3), own_mark(6, 4)],
            ..memory()
        }),
        &[],
    );
    let still_gone = marked(gone(7, 3));
    let unmarked_by_hand = organization(
        6,
        &account(4, "Gone 4"),
        &[(ACCOUNT_TYPE, text("customer"))],
    );
    let all = vec![customer(9, 1), customer(8, 2), still_gone, unmarked_by_hand];
    let changes = compare(&[], all, &past);
    let unmarked: Vec<_> = changes
        .entries
        .updates
        .iter()
        .map(|update| update.id)
        .collect();
    assert_eq!(unmarked, [9]);
    assert_eq!(tally(&changes).unmarks, 1);
}

#[test]
fn our_mark_is_taken_back_if_its_account_is_there_under_another_organization() {
    let acme = account(1, "Acme");
    let own = organization(8, &acme, &[]);
    let mut cleared = marked(named(organization(9, &acme, &[]), "Acme old"));
    cleared
        .organization_fields
        .set("salesforce_id", FieldValue::UNSET);
    let past = Past::new(
        Some(&Memory {
            marked: vec![own_mark(9, 1)],
            ..memory()
        }),
        &[],
    );
    let changes = compare(&[acme], vec![own, cleared], &past);
    assert_eq!(changes.entries.updates.len(), 1);
    assert_eq!(
        (
            changes.entries.updates[0].id,
            changes.entries.updates[0].changes.len()
        ),
        (9, 1)
    );
}

#[test]
fn a_protected_organization_with_our_mark_is_unmarked_once() {
    let past = Past::new(
        Some(&Memory {
            marked: vec![own_mark(9, 1)],
            ..memory()
        }),
        &[],
    );
    let protected = marked(gone(9, 5));
    let acme = account(1, "Acme");
    let own = organization(8, &acme, &[]);
    let changes = compare(&[acme], vec![protected, own], &past);
    assert_eq!(changes.entries.updates.len(), 1);
}

#[test]
fn a_value_is_repeated_if_it_was_written_to_that_field_of_that_organization() {
    let acme = account(1, "Acme");
    let own = organization(9, &acme, &[("account_owner", text("Sam"))]);
    let written = |organization_id, field: &str, value: &str| Written {
        id: organization_id,
        field: field.to_owned(),
        value_sha256: Written::digest(&text(value)),
        runs: 2,
    };
    for (one, runs) in [
        (written(9, "account_owner", "Ada "), Some(2)),
        (written(9, "account_owner", "Sam"), None),
        (written(9, "solutions_architect", "Ada"), None),
        (written(8, "account_owner", "Ada"), None),
    ] {
        let past = Past::new(
            Some(&Memory {
                written: vec![one.clone()],
                ..memory()
            }),
            &[],
        );
        let changes = compare(std::slice::from_ref(&acme), vec![own.clone()], &past);
        let found = changes.found.repeated.first().map(|repeated| repeated.runs);
        assert_eq!(found, runs, "{one:?}");
    }
}

#[test]
fn a_mark_that_somebody_took_back_is_repeated() {
    let past = Past::new(
        Some(&Memory {
            absent: vec![absent(9, 1, "2026-11-01T00:00:00Z")],
            written: vec![Written {
                id: 9,
                field: MARK_FOR_DELETION.to_owned(),
                value_sha256: Written::digest(&FieldValue::Flag(true)),
                runs: 1,
            }],
            ..memory()
        }),
        &[],
    );
    let changes = compare(&[], vec![gone(9, 1)], &past);
    assert_eq!(changes.entries.marks.len(), 1);
    assert_eq!(changes.found.repeated.len(), 1);
    assert_eq!(changes.found.repeated[0].field, MARK_FOR_DELETION);
}

/// What changes in a world in which an organization has waited for long enough, and Salesforce says
/// this of its account.
fn judged_by(fate: Fate) -> Changes {
    let remembered = Memory {
        absent: vec![absent(9, 1, "2026-11-01T00:00:00Z")],
        ..memory()
    };
    let former = Former {
        salesforce_id: id(1),
        fate,
    };
    compare(
        &[],
        vec![gone(9, 1)],
        &Past::new(Some(&remembered), &[former]),
    )
}

#[test]
fn the_reason_of_a_mark_is_what_became_of_the_account() {
    let changes = judged_by(Fate::Deleted);
    assert_eq!(changes.entries.marks[0].reason, "deleted in Salesforce");
}

#[test]
fn an_account_that_is_authorised_after_all_is_not_marked_and_its_clock_starts_anew() {
    let changes = judged_by(Fate::AuthorisedNoMore {
        status: Some("Authorized".to_owned()),
        kind: Some("Partner".to_owned()),
        track: Some("Open".to_owned()),
        last_changed: None,
    });
    assert_eq!(
        (changes.entries.marks.len(), changes.found.waiting.len()),
        (0, 1)
    );
    assert_eq!(changes.found.absent, [absent(9, 1, NOW)]);
}
