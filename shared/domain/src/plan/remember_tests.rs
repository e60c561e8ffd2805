//! What a run leaves in the memory, however it ends.

use super::super::for_tests::{
    MARK_FOR_DELETION, a_mark as mark, account_id as id, inputs, lists, text,
};
use super::*;
use crate::model::{Absent, Counts, Fields, Mode, RunUsage};
use crate::plan::{
    Change, Changes, Create, Entries, Evidence, Found, Guard, Keeper, KnownResults, Marked, Plan,
    Reason, Sizes, Update, Waiting, WaitsFor,
};

const NOW: &str = "2026-11-23T06:00:00Z";
const BEFORE: &str = "2026-11-22T06:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn absent(number: u64, since: &str) -> Absent {
    Absent {
        id: number,
        salesforce_id: id(usize::try_from(number).unwrap()),
        since: Some(at(since)),
        fate: None,
    }
}

fn marked(number: u64) -> Marked {
    Marked {
        id: number,
        salesforce_id: None,
        name: String::new(),
        reason: Reason::Kept(Keeper::Unlinked),
    }
}

fn update(number: u64, changes: &[(&str, FieldValue)]) -> Update {
    let change = |(field, new): &(&str, FieldValue)| Change {
        field: (*field).to_owned(),
        old: FieldValue::UNSET,
        new: new.clone(),
    };
    Update {
        id: number,
        salesforce_id: id(usize::try_from(number).unwrap()),
        name: String::new(),
        changes: changes.iter().map(change).collect(),
    }
}

fn create(number: usize) -> Create {
    Create {
        salesforce_id: id(number),
        name: String::new(),
        fields: Fields::default(),
    }
}

fn outcome(action: Action, number: u64, outcome: Outcome) -> RecordOutcome {
    RecordOutcome::of(action, Some(number), outcome)
}

/// An update that has taken a mark back.
fn unmarked(number: u64, of_the_rest: Outcome) -> RecordOutcome {
    RecordOutcome {
        unmarked: true,
        ..outcome(Action::Update, number, of_the_rest)
    }
}

fn judged(category: Category, exceeded: bool, approved: bool) -> Judged {
    Judged {
        category,
        count: 1,
        exempt: 0,
        standing: 0,
        waiting: 0,
        held_before: 0,
        limit: 0,
        veto: None,
        digest: String::new(),
        exceeded,
        approved,
    }
}

/// A run that came to its end, with nothing held and nothing remembered from before.
struct Given {
    plan: Plan,
    entries: Entries,
    results: Vec<RecordOutcome>,
    finished: bool,
}

impl Given {
    fn new(changes: Changes) -> Self {
        let categories = [
            Category::Creates,
            Category::Updates,
            Category::Marks,
            Category::Unexplained,
        ];
        let plan = Plan {
            header: Header::new("this", Timestamp::UNIX_EPOCH, 0),
            mode: Mode::Apply,
            digest: String::new(),
            config: None,
            mapping: None,
            counts: Counts::default(),
            guard: Guard {
                categories: categories.map(|one| judged(one, false, false)).into(),
                refused_approvals: Vec::new(),
                seen: Sizes::default(),
            },
            release: None,
            warnings: Vec::new(),
            unknowns: Vec::new(),
            found: changes.found,
            lists: lists(),
            instances: Vec::new(),
            inputs: inputs(at(NOW), 24),
            usage: RunUsage::default(),
        };
        Self {
            plan,
            entries: changes.entries,
            results: Vec::new(),
            finished: true,
        }
    }

    fn judge(&mut self, category: Category, exceeded: bool, approved: bool) {
        for one in &mut self.plan.guard.categories {
            if one.category == category {
                *one = judged(category, exceeded, approved);
            }
        }
    }

    fn memory_before(&mut self, memory: impl FnOnce(&mut Memory)) {
        let mut before = super::super::for_tests::memory();
        memory(&mut before);
        self.plan.inputs.memory = Some(before);
    }

