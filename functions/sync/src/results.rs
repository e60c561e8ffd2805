//! What became of every record, as `results.json` has it.

use std::collections::HashMap;

use domain::model::{Action, Outcome, RecordOutcome};

use crate::state::{Decided, State};
use crate::work::Work;

/// An outcome for every record that was to be applied, in the order of the plan.
pub fn of_finished(work: &Work, state: &State) -> Vec<RecordOutcome> {
    let decided = by_record(state);
    let bulk = records(work).map(|record| of_record(work, record, decided.get(&record).copied()));
    creates(work, state).chain(bulk).collect()
}

/// The outcomes decided so far, for a stage that failed.
pub fn so_far(work: &Work, state: &State) -> Vec<RecordOutcome> {
    let decided = by_record(state);
    let known = records(work).filter_map(|record| {
        let decided = decided.get(&record)?;
        Some(of_record(work, record, Some(decided)))
    });
    creates(work, state).chain(known).collect()
}

/// An update or mark: its kind and its place in the list.
type Record = (Action, usize);

/// All updates, then all marks.
fn records(work: &Work) -> impl Iterator<Item = Record> {
    let updates = (0..work.len(Action::Update)).map(|place| (Action::Update, place));
    let marks = (0..work.len(Action::Mark)).map(|place| (Action::Mark, place));
    updates.chain(marks)
}

fn by_record(state: &State) -> HashMap<Record, &Decided> {
    let mut all = HashMap::new();
    for decided in state.decided.iter() {
        for place in decided.places.iter().cloned().flatten() {
            all.insert((decided.action, place), decided);
        }
    }
    all
}

/// The outcome of a record; unknown if nothing was decided.
fn of_record(work: &Work, record: Record, decided: Option<&Decided>) -> RecordOutcome {
    let (action, place) = record;
    RecordOutcome {
        action,
        id: work.id(action, place),
        salesforce_id: work.salesforce_id(action, place),
        outcome: decided.map_or(Outcome::Unknown, |one| one.outcome),
        job_id: decided.and_then(|one| one.job_id.clone()),
        error: decided.and_then(|one| one.error.clone()),
        runs_failed: None,
    }
}

fn creates<'a>(work: &'a Work, state: &'a State) -> impl Iterator<Item = RecordOutcome> + 'a {
    let tried = state.creates.iter().enumerate();
    tried.map(|(place, result)| RecordOutcome {
        action: Action::Create,
        id: result.id,
        salesforce_id: work.salesforce_id(Action::Create, place),
        outcome: result.outcome,
        job_id: None,
        error: result.error.clone(),
        runs_failed: None,
    })
}
