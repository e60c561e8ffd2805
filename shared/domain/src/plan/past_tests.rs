//! What the comparison does with the memory and with Salesforce's answer: clocks, evidence, marks
//! that stand.

use super::super::for_tests::{
    ACCOUNT_TYPE, EXPIRATION_DATE, IGNORE_DELETION, MAPPING, MARK_FOR_DELETION, account,
    account_id as id, formers, key, memory, named, now, organization, tally, terminated, text,
    values, with_status,
};
use super::*;
use crate::model::{Absent, Account, Category, Complete, Organization};
use crate::plan::{Changes, Keeper, Protector, Reason, Rules, Target, WaitsFor, diff};

const LONG_AGO: &str = "2026-11-01T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn rules(mark_after_hours: u32) -> Rules<'static> {
    Rules {
        mapping: &MAPPING,
        protected: [id(5)].into(),
        named: BTreeSet::new(),
        retention_years: 3,
        mark_after_hours,
        now: now(),
    }
}

fn absent(organization: u64, number: usize, since: &str) -> Absent {
    Absent {
        id: organization,
        salesforce_id: id(number),
        since: Some(at(since)),
        fate: None,
    }
}

fn own_mark(organization: u64, number: usize) -> OwnMark {
    OwnMark {
        id: organization,
        salesforce_id: id(number),
        at: now(),
        approved: false,
        perhaps: false,
        exempt: false,
    }
}

fn marked(mut organization: Organization) -> Organization {
    organization
        .organization_fields
        .set(key(MARK_FOR_DELETION), FieldValue::Flag(true));
    organization
}

fn past(memory: &Memory, formers: &Formers) -> Past {
    Past::new(Some(memory), formers, 24, now())
}

fn compare(accounts: &[Account], organizations: Vec<Organization>, past: &Past) -> Changes {
    compare_with(accounts, organizations, past, &rules(24))
}

fn compare_with(
    accounts: &[Account],
    organizations: Vec<Organization>,
    past: &Past,
    rules: &Rules<'_>,
) -> Changes {
    let (partners, lookalikes) = organizations
        .into_iter()
        .partition(|one| one.is_partner(&MAPPING));
    let target = Complete::for_tests(Target {
        partners,
        lookalikes,
    });
    let accounts = Complete::for_tests(accounts.to_vec());
    diff(&accounts, &target, rules, past).unwrap()
}

fn gone(organization_id: u64, number: usize) -> Organization {
    organization(
        organization_id,
        &account(number, &format!("Gone {number}")),
        &[],
    )
}

fn customer(organization_id: u64, number: usize) -> Organization {
    let of = account(number, &format!("Gone {number}"));
    organization(organization_id, &of, &[(ACCOUNT_TYPE, text("customer"))])
}

/// The clocks that run, by organization.
fn running(changes: &Changes) -> Vec<(u64, Timestamp)> {
    let absent = changes.found.absent.iter();
    absent
        .filter_map(|one| Some((one.id, one.since?)))
        .collect()
}

/// The organizations whose mark is taken back, each with the reason.
fn taken_back(changes: &Changes) -> Vec<(u64, Reason)> {
    let unmarks = changes.entries.updates.iter();
    let mut unmarked: Vec<_> = unmarks
        .filter(|update| update.unmark().is_some())
        .map(|update| update.id)
        .collect();
    unmarked.sort_unstable();
    let all = changes.found.taken_back.iter();
    let mut all: Vec<_> = all.map(|one| (one.id, one.reason.clone())).collect();
    all.sort_by_key(|(id, _)| *id);
    let ids: Vec<_> = all.iter().map(|(id, _)| *id).collect();
    assert_eq!(unmarked, ids, "each un-mark has its reason");
    all
}

#[test]
fn an_account_is_missing_for_long_enough_after_exactly_the_hours_of_the_setting() {
    for (since, waits) in [
        ("2026-11-22T06:00:00Z", false),
        ("2026-11-22T06:00:01Z", true),
        (LONG_AGO, false),
    ] {
        let remembered = Memory {
            absent: vec![absent(9, 1, since)],
            ..memory()
        };
        let past = past(&remembered, &formers(&[(1, terminated())]));
        let changes = compare(&[], vec![gone(9, 1)], &past);
        assert_eq!(
            (changes.found.waiting.len(), changes.entries.marks.len()),
            (usize::from(waits), usize::from(!waits))
        );
        assert_eq!(running(&changes), [(9, at(since))], "the clock goes on");
    }
}