    fn memory(&self) -> Memory {
        let planned = Planned {
            plan: self.plan.clone(),
            entries: self.entries.clone(),
        };
        let known = if self.finished {
            KnownResults::All
        } else {
            KnownResults::SoFar
        };
        let run = PlannedRun {
            results: self.results.clone(),
            known,
            ..PlannedRun::cut_off(&planned)
        };
        remember(&run, at(NOW))
    }

    fn marked(&self) -> Vec<u64> {
        self.memory().marked.iter().map(|one| one.id).collect()
    }

    fn held(&self, category: Category) -> Vec<String> {
        let held = self.memory().held;
        held.get(&category).into_iter().flatten().cloned().collect()
    }
}

fn marks(numbers: &[u64]) -> Changes {
    let absent = numbers.iter().map(|number| absent(*number, BEFORE));
    Changes {
        entries: Entries {
            marks: numbers.iter().map(|number| mark(*number)).collect(),
            ..Entries::default()
        },
        found: Found {
            absent: absent.collect(),
            ..Found::default()
        },
        linked: 0,
    }
}

#[test]
fn marks_that_are_set_or_may_be_are_ours() {
    let mut given = Given::new(marks(&[1, 2, 3, 4, 5]));
    given.results = vec![
        outcome(Action::Mark, 1, Outcome::Done),
        outcome(Action::Mark, 2, Outcome::Unknown),
        outcome(Action::Mark, 3, Outcome::Failed),
        outcome(Action::Mark, 4, Outcome::Drifted),
    ];
    assert_eq!(given.marked(), [1, 2, 3]);
    given.finished = false;
    assert_eq!(given.marked(), [1, 2, 3, 5], "of a failed run nobody knows");
    let first = &given.memory().marked[0];
    assert_eq!((&first.salesforce_id, first.at), (&id(1), at(NOW)));
    given.judge(Category::Marks, true, false);
    assert_eq!(given.marked(), [0; 0], "held marks were never sent");
}

#[test]
fn a_mark_that_was_taken_back_is_no_longer_ours() {
    let unmark = [(MARK_FOR_DELETION, FieldValue::Flag(false))];
    let other = [("account_owner", text("Ada"))];
    let mut changes = Changes::default();
    changes.entries.updates = vec![
        update(1, &unmark),
        update(2, &unmark),
        update(3, &other),
        update(4, &unmark),
    ];
    let mut given = Given::new(changes);
    given.plan.found.own_marks = (1..=4)
        .map(|number| OwnMark {
            id: number,
            salesforce_id: id(1),
            at: at(BEFORE),
            approved: false,
            perhaps: false,
            exempt: false,
        })
        .collect();
    given.results = vec![
        unmarked(1, Outcome::Done),
        outcome(Action::Update, 2, Outcome::Failed),
        outcome(Action::Update, 3, Outcome::Done),
        unmarked(4, Outcome::Failed),
    ];
    assert_eq!(given.marked(), [2, 3]);
    assert_eq!(given.memory().marked[0].at, at(BEFORE));
    assert_eq!(given.memory().header.count, 2);
}

#[test]
fn a_failed_run_neither_starts_nor_stops_a_clock() {
    let mut changes = Changes::default();
    changes.found.absent = vec![absent(1, NOW)];
    let mut given = Given::new(changes);
    given.memory_before(|before| before.absent = vec![absent(2, BEFORE)]);
    assert_eq!(given.memory().absent, [absent(1, NOW)]);
    given.finished = false;
    assert_eq!(given.memory().absent, [absent(2, BEFORE)]);
}

#[test]
fn what_is_held_is_kept_by_its_keys() {
    let mut changes = marks(&[1]);
    changes.entries.creates = vec![create(7)];
    changes.entries.updates = vec![
        update(8, &[("account_owner", text("Ada"))]),
        update(9, &[(MARK_FOR_DELETION, FieldValue::Flag(false))]),
    ];
    let mut given = Given::new(changes);
    assert_eq!(given.memory().held, HeldKeys::new());
    for category in [Category::Creates, Category::Updates, Category::Marks] {
        given.judge(category, true, false);
    }
    assert_eq!(given.held(Category::Creates), [id(7).to_string()]);
    assert_eq!(
        given.held(Category::Updates),
        ["8"],
        "an un-mark is never held"
    );
    assert_eq!(given.held(Category::Marks), ["1"]);
}

