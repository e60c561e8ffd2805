//! What the next purge deletes.

use std::collections::BTreeSet;

use super::{Conflict, PlannedRun};
use crate::model::{Action, Mode, Outcome, RecordOutcome};

/// How many organizations the next purge may delete unless their mark is taken back: those that
/// were marked before and stay so, those this run has marked or may have, those whose mark it could
/// not take back, and marked ones in a conflict. Those it leaves alone are not counted.
pub fn marks_pending(run: &PlannedRun<'_>) -> usize {
    let found = &run.planned.plan.found;
    let mut pending: BTreeSet<u64> = found.already_marked.iter().map(|one| one.id).collect();
    pending.extend(marked_in_conflicts(&found.conflicts));
    for id in taken_back(run) {
        pending.remove(&id);
    }
    pending.extend(marks_set(run));
    pending.extend(still_marked(run));
    let exempt = run.planned.entries.marks.iter().filter(|mark| mark.exempt);
    for mark in exempt {
        pending.remove(&mark.id);
    }
    pending.len()
}

/// The marks that this run has set, or may have: one without a result may have been sent.
pub fn marks_set(run: &PlannedRun<'_>) -> BTreeSet<u64> {
    if run.planned.plan.mode == Mode::Plan {
        return BTreeSet::new();
    }
    let is_not_set = |result: &&RecordOutcome| {
        let is_not = matches!(result.outcome, Outcome::Failed | Outcome::Drifted);
        result.action == Action::Mark && is_not
    };
    let not_set: BTreeSet<u64> = run
        .results
        .iter()
        .filter(is_not_set)
        .filter_map(|result| result.id)
        .collect();
    let planned = run.planned.free_marks().map(|mark| mark.id);
    planned.filter(|id| !not_set.contains(id)).collect()
}

/// Organizations whose mark this run has taken back.
fn taken_back(run: &PlannedRun<'_>) -> BTreeSet<u64> {
    let unmarked = run.results.iter().filter(|result| result.unmarked);
    unmarked.filter_map(|result| result.id).collect()
}

/// Organizations whose mark this run was to take back, and did not.
pub fn still_marked(run: &PlannedRun<'_>) -> BTreeSet<u64> {
    let done = taken_back(run);
    let to_be_taken_back = run.planned.plan.found.taken_back.iter().map(|one| one.id);
    to_be_taken_back.filter(|id| !done.contains(id)).collect()
}

fn marked_in_conflicts(conflicts: &[Conflict]) -> BTreeSet<u64> {
    let parties = conflicts.iter().flat_map(|one| &one.organizations);
    let marked = parties.filter(|party| party.marked);
    marked.filter_map(|party| party.id).collect()
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{
        MAPPING, MARK_FOR_DELETION, a_mark, gathered, inputs, lists, organization, owned,
    };
    use super::super::{Clash, Comparison, Party, Planned};
    use super::*;
    use crate::model::{Complete, FieldValue, Formers, Header, Mode, RunUsage, Usage};

    fn result(action: Action, id: u64, outcome: Outcome) -> RecordOutcome {
        RecordOutcome::of(action, Some(id), outcome)
    }

    #[test]
    fn whatever_may_carry_a_mark_after_the_run_is_counted_once() {
        let marked = (MARK_FOR_DELETION, FieldValue::Flag(true));
        let partner = owned(2, "Here", "Open", "Ada");
        let back = organization(2, &partner, std::slice::from_ref(&marked));
        let gone = organization(1, &owned(1, "Gone", "Open", "Ada"), &[marked]);
        let accounts = Complete::for_tests(vec![partner]);
        let inputs = inputs("2026-11-23T06:00:00Z".parse().unwrap(), 0);
        let comparison = Comparison::of(
            &accounts,
            &Formers::default(),
            gathered(vec![back, gone]),
            &inputs,
            &MAPPING,
            None,
        );
        let comparison = comparison.unwrap();
        let usage = RunUsage::default();
        let mut planned = comparison.plan(
            Header::new("r", jiff::Timestamp::UNIX_EPOCH, 1),
            Mode::Apply,
            lists(),
            inputs,
            usage,
        );
        let marks = [5, 6, 7, 8, 10].map(a_mark);
        planned.entries.marks = marks.into();
        let pending = |planned: &Planned, results: &[RecordOutcome]| {
            let results = results.to_vec();
            let run = PlannedRun::applied(planned, results, Vec::new(), &Usage::default());
            marks_pending(&run)
        };

        for judged in &mut planned.plan.guard.categories {
            judged.exceeded = true;
        }
        assert_eq!(
            pending(&planned, &[]),
            2,
            "marks are held: one of before, one not taken back"
        );
        let update = result(Action::Update, 2, Outcome::Done);
        assert_eq!(pending(&planned, std::slice::from_ref(&update)), 2);
        let taken_back = RecordOutcome {
            unmarked: true,
            outcome: Outcome::Failed,
            ..update
        };
        assert_eq!(
            pending(&planned, std::slice::from_ref(&taken_back)),
            1,
            "a refusal of the rest keeps no mark standing"
        );
        for judged in &mut planned.plan.guard.categories {
            judged.exceeded = false;
        }
        let mut results = vec![
            taken_back,
            result(Action::Mark, 5, Outcome::Done),
            result(Action::Mark, 6, Outcome::Failed),
            result(Action::Mark, 7, Outcome::Drifted),
            result(Action::Mark, 10, Outcome::Failed),
        ];
        assert_eq!(
            pending(&planned, &results),
            3,
            "without a result it may be set"
        );
        results.push(result(Action::Mark, 8, Outcome::Unknown));
        assert_eq!(pending(&planned, &results), 3);
        let party = Party {
            id: Some(9),
            salesforce_id: None,
            name: "x".to_owned(),
            belongs_to: None,
            account_type: None,
            marked: true,
        };
        let conflict = Conflict {
            reason: Clash::NamesInARing,
            accounts: Vec::new(),
            organizations: vec![party],
        };
        planned.plan.found.conflicts = vec![conflict.clone(), conflict];
        assert_eq!(pending(&planned, &results), 4);
    }
}