#[test]
fn a_clock_belongs_to_one_organization_and_one_account() {
    let remembered = Memory {
        absent: vec![absent(8, 1, LONG_AGO), absent(9, 2, LONG_AGO)],
        ..memory()
    };
    let changes = compare(&[], vec![gone(9, 1)], &past(&remembered, &formers(&[])));
    assert_eq!(running(&changes), [(9, now())]);
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
fn no_clock_runs_while_anything_but_time_keeps_the_organization() {
    let acme = account(1, "Acme");
    let in_conflict = organization(2, &account(2, "Acme"), &[]);
    let protected = gone(5, 5);
    let retained = organization(
        6,
        &account(6, "Gone 6"),
        &[(EXPIRATION_DATE, text("2026-01-01"))],
    );
    let remembered = Memory {
        absent: (2..=9)
            .map(|number| absent(number, usize::try_from(number).unwrap(), LONG_AGO))
            .collect(),
        ..memory()
    };
    let merged = Fate::Merged { into: id(90) };
    let answers = formers(&[
        (2, terminated()),
        (5, terminated()),
        (6, terminated()),
        (7, merged.clone()),
        (8, with_status("Authorized")),
        (9, terminated()),
    ]);
    let organizations = vec![
        in_conflict,
        protected,
        retained,
        gone(7, 7),
        gone(8, 8),
        gone(9, 9),
    ];
    let changes = compare(&[acme], organizations, &past(&remembered, &answers));
    assert_eq!(running(&changes), [(9, at(LONG_AGO))]);
    let all: Vec<_> = changes.found.absent.iter().map(|one| one.id).collect();
    assert_eq!(all, [2, 5, 6, 7, 8, 9], "Salesforce is asked about all");
    assert_eq!(changes.entries.marks.len(), 1);

    // The next run, in which nothing of that keeps them any more, starts their clocks.
    let next = Memory {
        absent: changes.found.absent,
        ..memory()
    };
    let answers = formers(&[(5, terminated())]);
    let free = Rules {
        protected: BTreeSet::new(),
        ..rules(24)
    };
    let changes = compare_with(&[], vec![gone(5, 5)], &past(&next, &answers), &free);
    assert_eq!(running(&changes), [(5, now())]);
    assert_eq!(changes.entries.marks, []);
}

#[test]
fn every_clock_starts_anew_after_a_gap_and_marks_stand() {
    let seen_before = |hours: i64, mark_after_hours| {
        let remembered = Memory {
            absent: vec![absent(9, 1, LONG_AGO), absent(8, 2, LONG_AGO)],
            marked: vec![own_mark(8, 2)],
            watched_at: Some(now() - SignedDuration::from_hours(hours)),
            ..memory()
        };
        let answers = formers(&[(1, terminated()), (2, terminated())]);
        let past = Past::new(Some(&remembered), &answers, mark_after_hours, now());
        let organizations = vec![gone(9, 1), marked(gone(8, 2))];
        let changes = compare_with(&[], organizations, &past, &rules(mark_after_hours));
        assert_eq!(taken_back(&changes), []);
        changes.entries.marks.len()
    };
    assert_eq!((seen_before(12, 24), seen_before(13, 24)), (1, 0));
    assert_eq!((seen_before(6, 4), seen_before(7, 4)), (1, 0));
}

#[test]
fn a_memory_of_version_0_2_was_watched_when_it_was_written() {
    let written = |at: Timestamp| {
        let document = serde_json::json!({
            "schema_version": 1, "run_id": "before", "generated_at": at, "count": 2,
            "absent": [{"id": 9, "salesforce_id": id(1), "since": LONG_AGO}],
            "marked": [{"id": 8, "salesforce_id": id(2), "at": LONG_AGO}],
            "held": {}, "written": [], "started_at": at,
        });
        let old: Memory = serde_json::from_value(document).unwrap();
        let answers = formers(&[(1, terminated()), (2, terminated())]);
        compare(
            &[],
            vec![gone(9, 1), marked(gone(8, 2)), gone(7, 3)],
            &past(&old, &answers),
        )
    };
    let changes = written(now() - SignedDuration::from_hours(1));
    let marks: Vec<_> = changes.entries.marks.iter().map(|one| one.id).collect();
    assert_eq!(marks, [9], "what no run has seen waits");
    assert_eq!(taken_back(&changes), []);
    assert_eq!(changes.found.already_marked.len(), 1);
    let changes = written(now() - SignedDuration::from_hours(24));
    assert_eq!(changes.entries.marks, []);
}

/// What changes in a world in which an organization has waited for long enough, and Salesforce says
/// this of its account.
fn judged_by(fate: Option<Fate>) -> Changes {
    let remembered = Memory {
        absent: vec![absent(9, 1, LONG_AGO)],
        ..memory()
    };
    let answers = fate.map_or_else(Formers::default, |fate| formers(&[(1, fate)]));
    compare(&[], vec![gone(9, 1)], &past(&remembered, &answers))
}

#[test]
fn a_mark_needs_evidence_and_names_it() {
    let changes = judged_by(Some(Fate::Deleted));
    assert_eq!(changes.entries.marks[0].reason, Evidence::Deleted);
    assert_eq!(changes.entries.marks[0].category, Category::Marks);
    let changes = judged_by(Some(terminated()));
    assert_eq!(changes.entries.marks[0].reason.kind(), "authorised_no_more");
}

#[test]
fn what_salesforce_does_not_explain_is_a_category_of_its_own() {
    let values = values(&[("type", Some("Customer"))]);
    for fate in [Fate::OtherType { values }, Fate::NotVisible] {
        let changes = judged_by(Some(fate));
        let marks = &changes.entries.marks;
        assert_eq!((marks.len(), marks[0].category), (1, Category::Unexplained));
    }
}

#[test]
fn no_answer_changes_nothing() {
    let changes = judged_by(None);
    assert_eq!(changes.entries.marks, []);
    let waiting = &changes.found.waiting[0];
    let state = (&waiting.reason, waiting.waits_for);
    assert_eq!(state, (&Evidence::NoAnswer, WaitsFor::Answer));
    assert_eq!(running(&changes), [(9, at(LONG_AGO))]);

    let remembered = Memory {
        absent: vec![absent(9, 1, LONG_AGO)],
        marked: vec![own_mark(9, 1)],
        ..memory()
    };
    let past = past(&remembered, &Formers::default());
    let changes = compare(&[], vec![marked(gone(9, 1))], &past);
    assert_eq!(taken_back(&changes), []);
}

#[test]
fn an_account_that_nobody_was_asked_about_waits_unless_none_has_to_wait() {
    let changes = compare(&[], vec![gone(9, 1)], &Past::default());
    assert_eq!(changes.found.waiting[0].reason, Evidence::NotAsked);
    let changes = compare_with(&[], vec![gone(9, 1)], &Past::default(), &rules(0));
    assert_eq!(changes.entries.marks[0].reason, Evidence::NotAsked);
    let asked = Memory {
        absent: vec![absent(9, 1, LONG_AGO)],
        ..memory()
    };
    let past = past(&asked, &Formers::default());
    let changes = compare_with(&[], vec![gone(9, 1)], &past, &rules(0));
    assert_eq!(changes.entries.marks, [], "asked, and not answered");
}

#[test]
fn an_account_that_is_authorised_after_all_is_back() {
    let changes = judged_by(Some(with_status("Authorized")));
    assert_eq!(
        (changes.entries.marks.len(), changes.found.waiting.len()),
        (0, 1)
    );
    assert_eq!(running(&changes), [], "its clock stops");
    let remembered = Memory {
        absent: vec![absent(9, 1, LONG_AGO)],
        marked: vec![own_mark(9, 1)],
        ..memory()
    };
    let answers = formers(&[(1, with_status("Authorized"))]);
    let changes = compare(&[], vec![marked(gone(9, 1))], &past(&remembered, &answers));
    assert_eq!(
        taken_back(&changes),
        [(9, Reason::Kept(Keeper::AccountIsBack))]
    );
}

#[test]
fn what_was_once_seen_deleted_or_merged_is_remembered_until_it_is_seen_again() {
    let merged = Fate::Merged { into: id(90) };
    for fate in [Fate::Deleted, merged] {
        let changes = judged_by(Some(fate.clone()));
        assert_eq!(changes.found.absent[0].fate, Some(fate.clone()));
        let next = Memory {
            absent: changes.found.absent,
            ..memory()
        };
        let with = |answers: &Formers| compare(&[], vec![gone(9, 1)], &past(&next, answers));
        for silent in [Formers::default(), formers(&[(1, Fate::NotVisible)])] {
            let changes = with(&silent);
            let is_mark = fate == Fate::Deleted;
            assert_eq!(changes.entries.marks.len(), usize::from(is_mark));
            assert_eq!(changes.found.merged.len(), usize::from(!is_mark));
            assert_eq!(changes.found.absent[0].fate, Some(fate.clone()));
        }
        let undeleted = with(&formers(&[(1, terminated())]));
        assert_eq!(undeleted.found.absent[0].fate, None);
    }
}

#[test]
fn our_mark_is_taken_back_when_its_reason_is_gone_whatever_the_reason() {
    let retained = marked(organization(
        6,
        &account(6, "Gone 6"),
        &[(EXPIRATION_DATE, text("2026-01-01"))],
    ));
    let mut unlinked = marked(gone(4, 4));
    unlinked
        .organization_fields
        .set(key("salesforce_id"), text("see notes"));
    let acme = account(1, "Acme");
    let own = organization(1, &acme, &[]);
    let in_conflict = marked(organization(2, &account(2, "Acme"), &[]));
    let organizations = vec![
        own,
        in_conflict,
        marked(customer(3, 3)),
        unlinked,
        marked(gone(5, 5)),
        retained,
        marked(gone(7, 7)),
        marked(gone(8, 8)),
        marked(gone(9, 9)),
    ];
    let remembered = |perhaps| Memory {
        marked: (1..=9)
            .map(|number| OwnMark {
                perhaps,
                ..own_mark(number, usize::try_from(number).unwrap())
            })
            .collect(),
        ..memory()
    };
    let answers = formers(&[
        (7, Fate::Merged { into: id(1) }),
        (8, Fate::NotVisible),
        (9, Fate::Deleted),
    ]);
    let accounts = [acme];
    let changes = compare(
        &accounts,
        organizations.clone(),
        &past(&remembered(false), &answers),
    );
    let expired = "2026-01-01".parse().unwrap();
    let into = id(1);
    let by = Protector::ProtectedAccountIds;
    let wanted = [
        (2, Reason::Kept(Keeper::Conflict)),
        (3, Reason::Kept(Keeper::NoPartner)),
        (4, Reason::Kept(Keeper::Unlinked)),
        (5, Reason::Kept(Keeper::Protected { by })),
        (6, Reason::Kept(Keeper::Retained { expired, years: 3 })),
        (
            7,
            Reason::Kept(Keeper::Merged {
                into,
                organization: Some(1),
            }),
        ),
        (8, Reason::Said(Evidence::NotVisible)),
    ];
    assert_eq!(taken_back(&changes)[..], wanted);
    let stand: Vec<_> = changes
        .found
        .already_marked
        .iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(stand, [9]);

    // Somebody else's mark is left alone, except on what is protected.
    for theirs in [memory(), remembered(true)] {
        let changes = compare(&accounts, organizations.clone(), &past(&theirs, &answers));
        let ids: Vec<_> = taken_back(&changes).iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [5]);
    }
}

