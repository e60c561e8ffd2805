//! What the next purge deletes.

use std::collections::BTreeSet;

use super::{Conflict, Plan, Update};
use crate::model::{Action, Outcome, RecordOutcome};

/// Organizations that the next purge deletes unless their mark is taken back: those without account
/// that were marked before, those this run has marked or may have, those whose mark it could not
/// take back, and marked ones of a conflict, which nobody touches.
#[must_use]
pub fn marks_pending(plan: &Plan, updates: &[Update], results: &[RecordOutcome]) -> usize {
    let is_set = |result: &&RecordOutcome| {
        let may_be = matches!(result.outcome, Outcome::Done | Outcome::Unknown);
        result.action == Action::Mark && may_be
    };
    let set = results.iter().filter(is_set).count();
    let done = results
        .iter()
        .filter(|result| result.action == Action::Update && result.outcome == Outcome::Done);
    let written: BTreeSet<u64> = done.filter_map(|result| result.id).collect();
    let unmarks = updates.iter().filter(|update| update.unmark().is_some());
    let still_marked = unmarks.filter(|update| !written.contains(&update.id));
    plan.already_marked.len() + set + still_marked.count() + marked_in_conflicts(&plan.conflicts)
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
        let mut plan = comparison.plan(Header::new("r", 1), Mode::Apply, lists(), inputs, usage);
        let updates = &comparison.changes.updates;
        let pending =
            |plan: &Plan, results: &[RecordOutcome]| marks_pending(plan, updates, results);

        assert_eq!(
            pending(&plan, &[]),
            2,
            "the one of before, and one not taken back"
        );
        let taken_back = result(Action::Update, 2, Outcome::Done);
        assert_eq!(pending(&plan, std::slice::from_ref(&taken_back)), 1);
        let set = [
            Outcome::Done,
            Outcome::Unknown,
            Outcome::Failed,
            Outcome::Drifted,
        ];
        let set = set.map(|outcome| result(Action::Mark, 7, outcome));
        assert_eq!(pending(&plan, &set), 4, "done and unknown ones may stand");
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
        assert_eq!(pending(&plan, &[taken_back]), 2);
    }
}
