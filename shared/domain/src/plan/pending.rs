//! What the next purge deletes.

use std::collections::BTreeSet;

use super::{Conflict, Mark, Plan, Update};
use crate::model::{Action, Guarded, Mode, Outcome, RecordOutcome};

/// Organizations that the next purge deletes unless their mark is taken back: those without account
/// that were marked before, those this run has marked or may have, those whose mark it could not
/// take back, and marked ones of a conflict, which nobody touches.
pub fn marks_pending(
    plan: &Plan,
    updates: &[Update],
    marks: &[Mark],
    results: &[RecordOutcome],
) -> usize {
    let set = marks_set(plan, marks, results).len();
    let not_taken_back = still_marked(updates, results).len();
    plan.already_marked.len() + set + not_taken_back + marked_in_conflicts(&plan.conflicts)
}

/// The marks that this run has set, or may have: one without a result was perhaps sent.
pub fn marks_set(plan: &Plan, marks: &[Mark], results: &[RecordOutcome]) -> BTreeSet<u64> {
    if plan.mode == Mode::Plan || plan.guard.holds(Guarded::Marks) {
        return BTreeSet::new();
    }
    let is_not_set = |result: &&RecordOutcome| {
        let is_not = matches!(result.outcome, Outcome::Failed | Outcome::Drifted);
        result.action == Action::Mark && is_not
    };
    let not_set: BTreeSet<u64> = results
        .iter()
        .filter(is_not_set)
        .filter_map(|result| result.id)
        .collect();
    let planned = marks.iter().map(|mark| mark.id);
    planned.filter(|id| !not_set.contains(id)).collect()
}

/// Organizations whose mark this run was to take back, and did not.
pub fn still_marked(updates: &[Update], results: &[RecordOutcome]) -> BTreeSet<u64> {
    let done = results
        .iter()
        .filter(|result| result.action == Action::Update && result.outcome == Outcome::Done);
    let written: BTreeSet<u64> = done.filter_map(|result| result.id).collect();
    let unmarks = updates.iter().filter(|update| update.unmark().is_some());
    let ids = unmarks.map(|update| update.id);
    ids.filter(|id| !written.contains(id)).collect()
}

fn marked_in_conflicts(conflicts: &[Conflict]) -> usize {
    let parties = conflicts.iter().flat_map(|one| &one.organizations);
    let marked = parties.filter(|party| party.marked);
    let ids: BTreeSet<u64> = marked.filter_map(|party| party.id).collect();
    ids.len()
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{gathered, inputs, lists, organization, owned};
    use super::super::{Comparison, Party};
    use super::*;
    use crate::model::{Complete, FieldValue, Formers, Header, MARK_FOR_DELETION, Mode, RunUsage};

    fn result(action: Action, id: u64, outcome: Outcome) -> RecordOutcome {
        RecordOutcome {
            action,
            id: Some(id),
            salesforce_id: None,
            outcome,
            job_id: None,
            error: None,
            runs_failed: None,
        }
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
        );
        let comparison = comparison.unwrap();
        let usage = RunUsage::default();
        let (mut plan, entries) =
            comparison.plan(Header::new("r", 1), Mode::Apply, lists(), inputs, usage);
        let updates = &entries.updates;
        let marks = [5, 6, 7, 8].map(|id| Mark {
            id,
            salesforce_id: None,
            name: "x".to_owned(),
            reason: "x".to_owned(),
        });
        let pending =
            |plan: &Plan, results: &[RecordOutcome]| marks_pending(plan, updates, &marks, results);

        for judged in &mut plan.guard.categories {
            judged.exceeded = true;
        }
        assert_eq!(
            pending(&plan, &[]),
            2,
            "marks are held: one of before, one not taken back"
        );
        let taken_back = result(Action::Update, 2, Outcome::Done);
        assert_eq!(pending(&plan, std::slice::from_ref(&taken_back)), 1);
        for judged in &mut plan.guard.categories {
            judged.exceeded = false;
        }
        let mut results = vec![
            taken_back,
            result(Action::Mark, 5, Outcome::Done),
            result(Action::Mark, 6, Outcome::Failed),
            result(Action::Mark, 7, Outcome::Drifted),
        ];
        assert_eq!(
            pending(&plan, &results),
            3,
            "without a result it may be set"
        );
        results.push(result(Action::Mark, 8, Outcome::Unknown));
        assert_eq!(pending(&plan, &results), 3);
        let party = Party {
            id: Some(9),
            salesforce_id: None,
            name: "x".to_owned(),
            belongs_to: None,
            account_type: None,
            marked: true,
        };
        let conflict = Conflict {
            reason: "x".to_owned(),
            accounts: Vec::new(),
            organizations: vec![party],
        };
        plan.conflicts = vec![conflict.clone(), conflict];
        assert_eq!(pending(&plan, &results), 4);
    }
}
