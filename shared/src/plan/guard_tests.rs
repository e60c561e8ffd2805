use super::*;
use crate::model::{AccountId, FieldValue, MARK_FOR_DELETION};
use crate::plan::{Change, Create, Mark, Update};

const LIMITS: Limits = Limits {
    creates: Limit {
        number: 10,
        percent: 10,
    },
    updates: Limit {
        number: 25,
        percent: 30,
    },
    marks: Limit {
        number: 5,
        percent: 5,
    },
    min_accounts_percent: 80,
};

fn id(number: usize) -> AccountId {
    AccountId::parse(&format!("001A{number:011}")).unwrap()
}

fn change(field: &str) -> Change {
    Change {
        field: field.to_owned(),
        old: FieldValue::UNSET,
        new: FieldValue::Flag(false),
    }
}

fn update(number: usize, fields: &[&str]) -> Update {
    Update {
        id: number as u64,
        salesforce_id: id(number),
        name: format!("n{number}"),
        changes: fields.iter().map(|field| change(field)).collect(),
    }
}

fn changes(creates: usize, updates: usize, marks: usize) -> Changes {
    Changes {
        creates: (0..creates)
            .map(|n| Create {
                salesforce_id: id(n),
                name: format!("n{n}"),
                fields: std::collections::BTreeMap::new(),
            })
            .collect(),
        updates: (0..updates)
            .map(|n| update(n, &["account_owner"]))
            .collect(),
        marks: (0..marks)
            .map(|n| Mark {
                id: n as u64,
                salesforce_id: None,
                name: format!("n{n}"),
                reason: String::new(),
            })
            .collect(),
        ..Changes::default()
    }
}

fn seen(partner_organizations: usize) -> Seen {
    Seen {
        partner_organizations,
        accounts: 100,
        accounts_of_last_good_run: Some(100),
    }
}

fn held(changes: &Changes, seen: Seen) -> Vec<Guarded> {
    judge(changes, seen, &LIMITS, &[])
        .unwrap()
        .held()
        .into_iter()
        .map(|held| held.category)
        .collect()
}

#[test]
fn every_limit_holds_just_above_it_whatever_exists() {
    // Category, existing partner organizations, the most that goes.
    let table = [
        (
            Guarded::Marks,
            [
                (0, 5),
                (1, 5),
                (9, 5),
                (10, 5),
                (100, 5),
                (119, 5),
                (120, 6),
                (1000, 50),
            ],
        ),
        (
            Guarded::Updates,
            [
                (0, 25),
                (1, 25),
                (9, 25),
                (10, 25),
                (83, 25),
                (86, 25),
                (87, 26),
                (1000, 300),
            ],
        ),
        (
            Guarded::Creates,
            [
                (0, 10),
                (1, 10),
                (9, 10),
                (10, 10),
                (100, 10),
                (109, 10),
                (110, 11),
                (1000, 100),
            ],
        ),
    ];
    for (category, rows) in table {
        for (existing, most) in rows {
            let of = |count| match category {
                Guarded::Creates => changes(count, 0, 0),
                Guarded::Updates => changes(0, count, 0),
                Guarded::Marks => changes(0, 0, count),
            };
            assert_eq!(
                held(&of(most - 1), seen(existing)),
                [],
                "{category:?}, {existing} existing, limit - 1"
            );
            assert_eq!(
                held(&of(most), seen(existing)),
                [],
                "{category:?}, {existing} existing, limit"
            );
            assert_eq!(
                held(&of(most + 1), seen(existing)),
                [category],
                "{category:?}, {existing} existing, limit + 1"
            );
        }
    }
}

#[test]
fn any_mark_is_held_without_accounts_or_below_the_share_of_the_last_good_run() {
    let with = |accounts, last| Seen {
        partner_organizations: 1000,
        accounts,
        accounts_of_last_good_run: last,
    };
    let one = changes(1, 1, 1);
    for (accounts, last, holds) in [
        (0, None, true),
        (0, Some(0), true),
        (0, Some(100), true),
        (79, Some(100), true),
        (80, Some(100), false),
        (1, None, false),
        (1, Some(1), false),
        (99, Some(124), true),
        (4, Some(5), false),
        (3, Some(4), true),
    ] {
        let expected: &[Guarded] = if holds { &[Guarded::Marks] } else { &[] };
        assert_eq!(
            held(&one, with(accounts, last)),
            expected,
            "{accounts} accounts, last {last:?}"
        );
    }
    assert_eq!(
        held(&changes(1, 1, 0), with(0, None)),
        [],
        "no marks, nothing to hold"
    );
    let guard = judge(&one, with(60, Some(100)), &LIMITS, &[]).unwrap();
    assert!(
        guard.categories[2].message.contains("60 accounts")
            && guard.categories[2].message.contains("100"),
        "{}",
        guard.categories[2].message
    );
}

#[test]
fn an_update_that_only_takes_a_mark_back_needs_no_leave() {
    let mut unmarks = changes(0, 25, 0);
    unmarks
        .updates
        .extend((100..200).map(|n| update(n, &[MARK_FOR_DELETION])));
    assert_eq!(held(&unmarks, seen(10)), []);
    unmarks
        .updates
        .push(update(300, &[MARK_FOR_DELETION, "name"]));
    assert_eq!(held(&unmarks, seen(10)), [Guarded::Updates]);
}

#[test]
fn an_approval_releases_exactly_its_plan_and_category() {
    let (six, seven) = (changes(0, 0, 6), changes(0, 0, 7));
    let digest = |changes: &Changes| {
        judge(changes, seen(10), &LIMITS, &[]).unwrap().held()[0]
            .digest
            .clone()
    };
    let (a, b) = (digest(&six), digest(&seven));
    assert_ne!(a, b);

    let released = judge(&six, seen(10), &LIMITS, std::slice::from_ref(&a)).unwrap();
    assert!(released.held().is_empty() && released.refused_approvals.is_empty());
    let refused = judge(&seven, seen(10), &LIMITS, std::slice::from_ref(&a)).unwrap();
    assert_eq!(refused.held()[0].digest, b);
    assert_eq!(refused.refused_approvals, std::slice::from_ref(&a));

    let mut both = changes(0, 26, 6);
    let only_marks = judge(&both, seen(10), &LIMITS, std::slice::from_ref(&a)).unwrap();
    assert_eq!(
        only_marks
            .held()
            .into_iter()
            .map(|held| held.category)
            .collect::<Vec<_>>(),
        [Guarded::Updates]
    );
    both.updates.clear();
    let needless = judge(
        &changes(0, 0, 1),
        seen(10),
        &LIMITS,
        std::slice::from_ref(&a),
    )
    .unwrap();
    assert!(needless.held().is_empty());
    assert_eq!(needless.refused_approvals, [a]);
}

#[test]
fn the_message_carries_numbers_limit_and_percentage() {
    let guard = judge(&changes(0, 0, 9), seen(174), &LIMITS, &[]).unwrap();
    assert_eq!(
        guard.categories[2].message,
        "9 of 174 partner organizations (5.1 %); the limit is 8, the larger of 5 and 5 %"
    );
    assert_eq!(guard.categories[2].limit, 8);
}
