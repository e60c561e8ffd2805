//! What became of the planned records: of each, and in numbers.

use std::collections::{BTreeMap, BTreeSet};

use super::Section;
use super::cells::Cell;
use domain::model::{Action, Category, Mode, Outcome, RecordOutcome};
use domain::plan::{KnownResults, PlannedRun};

/// The outcomes of one kind by account (creates) or organization (updates, marks).
pub(super) struct Outcomes<'a>(BTreeMap<String, &'a RecordOutcome>);

impl<'a> Outcomes<'a> {
    pub(super) fn of(run: &'a PlannedRun<'_>, action: Action) -> Self {
        let of_kind = run.results.iter().filter(|result| result.action == action);
        let keyed = of_kind.filter_map(|result| {
            let key = match action {
                Action::Create => result.salesforce_id.clone(),
                Action::Update | Action::Mark => result.id.map(|id| id.to_string()),
            };
            Some((key?, result))
        });
        Self(keyed.collect())
    }

    pub(super) fn of_organization(&self, id: u64) -> Option<Outcome> {
        self.of_account(&id.to_string())
    }

    pub(super) fn of_account(&self, key: &str) -> Option<Outcome> {
        self.0.get(key).map(|result| result.outcome)
    }

    /// What became of the mark that an update was to take back, whatever became of the rest of it.
    pub(super) fn of_unmark(&self, id: u64) -> Option<Outcome> {
        self.0.get(&id.to_string()).map(|result| of_unmark(result))
    }

    /// The organization that was created for an account.
    pub(super) fn created(&self, account: &str) -> Option<u64> {
        self.0.get(account).and_then(|result| result.id)
    }
}

fn of_unmark(result: &RecordOutcome) -> Outcome {
    if result.unmarked {
        Outcome::Done
    } else {
        result.outcome
    }
}

fn of_record(result: &RecordOutcome) -> Outcome {
    result.outcome
}

/// What became of a record, in a word.
pub(super) fn word(run: &PlannedRun<'_>, outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Done) => "done",
        Some(Outcome::Failed) => "FAILED",
        Some(Outcome::Drifted) => "drifted",
        Some(Outcome::Unknown) => "unknown",
        None if run.planned.plan.mode == Mode::Plan => "planned",
        None => "not known",
    }
}

/// The numbers of each kind: planned, done, held.
pub(super) fn plan_and_result(run: &PlannedRun<'_>) -> Option<Section> {
    let counts = &run.planned.plan.counts;
    let unmarked: BTreeSet<u64> = run
        .planned
        .entries
        .updates
        .iter()
        .filter(|update| update.unmark().is_some())
        .map(|update| update.id)
        .collect();
    let unexplained = run.planned.entries.marks_of(Category::Unexplained);
    let unexplained: BTreeSet<u64> = unexplained.map(|mark| mark.id).collect();
    let is_unexplained = |result: &RecordOutcome| {
        let id = result.id;
        result.action == Action::Mark && id.is_some_and(|id| unexplained.contains(&id))
    };
    let is_mark = |result: &RecordOutcome| result.action == Action::Mark && !is_unexplained(result);
    let of_action = |action| move |result: &RecordOutcome| result.action == action;
    let is_unmark = |result: &RecordOutcome| {
        result.action == Action::Update && result.id.is_some_and(|id| unmarked.contains(&id))
    };
    let kinds = [
        Kind {
            name: "creates",
            planned: counts.creates,
            held: held_entries(run, Category::Creates),
            belongs: &of_action(Action::Create),
            outcome: of_record,
        },
        Kind {
            name: "updates",
            planned: counts.updates,
            held: held_entries(run, Category::Updates),
            belongs: &of_action(Action::Update),
            outcome: of_record,
        },
        Kind {
            name: "un-marks among them",
            planned: counts.unmarks,
            held: 0,
            belongs: &is_unmark,
            outcome: of_unmark,
        },
        Kind {
            name: "marks",
            planned: counts.marks,
            held: held_entries(run, Category::Marks),
            belongs: &is_mark,
            outcome: of_record,
        },
        Kind {
            name: "unexplained marks",
            planned: counts.unexplained,
            held: held_entries(run, Category::Unexplained),
            belongs: &is_unexplained,
            outcome: of_record,
        },
    ];
    let rows = kinds.iter().map(|kind| result_row(run, kind));
    let head = [
        "kind", "planned", "done", "proven", "failed", "unknown", "drifted", "held",
    ];
    Section::of("Plan and result", note(run), &head, rows)
}

/// How far the numbers can be relied on.
fn note(run: &PlannedRun<'_>) -> &'static str {
    match (run.known, run.planned.plan.mode) {
        (KnownResults::All, _) => {
            "Done: Zendesk took it. Proven: its own result for that very record says so, or the \
             fields read back."
        }
        (_, Mode::Plan) => "In plan mode nothing is applied.",
        (KnownResults::SoFar, Mode::Apply) => {
            "As far as it was known when the run failed; what is missing may be done or not, and \
             the next run finds out."
        }
        (KnownResults::None, Mode::Apply) => {
            "The run was cut off; sync-state.json says how far it came, and the next run finds out \
             what is done."
        }
    }
}

fn held_entries(run: &PlannedRun<'_>, category: Category) -> usize {
    let held = run.planned.plan.guard.held();
    held.iter()
        .find(|held| held.category == category)
        .map_or(0, |held| held.count)
}

/// One kind of planned records.
struct Kind<'a> {
    name: &'static str,
    planned: usize,
    held: usize,
    /// True for the results of this kind.
    belongs: &'a dyn Fn(&RecordOutcome) -> bool,
    /// What became of such a record.
    outcome: fn(&RecordOutcome) -> Outcome,
}

/// A row of "Plan and result": how many were planned, what became of those, how many are held.
fn result_row(run: &PlannedRun<'_>, kind: &Kind<'_>) -> Vec<Cell> {
    let Kind {
        name,
        planned,
        held,
        belongs,
        outcome,
    } = kind;
    let mut done = 0;
    let mut proven = 0;
    let mut failed = 0;
    let mut unknown = 0;
    let mut drifted = 0;
    for result in run.results.iter().filter(|result| belongs(result)) {
        match outcome(result) {
            Outcome::Done => {
                done += 1;
                proven += 1;
            }
            Outcome::Unknown => {
                // Of the records without a result, Zendesk accepted those that were sent with a
                // job.
                done += usize::from(result.job_id.is_some());
                unknown += 1;
            }
            Outcome::Failed => failed += 1,
            Outcome::Drifted => drifted += 1,
        }
    }
    let known = |number: usize| match run.known {
        KnownResults::None => "not known".into(),
        KnownResults::All | KnownResults::SoFar => Cell::from(number),
    };
    vec![
        (*name).into(),
        (*planned).into(),
        known(done),
        known(proven),
        known(failed),
        known(unknown),
        known(drifted),
        (*held).into(),
    ]
}
