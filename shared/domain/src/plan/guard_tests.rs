use jiff::{SignedDuration, Timestamp};

use super::super::for_tests::{MARK_FOR_DELETION, a_mark, account_id as id, now, values};
use super::*;
use crate::model::{Fields, Offer};
use crate::plan::{Change, Create, Evidence, Mark, Update, WhyRefused};

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
        marks: (0..marks).map(|n| a_mark(n as u64)).collect(),
    }
}

fn seen(base: usize) -> Sizes {
    Sizes {
        linked: base,
        base,
        accounts: 100,
        most_accounts: Some(100),
        ..Sizes::default()
    }
}

/// What a run was given, and what runs before it have held.
struct Given {
    approve: Vec<String>,
    offered: Vec<Offer>,
    held: HeldKeys,
}

impl Given {
    fn nothing() -> Self {
        Self {
            approve: Vec::new(),
            offered: Vec::new(),
            held: HeldKeys::new(),
        }
    }

    /// An approval of what was held this many minutes ago.
    fn approval_of(held: &[Held], minutes: i64) -> Self {
        let at = now() - SignedDuration::from_mins(minutes);
        let offers = held.iter().map(|held| Offer {
            at,
            held: held.clone(),
        });
        Self {
            approve: held.iter().map(|held| held.digest.clone()).collect(),
            offered: offers.collect(),
            ..Self::nothing()
        }
    }

    fn holding(category: Category, key: &str) -> Self {
        Self {
            held: [(category, [key.to_owned()].into())].into(),
            ..Self::nothing()
        }
    }

    fn judge(&self, entries: &Entries, seen: Sizes) -> Guard {
        let approvals = Approvals {
            given: &self.approve,
            offered: &self.offered,
            held: &self.held,
            bound_to: None,
            now: now(),
        };
        hold_what_is_too_large(entries, seen, &LIMITS, approvals).unwrap()
    }
}

fn categories(guard: &Guard) -> Vec<Category> {
    guard.held().into_iter().map(|held| held.category).collect()
}