#[test]
fn an_approval_releases_once_it_was_applied_to_its_end() {
    let mut changes = marks(&[1]);
    changes.entries.creates = vec![create(7)];
    let mut given = Given::new(changes);
    given.memory_before(|before| {
        let keys = ["1".to_owned(), "2".to_owned()];
        before.held = [(Category::Marks, keys.into())].into();
    });
    given.plan.found.absent.push(absent(2, BEFORE));
    given.judge(Category::Marks, true, true);
    given.judge(Category::Creates, true, true);
    assert_eq!(
        given.held(Category::Marks),
        ["2"],
        "what was not planned was not approved"
    );
    assert_eq!(given.held(Category::Creates), [""; 0]);
    given.finished = false;
    assert_eq!(given.held(Category::Marks), ["1", "2"]);
    assert_eq!(given.held(Category::Creates), [id(7).to_string()]);
}

#[test]
fn a_held_mark_is_forgotten_when_its_account_is_back_or_a_person_has_marked_it() {
    let mut changes = Changes::default();
    changes.found.absent = vec![absent(2, BEFORE), absent(3, BEFORE)];
    changes.found.already_marked = vec![marked(3)];
    let mut given = Given::new(changes);
    given.memory_before(|before| {
        let keys = ["1".to_owned(), "2".to_owned(), "3".to_owned()];
        before.held = [(Category::Marks, keys.into())].into();
    });
    assert_eq!(given.held(Category::Marks), ["2"]);
}

#[test]
fn a_held_mark_whose_account_was_back_in_a_run_that_failed_is_still_held() {
    let mut given = Given::new(Changes::default());
    given.memory_before(|before| {
        before.absent = vec![absent(1, BEFORE)];
        before.held = [(Category::Marks, ["1".to_owned()].into())].into();
    });
    given.finished = false;
    assert_eq!(given.held(Category::Marks), ["1"]);
    given.finished = true;
    assert_eq!(given.held(Category::Marks), [""; 0]);
}

#[test]
fn after_a_lost_memory_all_that_is_without_account_may_have_been_held() {
    let waiting = Waiting {
        id: 2,
        salesforce_id: None,
        name: String::new(),
        reason: Evidence::NotAsked,
        eligible_from: at(NOW),
        waits_for: WaitsFor::Time,
        exempt: false,
    };
    let mut changes = Changes::default();
    changes.found.absent = vec![absent(2, NOW), absent(3, NOW)];
    changes.found.waiting = vec![waiting];
    changes.found.already_marked = vec![marked(3)];
    let mut given = Given::new(changes);
    assert_eq!(given.held(Category::Marks), [""; 0]);
    given.plan.inputs.memory_lost = Some("cut".to_owned());
    assert_eq!(given.held(Category::Marks), ["2"]);
}

#[test]
fn what_was_written_is_counted_by_runs_until_it_is_not_planned_any_more() {
    let mut changes = marks(&[3]);
    let unmark = (MARK_FOR_DELETION, FieldValue::Flag(false));
    changes.entries.updates = vec![
        update(1, &[("account_owner", text("Ada")), unmark]),
        update(2, &[("account_owner", text("Ada"))]),
    ];
    let mut given = Given::new(changes);
    let before = |number, runs| Written {
        id: number,
        field: "account_owner".to_owned(),
        value_sha256: Written::digest(&text("Ada")),
        runs,
    };
    given.memory_before(|memory| memory.written = vec![before(1, 4), before(2, 2), before(9, 1)]);
    given.results = vec![
        unmarked(1, Outcome::Done),
        outcome(Action::Update, 2, Outcome::Failed),
        outcome(Action::Mark, 3, Outcome::Done),
    ];
    let written = |given: &Given| -> Vec<_> {
        let all = given.memory().written;
        all.into_iter()
            .map(|one| (one.id, one.field, one.runs))
            .collect()
    };
    let entry = |id: u64, field: &str, runs: u32| (id, field.to_owned(), runs);
    let unmark = entry(1, MARK_FOR_DELETION, 1);
    let mark = entry(3, MARK_FOR_DELETION, 1);
    assert_eq!(
        written(&given),
        [
            entry(1, "account_owner", 5),
            unmark.clone(),
            entry(2, "account_owner", 2),
            mark.clone()
        ]
    );
    given.judge(Category::Updates, true, false);
    assert_eq!(
        written(&given),
        [
            entry(1, "account_owner", 4),
            unmark,
            entry(2, "account_owner", 2),
            mark
        ],
        "of a held update only the un-mark is written"
    );
}

