use super::super::for_tests::account_id as id;
use super::*;
use crate::model::{FieldValue, Fields, MARK_FOR_DELETION};
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

fn changes(creates: usize, updates: usize, marks: usize) -> Entries {
    Entries {
        creates: (0..creates)
            .map(|n| Create {
                salesforce_id: id(n),
                name: format!("n{n}"),
                fields: Fields::default(),
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
    }
}

fn seen(partner_organizations: usize) -> Sizes {
    Sizes {
        partner_organizations,
        accounts: 100,
        accounts_of_last_good_run: Some(100),
        marks_since_purge: 0,
        former: 0,
        former_not_visible: 0,
        memory_lost: false,
    }
}

fn held(changes: &Entries, seen: Sizes) -> Vec<Category> {
    hold_what_is_too_large(changes, seen, &LIMITS, &HeldKeys::new(), &[])
        .unwrap()
        .held()
        .into_iter()
        .map(|held| held.category)
        .collect()
}

/// The most entries that need no approval, for a number of existing partner organizations.
struct Boundary {
    existing: usize,
    most: usize,
}

#[rustfmt::skip]
const MARKS: [Boundary; 8] = [
    Boundary { existing: 0, most: 5 },
    Boundary { existing: 1, most: 5 },
    Boundary { existing: 9, most: 5 },
    Boundary { existing: 10, most: 5 },
    Boundary { existing: 100, most: 5 },
    Boundary { existing: 119, most: 5 },
    Boundary { existing: 120, most: 6 },
    Boundary { existing: 1000, most: 50 },
];

#[rustfmt::skip]
const UPDATES: [Boundary; 8] = [
    Boundary { existing: 0, most: 25 },
    Boundary { existing: 1, most: 25 },
    Boundary { existing: 9, most: 25 },
    Boundary { existing: 10, most: 25 },
    Boundary { existing: 83, most: 25 },
    Boundary { existing: 86, most: 25 },
    Boundary { existing: 87, most: 26 },
    Boundary { existing: 1000, most: 300 },
];

#[rustfmt::skip]
const CREATES: [Boundary; 8] = [
    Boundary { existing: 0, most: 10 },
    Boundary { existing: 1, most: 10 },
    Boundary { existing: 9, most: 10 },
    Boundary { existing: 10, most: 10 },
    Boundary { existing: 100, most: 10 },
    Boundary { existing: 109, most: 10 },
    Boundary { existing: 110, most: 11 },
    Boundary { existing: 1000, most: 100 },
];

fn assert_holds_just_above(category: Category, table: &[Boundary]) {
    for Boundary { existing, most } in table {
        let planned = |count| match category {
            Category::Creates => changes(count, 0, 0),
            Category::Updates => changes(0, count, 0),
            Category::Marks => changes(0, 0, count),
        };
        let held_at = |count| held(&planned(count), seen(*existing));
        let what = format!("{category:?}, {existing} existing");
        assert_eq!(held_at(most - 1), [], "{what}, below the limit");
        assert_eq!(held_at(*most), [], "{what}, at the limit");
        assert_eq!(held_at(most + 1), [category], "{what}, above the limit");
    }
}

#[test]
fn every_limit_holds_just_above_it_whatever_exists() {
    assert_holds_just_above(Category::Marks, &MARKS);
    assert_holds_just_above(Category::Updates, &UPDATES);
    assert_holds_just_above(Category::Creates, &CREATES);
}

fn accounts_read(accounts: usize, last: Option<usize>) -> Sizes {
    Sizes {
        accounts,
        accounts_of_last_good_run: last,
        ..seen(1000)
    }
}

#[test]
fn any_mark_is_held_without_accounts_or_below_the_share_of_the_last_good_run() {
    let one_of_each = changes(1, 1, 1);
    for few in [
        accounts_read(0, None),
        accounts_read(0, Some(0)),
        accounts_read(0, Some(100)),
        accounts_read(79, Some(100)),
        accounts_read(99, Some(124)),
        accounts_read(3, Some(4)),
    ] {
        assert_eq!(held(&one_of_each, few), [Category::Marks], "{few:?}");
    }
    for enough in [
        accounts_read(80, Some(100)),
        accounts_read(1, None),
        accounts_read(1, Some(1)),
        accounts_read(4, Some(5)),
    ] {
        assert_eq!(held(&one_of_each, enough), [], "{enough:?}");
    }
    let no_marks = changes(1, 1, 0);
    assert_eq!(held(&no_marks, accounts_read(0, None)), []);
}

#[test]
fn marks_held_because_accounts_are_missing_say_how_many_there_were() {
    let seen = accounts_read(60, Some(100));
    let guard =
        hold_what_is_too_large(&changes(1, 1, 1), seen, &LIMITS, &HeldKeys::new(), &[]).unwrap();
    let message = &guard.categories[2].message;
    assert!(message.contains("60 accounts"), "{message}");
    assert!(message.contains("100"), "{message}");
}

#[test]
fn an_update_that_only_takes_a_mark_back_needs_no_approval() {
    let mut unmarks = changes(0, 25, 0);
    unmarks
        .updates
        .extend((100..200).map(|n| update(n, &[MARK_FOR_DELETION])));
    assert_eq!(held(&unmarks, seen(10)), []);
    unmarks
        .updates
        .push(update(300, &[MARK_FOR_DELETION, "name"]));
    assert_eq!(held(&unmarks, seen(10)), [Category::Updates]);
}

#[test]
fn an_approval_releases_exactly_its_plan_and_category() {
    let six = changes(0, 0, 6);
    let seven = changes(0, 0, 7);
    let judged = |changes: &Entries, approved: &str| {
        let approvals = [approved.to_owned()];
        hold_what_is_too_large(changes, seen(10), &LIMITS, &HeldKeys::new(), &approvals).unwrap()
    };
    let digest = |changes: &Entries| judged(changes, "").held()[0].digest.clone();
    let digest_of_six = digest(&six);
    let digest_of_seven = digest(&seven);
    assert_ne!(digest_of_six, digest_of_seven);

    let released = judged(&six, &digest_of_six);
    assert_eq!(released.held(), []);
    assert_eq!(released.refused_approvals, [""; 0]);

    let refused = judged(&seven, &digest_of_six);
    assert_eq!(refused.held()[0].digest, digest_of_seven);
    assert_eq!(refused.refused_approvals, [digest_of_six.as_str()]);

    let both = judged(&changes(0, 26, 6), &digest_of_six);
    let held: Vec<_> = both.held().iter().map(|held| held.category).collect();
    assert_eq!(held, [Category::Updates]);

    let needless = judged(&changes(0, 0, 1), &digest_of_six);
    assert_eq!(needless.held(), []);
    assert_eq!(needless.refused_approvals, [digest_of_six]);
}

#[test]
fn an_unmark_does_not_spoil_an_approval_of_updates() {
    let held = changes(0, 26, 0);
    let mut unmarked = held.clone();
    unmarked.updates[0].changes.push(change(MARK_FOR_DELETION));
    unmarked.updates.push(update(100, &[MARK_FOR_DELETION]));
    let mut edited = held.clone();
    edited.updates[0].changes.push(change("name"));

    let before = hold_what_is_too_large(&held, seen(10), &LIMITS, &HeldKeys::new(), &[]).unwrap();
    let approval = [before.held()[0].digest.clone()];
    let judged = |changes: &Entries| {
        hold_what_is_too_large(changes, seen(10), &LIMITS, &HeldKeys::new(), &approval).unwrap()
    };
    assert_eq!(judged(&unmarked).held(), []);
    assert_eq!(judged(&edited).held().len(), 1);
}

#[test]
fn a_better_reason_does_not_spoil_an_approval_of_marks() {
    let held = changes(0, 0, 6);
    let mut explained = held.clone();
    explained.marks[0].reason = "deleted in Salesforce".to_owned();
    let mut renamed = held.clone();
    renamed.marks[0].name = "another".to_owned();
    let digest = |changes: &Entries| {
        let guard =
            hold_what_is_too_large(changes, seen(10), &LIMITS, &HeldKeys::new(), &[]).unwrap();
        guard.held()[0].digest.clone()
    };
    assert_eq!(digest(&held), digest(&explained));
    assert_ne!(digest(&held), digest(&renamed));
}

#[test]
fn the_message_carries_all_numbers() {
    let seen = Sizes {
        marks_since_purge: 3,
        ..seen(174)
    };
    let guard =
        hold_what_is_too_large(&changes(1, 0, 9), seen, &LIMITS, &HeldKeys::new(), &[]).unwrap();
    assert_eq!(
        guard.categories[2].message,
        "9 new and 3 set since the last purge, of 174 partner organizations (6.8 %); the limit is \
         8, the larger of 5 and 5 %"
    );
    assert_eq!(guard.categories[2].limit, 8);
    assert_eq!(
        guard.categories[0].message,
        "1 of 174 partner organizations (0.5 %); the limit is 17, the larger of 10 and 10 %"
    );
}

#[test]
fn marks_of_ours_that_stand_count_until_the_purge() {
    let after = |marks_since_purge| Sizes {
        marks_since_purge,
        ..seen(100)
    };
    assert_eq!(held(&changes(0, 0, 1), after(4)), []);
    assert_eq!(held(&changes(0, 0, 1), after(5)), [Category::Marks]);
    assert_eq!(held(&changes(0, 0, 2), after(4)), [Category::Marks]);
    assert_eq!(
        held(&changes(1, 1, 0), after(9)),
        [],
        "what stands is not held anew"
    );
}

#[test]
fn what_was_held_stays_held_however_few_are_left() {
    let keys = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let judged = |category, key: &str, approvals: &[String]| {
        let before = HeldKeys::from([(category, keys(&[key]))]);
        hold_what_is_too_large(&changes(2, 2, 2), seen(10), &LIMITS, &before, approvals).unwrap()
    };
    let account = id(1).to_string();
    for (category, key) in [
        (Category::Creates, account.as_str()),
        (Category::Updates, "1"),
        (Category::Marks, "1"),
    ] {
        let guard = judged(category, key, &[]);
        let held: Vec<_> = guard.held().iter().map(|held| held.category).collect();
        assert_eq!(held, [category]);
        assert!(guard.holds(category));
        let held_before: Vec<_> = guard.categories.iter().map(|one| one.held_before).collect();
        assert_eq!(held_before.iter().sum::<usize>(), 1);

        let released = judged(category, key, &[guard.held()[0].digest.clone()]);
        assert_eq!(released.held(), []);
        assert!(!released.holds(category));
        assert_eq!(judged(category, "99", &[]).held(), [], "none of it is left");
    }
}

#[test]
fn an_update_that_only_takes_a_mark_back_is_in_no_held_category() {
    let mut unmark = changes(0, 0, 0);
    unmark.updates.push(update(1, &[MARK_FOR_DELETION]));
    let before = HeldKeys::from([(Category::Updates, ["1".to_owned()].into())]);
    let guard = hold_what_is_too_large(&unmark, seen(10), &LIMITS, &before, &[]).unwrap();
    assert_eq!(guard.held(), []);
}

#[test]
fn without_a_memory_every_mark_is_held_until_it_is_approved() {
    let lost = Sizes {
        memory_lost: true,
        ..seen(1000)
    };
    assert_eq!(held(&changes(1, 1, 1), lost), [Category::Marks]);
    assert_eq!(held(&changes(1, 1, 0), lost), []);
    let guard =
        hold_what_is_too_large(&changes(0, 0, 1), lost, &LIMITS, &HeldKeys::new(), &[]).unwrap();
    let message = &guard.categories[2].message;
    assert!(message.contains("memory"), "{message}");
    let approvals = [guard.held()[0].digest.clone()];
    let released = hold_what_is_too_large(
        &changes(0, 0, 1),
        lost,
        &LIMITS,
        &HeldKeys::new(),
        &approvals,
    )
    .unwrap();
    assert_eq!(released.held(), []);
}

#[test]
fn marks_are_held_if_more_than_half_of_the_lost_accounts_are_out_of_sight() {
    let sight = |former, former_not_visible| Sizes {
        former,
        former_not_visible,
        ..seen(1000)
    };
    for (former, not_visible, wanted) in [
        (0, 0, &[][..]),
        (2, 1, &[]),
        (3, 2, &[Category::Marks]),
        (1, 1, &[Category::Marks]),
    ] {
        let seen = sight(former, not_visible);
        assert_eq!(
            held(&changes(1, 1, 1), seen),
            wanted,
            "{not_visible} of {former}"
        );
    }
}

#[test]
fn an_approval_that_fits_nothing_is_refused_beside_one_that_does() {
    let six = changes(0, 0, 6);
    let held = hold_what_is_too_large(&six, seen(10), &LIMITS, &HeldKeys::new(), &[]).unwrap();
    let fits = held.held()[0].digest.clone();
    let approvals = [fits, "sha256:other".to_owned()];
    let guard =
        hold_what_is_too_large(&six, seen(10), &LIMITS, &HeldKeys::new(), &approvals).unwrap();
    assert_eq!(guard.held(), []);
    assert_eq!(guard.refused_approvals, ["sha256:other"]);
}

#[test]
fn the_message_names_a_reason_to_hold_only_where_it_holds() {
    let lost = Sizes {
        memory_lost: true,
        ..seen(100)
    };
    let message = |count, before: &HeldKeys| {
        let guard =
            hold_what_is_too_large(&changes(0, 0, count), lost, &LIMITS, before, &[]).unwrap();
        guard.categories[2].message.clone()
    };
    let before = HeldKeys::from([(Category::Marks, ["0".to_owned()].into())]);
    assert!(!message(0, &HeldKeys::new()).contains("the memory"));
    assert!(message(1, &HeldKeys::new()).contains("the memory"));
    assert!(!message(1, &HeldKeys::new()).contains("were held before"));
    assert!(message(2, &before).contains("; 1 of them were held before"));
}

#[test]
fn a_category_without_judgement_is_held() {
    let mut guard =
        hold_what_is_too_large(&changes(0, 0, 0), seen(10), &LIMITS, &HeldKeys::new(), &[])
            .unwrap();
    assert!(!guard.holds(Category::Marks));
    guard.categories.clear();
    assert!(guard.holds(Category::Marks));
}