fn held(entries: &Entries, seen: Sizes) -> Vec<Category> {
    categories(&Given::nothing().judge(entries, seen))
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

fn assert_holds_just_above(
    category: Category,
    table: &[Boundary],
    planned: impl Fn(usize) -> Entries,
) {
    for Boundary { existing, most } in table {
        let held_at = |count| held(&planned(count), seen(*existing));
        let what = format!("{category:?}, {existing} existing");
        assert_eq!(held_at(most - 1), [], "{what}, below the limit");
        assert_eq!(held_at(*most), [], "{what}, at the limit");
        assert_eq!(held_at(most + 1), [category], "{what}, above the limit");
    }
}

#[test]
fn every_limit_holds_just_above_it_whatever_exists() {
    assert_holds_just_above(Category::Marks, &MARKS, |count| changes(0, 0, count));
    assert_holds_just_above(Category::Updates, &UPDATES, |count| changes(0, count, 0));
    assert_holds_just_above(Category::Creates, &CREATES, |count| changes(count, 0, 0));
}

#[test]
fn limits_are_shares_of_the_weeks_fewest_organizations_not_of_todays() {
    let grown = Sizes {
        linked: 4000,
        ..seen(100)
    };
    assert_eq!(held(&changes(0, 0, 6), grown), [Category::Marks]);
    assert_eq!(held(&changes(0, 31, 0), grown), [Category::Updates]);
    assert_eq!(held(&changes(11, 0, 0), grown), [Category::Creates]);
}

fn accounts_read(accounts: usize, most_accounts: Option<usize>) -> Sizes {
    Sizes {
        accounts,
        most_accounts,
        ..seen(1000)
    }
}

#[test]
fn any_mark_is_held_without_accounts_or_below_the_share_of_the_weeks_most() {
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
    let guard = Given::nothing().judge(&changes(1, 1, 1), accounts_read(60, Some(100)));
    let veto = Veto::TooFewAccounts {
        accounts: 60,
        most: 100,
    };
    assert_eq!(guard.categories[2].veto, Some(veto));
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

/// What is held of these entries without an approval.
fn offered(entries: &Entries) -> Vec<Held> {
    Given::nothing().judge(entries, seen(10)).held()
}

fn why(guard: &Guard) -> Vec<&WhyRefused> {
    guard.refused_approvals.iter().map(|one| &one.why).collect()
}

#[test]
fn an_approval_releases_exactly_its_plan_and_category() {
    let six = changes(0, 0, 6);
    let seven = changes(0, 0, 7);
    let approval = Given::approval_of(&offered(&six), 60);
    let released = approval.judge(&six, seen(10));
    assert_eq!(released.held(), []);
    assert!(released.approves(Category::Marks));
    assert_eq!(released.refused_approvals, []);

    let refused = approval.judge(&seven, seen(10));
    assert_eq!(refused.held(), offered(&seven));
    assert!(!refused.approves(Category::Marks));
    let both = approval.judge(&changes(0, 26, 6), seen(10));
    assert_eq!(categories(&both), [Category::Updates]);
}

#[test]
fn an_approval_that_releases_nothing_says_why() {
    let six = changes(0, 0, 6);
    let one = changes(0, 0, 1);
    let held_at = now() - SignedDuration::from_mins(60);
    let mut fresh = Given::approval_of(&offered(&six), 60);
    fresh.held = [(Category::Marks, (0..6).map(|n| n.to_string()).collect())].into();
    let mut seven = six.clone();
    seven.marks[0].id = 99;
    let differs = WhyRefused::Differs {
        category: Category::Marks,
        held_at,
        was: 6,
        now: 6,
        added: vec!["99".to_owned()],
        gone: vec!["0".to_owned()],
    };
    assert_eq!(why(&fresh.judge(&seven, seen(10))), [&differs]);

    let fresh = Given::approval_of(&offered(&six), 60);
    let category = Category::Marks;
    let not_needed = WhyRefused::NotNeeded { category };
    assert_eq!(why(&fresh.judge(&six, seen(1000))), [&not_needed]);
    assert_eq!(fresh.judge(&one, seen(10)).held(), []);

    let unknown = Given {
        offered: Vec::new(),
        ..Given::approval_of(&offered(&six), 60)
    };
    let guard = unknown.judge(&six, seen(10));
    assert_eq!(why(&guard), [&WhyRefused::Unknown]);
    assert_eq!(categories(&guard), [category], "nobody has held it before");
}

#[test]
fn an_approval_counts_for_a_day_after_a_run_held_it() {
    let six = changes(0, 0, 6);
    let minutes = 24 * 60;
    let in_time = Given::approval_of(&offered(&six), minutes);
    assert_eq!(in_time.judge(&six, seen(10)).held(), []);
    let late = Given::approval_of(&offered(&six), minutes + 1);
    let guard = late.judge(&six, seen(10));
    assert_eq!(categories(&guard), [Category::Marks]);
    let held_at: Timestamp = now() - SignedDuration::from_mins(minutes + 1);
    assert_eq!(why(&guard), [&WhyRefused::TooOld { held_at }]);
}

#[test]
fn an_approval_of_marks_is_bound_to_the_kind_of_evidence_and_to_no_wording() {
    let digest = |reason: Evidence| {
        let mut entries = changes(0, 0, 6);
        entries.marks[0].reason = reason;
        offered(&entries)[0].digest.clone()
    };
    let terminated = |status: &str| Evidence::AuthorisedNoMore {
        values: values(&[("status", Some(status))]),
        last_changed: None,
    };
    assert_eq!(
        digest(terminated("Terminated")),
        digest(terminated("Ended"))
    );
    assert_ne!(digest(terminated("Terminated")), digest(Evidence::Deleted));
    let mut renamed = changes(0, 0, 6);
    renamed.marks[0].updated_at = "later".to_owned();
    assert_eq!(digest(Evidence::Deleted), offered(&renamed)[0].digest);
}

#[test]
fn an_approval_of_updates_covers_new_values_and_neither_old_ones_nor_unmarks() {
    let held = changes(0, 26, 0);
    let approval = Given::approval_of(&offered(&held), 60);
    let is_released = |entries: &Entries| approval.judge(entries, seen(10)).held().is_empty();
    let mut unmarked = held.clone();
    unmarked.updates[0].changes.push(change(MARK_FOR_DELETION));
    unmarked.updates.push(update(100, &[MARK_FOR_DELETION]));
    assert!(is_released(&unmarked));
    let mut edited_meanwhile = held.clone();
    edited_meanwhile.updates[0].changes[0].old = FieldValue::Flag(true);
    assert!(is_released(&edited_meanwhile));
    let mut wider = held.clone();
    wider.updates[0].changes.push(change("name"));
    assert!(!is_released(&wider));
    let mut other = held;
    other.updates[0].changes[0].new = FieldValue::Flag(true);
    assert!(!is_released(&other));
}

#[test]
fn all_marks_that_stand_or_wait_count_whenever_they_were_set() {
    let beside = |standing, waiting| Sizes {
        standing,
        waiting,
        ..seen(100)
    };
    for (marks, standing, waiting, wanted) in [
        (1, 4, 0, &[][..]),
        (1, 5, 0, &[Category::Marks]),
        (2, 4, 0, &[Category::Marks]),
        (1, 0, 4, &[]),
        (1, 0, 5, &[Category::Marks]),
        (1, 2, 3, &[Category::Marks]),
        (0, 9, 9, &[]),
    ] {
        let entries = changes(1, 1, marks);
        assert_eq!(held(&entries, beside(standing, waiting)), wanted);
    }
}

#[test]
fn a_mark_that_the_purge_leaves_alone_is_not_measured() {
    let mut entries = changes(0, 0, 6);
    assert_eq!(held(&entries, seen(10)), [Category::Marks]);
    entries.marks[3].exempt = true;
    let guard = Given::nothing().judge(&entries, seen(10));
    assert_eq!(guard.held(), []);
    assert_eq!(guard.categories[2].measured(), 5);
}

#[test]
fn what_salesforce_does_not_explain_is_held_and_is_no_part_of_the_marks() {
    let mut entries = changes(0, 0, 6);
    for mark in &mut entries.marks[..2] {
        *mark = Mark {
            category: Category::Unexplained,
            reason: Evidence::NotVisible,
            ..mark.clone()
        };
    }
    let guard = Given::nothing().judge(&entries, seen(1000));
    assert_eq!(categories(&guard), [Category::Unexplained]);
    let [unexplained] = &guard.held()[..] else {
        panic!("one category");
    };
    assert_eq!((unexplained.count, unexplained.limit), (2, 0));
    assert_eq!(guard.categories[2].count, 4);

    let released = Given::approval_of(&guard.held(), 60).judge(&entries, seen(1000));
    assert_eq!(released.held(), []);
}

#[test]
fn what_salesforce_does_not_explain_is_held_though_the_purge_leaves_it_alone() {
    let mut entries = changes(0, 0, 1);
    entries.marks[0].category = Category::Unexplained;
    entries.marks[0].exempt = true;
    let guard = Given::nothing().judge(&entries, seen(1000));
    assert_eq!(categories(&guard), [Category::Unexplained]);
    assert_eq!(guard.categories[3].veto, Some(Veto::Unexplained));
}

#[test]
fn the_digest_of_each_category_is_that_of_its_own_entries() {
    let digests = |entries: &Entries| {
        let guard = Given::nothing().judge(entries, seen(1000));
        let digests = guard.categories.into_iter().map(|one| one.digest);
        digests.collect::<Vec<_>>()
    };
    let mut entries = changes(2, 2, 2);
    entries.marks[1].category = Category::Unexplained;
    let before = digests(&entries);
    let edits: [fn(&mut Entries); 4] = [
        |entries| entries.creates[0].name = "other".to_owned(),
        |entries| entries.updates[0].id = 99,
        |entries| entries.marks[0].id = 99,
        |entries| entries.marks[1].id = 99,
    ];
    for (place, edit) in edits.into_iter().enumerate() {
        let mut edited = entries.clone();
        edit(&mut edited);
        let after = digests(&edited);
        let differ = (0..4).filter(|one| before[*one] != after[*one]);
        assert_eq!(differ.collect::<Vec<_>>(), [place]);
    }
}

#[test]
fn what_was_held_stays_held_however_few_are_left() {
    let account = id(1).to_string();
    let entries = changes(2, 2, 2);
    for (category, key) in [
        (Category::Creates, account.as_str()),
        (Category::Updates, "1"),
        (Category::Marks, "1"),
    ] {
        let before = Given::holding(category, key);
        let guard = before.judge(&entries, seen(10));
        assert_eq!(categories(&guard), [category]);
        assert!(guard.holds(category));
        let held_before: Vec<_> = guard.categories.iter().map(|one| one.held_before).collect();
        assert_eq!(held_before.iter().sum::<usize>(), 1);

        let released = Given {
            held: before.held,
            ..Given::approval_of(&guard.held(), 60)
        };
        assert_eq!(released.judge(&entries, seen(10)).held(), []);
        let other = Given::holding(category, "99").judge(&entries, seen(10));
        assert_eq!(other.held(), [], "none of it is left");
    }
}

#[test]
fn an_update_that_only_takes_a_mark_back_is_in_no_held_category() {
    let mut unmark = changes(0, 0, 0);
    unmark.updates.push(update(1, &[MARK_FOR_DELETION]));
    let guard = Given::holding(Category::Updates, "1").judge(&unmark, seen(10));
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
    let one = changes(0, 0, 1);
    let guard = Given::nothing().judge(&one, lost);
    assert_eq!(guard.categories[2].veto, Some(Veto::LostMemory));
    let released = Given::approval_of(&guard.held(), 60).judge(&one, lost);
    assert_eq!(released.held(), []);
}

#[test]
fn an_approval_that_fits_nothing_is_refused_beside_one_that_does() {
    let six = changes(0, 0, 6);
    let mut approval = Given::approval_of(&offered(&six), 60);
    approval.approve.push("sha256:other".to_owned());
    let guard = approval.judge(&six, seen(10));
    assert_eq!(guard.held(), []);
    assert_eq!(why(&guard), [&WhyRefused::Unknown]);
}

#[test]
fn a_category_without_judgement_is_held_and_not_approved() {
    let mut guard = Given::nothing().judge(&changes(0, 0, 0), seen(10));
    assert!(!guard.holds(Category::Marks));
    guard.categories.clear();
    assert!(guard.holds(Category::Marks));
    assert!(!guard.approves(Category::Marks));
}