#[test]
fn our_mark_is_taken_back_because_the_account_is_there_though_two_organizations_name_it() {
    let acme = account(1, "Acme");
    let twins = vec![
        organization(8, &acme, &[]),
        marked(named(organization(9, &acme, &[]), "Other")),
    ];
    let remembered = Memory {
        marked: vec![own_mark(9, 1)],
        ..memory()
    };
    let past = past(&remembered, &Formers::default());
    let changes = compare(&[acme], twins, &past);
    assert_eq!(
        taken_back(&changes),
        [(9, Reason::Kept(Keeper::AccountIsThere))]
    );
}

#[test]
fn a_mark_that_is_taken_back_is_not_planned_anew_in_the_same_run() {
    for absent in [vec![absent(8, 8, LONG_AGO)], Vec::new()] {
        let remembered = Memory {
            marked: vec![own_mark(8, 8)],
            absent,
            ..memory()
        };
        let answers = formers(&[(8, Fate::NotVisible)]);
        let changes = compare(&[], vec![marked(gone(8, 8))], &past(&remembered, &answers));
        assert_eq!(taken_back(&changes).len(), 1);
        assert_eq!(changes.entries.marks, []);
        assert_eq!(changes.found.waiting, []);
    }
}

#[test]
fn a_mark_that_a_person_approved_stands_though_it_is_unexplained() {
    let remembered = Memory {
        marked: vec![OwnMark {
            approved: true,
            ..own_mark(8, 8)
        }],
        absent: vec![absent(8, 8, LONG_AGO)],
        ..memory()
    };
    let answers = formers(&[(8, Fate::NotVisible)]);
    let changes = compare(&[], vec![marked(gone(8, 8))], &past(&remembered, &answers));
    assert_eq!(taken_back(&changes), []);
    assert_eq!(changes.found.already_marked.len(), 1);
}