#[test]
fn of_a_refused_update_what_was_left_out_is_not_counted_as_written() {
    let mut changes = Changes::default();
    let values = [("account_owner", text("Ada")), ("name", text("Acme"))];
    changes.entries.updates = vec![update(1, &values)];
    let mut given = Given::new(changes);
    given.results = vec![RecordOutcome {
        left_out: vec!["name".to_owned()],
        ..outcome(Action::Update, 1, Outcome::Failed)
    }];
    let written = given.memory().written;
    let fields: Vec<_> = written.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["account_owner"]);
}

#[test]
fn what_was_never_written_is_not_counted() {
    let mut changes = Changes::default();
    changes.entries.updates = vec![update(1, &[("account_owner", text("Ada"))])];
    let mut given = Given::new(changes);
    given.results = vec![outcome(Action::Update, 1, Outcome::Failed)];
    assert_eq!(given.memory().written, []);
}

#[test]
fn the_memory_says_when_its_run_started_and_why_that_run_had_no_memory() {
    let mut given = Given::new(Changes::default());
    assert_eq!(
        (given.memory().started_at, given.memory().lost),
        (at(NOW), None)
    );
    given.plan.inputs.memory_lost = Some("cut".to_owned());
    assert_eq!(given.memory().lost.as_deref(), Some("cut"));
}

#[test]
fn a_mark_that_a_person_approved_is_remembered_as_such() {
    let mut changes = marks(&[1, 2]);
    changes.entries.marks[1].category = Category::Unexplained;
    let mut given = Given::new(changes);
    given.judge(Category::Unexplained, true, true);
    given.results = vec![
        outcome(Action::Mark, 1, Outcome::Done),
        outcome(Action::Mark, 2, Outcome::Done),
    ];
    let approved: Vec<_> = given
        .memory()
        .marked
        .iter()
        .map(|one| one.approved)
        .collect();
    assert_eq!(approved, [false, true]);
    given.judge(Category::Unexplained, true, false);
    assert_eq!(given.marked(), [1], "what is held was not sent");
}

#[test]
fn a_run_that_failed_has_not_watched() {
    let mut given = Given::new(Changes::default());
    given.memory_before(|before| before.watched_at = Some(at(BEFORE)));
    assert_eq!(given.memory().watched_at, Some(at(NOW)));
    given.finished = false;
    assert_eq!(given.memory().watched_at, Some(at(BEFORE)));
}

#[test]
fn a_lost_memory_is_news_until_people_were_told_and_only_once() {
    let news = |given: &Given| lost_news(&given.plan.inputs).map(str::to_owned);
    let mut lost = Given::new(Changes::default());
    lost.plan.inputs.memory_lost = Some("cut".to_owned());
    assert_eq!(news(&lost).as_deref(), Some("cut"));

    let planned = Planned {
        plan: lost.plan.clone(),
        entries: Entries::default(),
    };
    let foreseen = remember(&PlannedRun::cut_off(&planned), at(NOW));
    let mut next = Given::new(Changes::default());
    next.memory_before(|before| *before = foreseen);
    assert_eq!(
        news(&next).as_deref(),
        Some("cut"),
        "it was cut off behind compare"
    );

    let told = next.memory();
    let mut after = Given::new(Changes::default());
    after.memory_before(|before| *before = told);
    assert_eq!(news(&after), None);
    after.plan.inputs.memory_lost = Some("cut".to_owned());
    assert_eq!(news(&after), None, "the same loss, told before");
    after.plan.inputs.memory_lost = Some("torn".to_owned());
    assert_eq!(news(&after).as_deref(), Some("torn"));
}
