use super::super::for_tests::{MARK_FOR_DELETION, a_mark, account, account_id, organization, text};
use super::*;

fn change(field: &str, new: FieldValue) -> Change {
    Change {
        field: field.to_owned(),
        old: FieldValue::UNSET,
        new,
    }
}

fn update(changes: Vec<Change>) -> Update {
    Update {
        id: 7,
        salesforce_id: account_id(1),
        name: "Acme".to_owned(),
        changes,
    }
}

fn unmark() -> Change {
    change(MARK_FOR_DELETION, FieldValue::Flag(false))
}

#[test]
fn a_change_is_done_if_the_organization_has_its_value() {
    let now = organization(7, &account(1, "Acme"), &[]);
    let is_done = |changes: Vec<Change>| changes.iter().all(|one| one.is_done_on(&now));
    let owner = |name| change("account_owner", text(name));
    assert!(is_done(vec![change(NAME, text(" Acme ")), owner("Ada")]));
    assert!(!is_done(vec![change(NAME, text("Acme")), owner("Nova")]));
    assert!(!is_done(vec![change(NAME, text("Other")), owner("Ada")]));
    assert!(is_done(vec![unmark()]), "an unset checkbox is false");
}

#[test]
fn an_update_can_be_reduced_to_its_unmark_or_to_all_but_a_field() {
    let name = || change(NAME, text("Acme"));
    let both = update(vec![name(), unmark()]);
    assert_eq!(both.unmark(), Some(&unmark()));
    assert_eq!(both.only_unmark(), Some(update(vec![unmark()])));
    assert_eq!(both.without(NAME), Some(update(vec![unmark()])));
    assert_eq!(both.without(MARK_FOR_DELETION), Some(update(vec![name()])));
    assert!(both.renames());

    let other = update(vec![change("account_owner", text("Ada"))]);
    assert_eq!(other.unmark(), None);
    assert_eq!(other.only_unmark(), None);
    assert_eq!(other.without("account_owner"), None);
    assert!(!other.renames());
    let entries = Entries {
        updates: vec![both.clone(), other, both],
        ..Entries::default()
    };
    assert_eq!(entries.unmarks(), 2);
}

#[test]
fn of_what_was_written_in_vain_only_a_set_mark_is_a_mark() {
    let repeated = |field: &str, flag| Repeated {
        id: 7,
        salesforce_id: None,
        name: "Acme".to_owned(),
        field: field.to_owned(),
        written: FieldValue::Flag(flag),
        found: FieldValue::UNSET,
        runs: 1,
    };
    assert!(repeated(MARK_FOR_DELETION, true).is_mark());
    assert!(!repeated(MARK_FOR_DELETION, false).is_mark());
    assert!(!repeated("support_hold", true).is_mark());
}

#[test]
fn the_same_entries_are_in_the_same_order_however_they_were_found() {
    let sorted = |ids: [u64; 3]| {
        let mut changes = Changes::default();
        changes.entries.marks = ids.map(a_mark).into();
        let updates = ids.map(|id| Update {
            id,
            ..update(vec![unmark()])
        });
        changes.entries.updates = updates.into();
        changes.sort();
        changes
    };
    let changes = sorted([3, 1, 2]);
    assert_eq!(changes, sorted([2, 3, 1]));
    let marks = changes.entries.marks.iter().map(|mark| mark.id);
    assert_eq!(marks.collect::<Vec<_>>(), [1, 2, 3]);
}