#[test]
fn our_mark_is_taken_back_if_the_organization_names_another_account_by_now() {
    let remembered = Memory {
        marked: vec![own_mark(9, 1)],
        ..memory()
    };
    let past = past(&remembered, &Formers::default());
    let changes = compare(&[], vec![marked(gone(9, 2))], &past);
    assert_eq!(taken_back(&changes).len(), 1);
}

#[test]
fn a_marked_organization_that_the_purge_leaves_alone_is_listed_apart() {
    let mut spared = marked(gone(9, 1));
    spared
        .organization_fields
        .set(key(IGNORE_DELETION), FieldValue::Flag(true));
    let organizations = vec![spared, marked(gone(8, 2))];
    let changes = compare(&[], organizations, &Past::default());
    let ids = |list: &[crate::plan::Marked]| list.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(&changes.found.exempt), [9]);
    assert_eq!(ids(&changes.found.already_marked), [8]);
}

#[test]
fn the_survivor_of_a_merge_adopts_the_organization_of_the_account_it_took_in() {
    let survivor = account(1, "Survivor");
    let lost = organization(9, &account(2, "Loser"), &[]);
    let remembered = Memory {
        marked: vec![own_mark(9, 2)],
        ..memory()
    };
    let answers = formers(&[(2, Fate::Merged { into: id(1) })]);
    let past = past(&remembered, &answers);
    let accounts = std::slice::from_ref(&survivor);

    let changes = compare(accounts, vec![marked(lost.clone())], &past);
    assert_eq!(changes.entries.creates, []);
    let [update] = &changes.entries.updates[..] else {
        panic!("one update");
    };
    assert_eq!((update.id, &update.salesforce_id), (9, &id(1)));
    let written: Vec<_> = update
        .changes
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    for field in ["name", "salesforce_id", MARK_FOR_DELETION] {
        assert!(written.contains(&field), "{written:?}");
    }

    let own = organization(8, &survivor, &[]);
    let changes = compare(accounts, vec![own, lost.clone()], &past);
    assert_eq!(changes.entries.updates, []);
    let merged = Keeper::Merged {
        into: id(1),
        organization: Some(8),
    };
    assert_eq!(changes.found.merged[0].reason, merged);

    // Of two that it could adopt, none is picked by chance.
    let another = organization(7, &account(3, "Another"), &[]);
    let answers = formers(&[
        (2, Fate::Merged { into: id(1) }),
        (3, Fate::Merged { into: id(1) }),
    ]);
    let past = self::past(&remembered, &answers);
    let changes = compare(accounts, vec![lost, another], &past);
    assert_eq!(changes.entries.creates.len(), 1);
    assert_eq!(changes.found.merged.len(), 2);
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
        let remembered = Memory {
            written: vec![one.clone()],
            ..memory()
        };
        let past = past(&remembered, &Formers::default());
        let changes = compare(std::slice::from_ref(&acme), vec![own.clone()], &past);
        let found = changes.found.repeated.first().map(|repeated| repeated.runs);
        assert_eq!(found, runs, "{one:?}");
    }
}

#[test]
fn a_mark_that_somebody_took_back_is_repeated() {
    let remembered = Memory {
        absent: vec![absent(9, 1, LONG_AGO)],
        written: vec![Written {
            id: 9,
            field: MARK_FOR_DELETION.to_owned(),
            value_sha256: Written::digest(&FieldValue::Flag(true)),
            runs: 1,
        }],
        ..memory()
    };
    let past = past(&remembered, &formers(&[(1, Fate::Deleted)]));
    let changes = compare(&[], vec![gone(9, 1)], &past);
    assert_eq!(changes.entries.marks.len(), 1);
    assert_eq!(changes.found.repeated.len(), 1);
    assert_eq!(changes.found.repeated[0].field, MARK_FOR_DELETION);
    assert_eq!(tally(&changes).marks, 1);
}
