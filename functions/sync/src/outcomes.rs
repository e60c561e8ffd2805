//! What became of every record, from the progress of sync.

use std::collections::{HashMap, HashSet};

use domain::model::{Action, Outcome, RecordOutcome};

use crate::state::{Chunk, Phase, State};
use crate::work::Work;

/// An update or mark: its kind and its place in the list.
type Record = (Action, usize);

/// An outcome for every record that was to be applied, in the order of the plan.
pub fn of_finished(work: &Work, state: &State) -> Vec<RecordOutcome> {
    let bulk = Bulk::of(state);
    let judged = records(work).map(|record| {
        let outcome = bulk.outcome(record).unwrap_or(Outcome::Unknown);
        bulk.result(work, record, outcome)
    });
    creates(work, state).chain(judged).collect()
}

/// The outcomes that are decided; of a stage that failed.
pub fn so_far(work: &Work, state: &State) -> Vec<RecordOutcome> {
    let bulk = Bulk::of(state);
    let judged = records(work).filter_map(|record| {
        let outcome = bulk.decided(record)?;
        Some(bulk.result(work, record, outcome))
    });
    creates(work, state).chain(judged).collect()
}

/// How many outcomes are decided.
pub fn decided(work: &Work, state: &State) -> usize {
    let bulk = Bulk::of(state);
    let judged = records(work).filter(|record| bulk.decided(*record).is_some());
    state.creates.len() + judged.count()
}

fn creates<'a>(work: &'a Work, state: &'a State) -> impl Iterator<Item = RecordOutcome> + 'a {
    let tried = state.creates.iter().enumerate();
    tried.map(|(index, result)| RecordOutcome {
        action: Action::Create,
        id: result.id,
        salesforce_id: work.salesforce_id(Action::Create, index),
        outcome: result.outcome,
        job_id: None,
        error: result.error.clone(),
        runs_failed: None,
    })
}

/// All updates, then all marks.
fn records(work: &Work) -> impl Iterator<Item = Record> {
    let updates = (0..work.len(Action::Update)).map(|index| (Action::Update, index));
    let marks = (0..work.len(Action::Mark)).map(|index| (Action::Mark, index));
    updates.chain(marks)
}

/// What the progress says of updates and marks.
struct Bulk<'a> {
    exceptions: HashMap<Record, (Outcome, Option<&'a str>)>,
    /// The judged job a record went with.
    job_ids: HashMap<Record, &'a str>,
    /// Records whose job is running, or that are to be sent again. They may have a judged job
    /// behind them all the same.
    open: HashSet<Record>,
}

impl<'a> Bulk<'a> {
    fn of(state: &'a State) -> Self {
        let mut bulk = Self {
            exceptions: HashMap::new(),
            job_ids: HashMap::new(),
            open: HashSet::new(),
        };
        for exception in state.exceptions.iter() {
            let record = (exception.action, exception.index);
            let what = (exception.outcome, exception.error.as_deref());
            bulk.exceptions.insert(record, what);
        }
        for job in state.jobs.iter() {
            let records = records_of(job.chunk);
            match job.phase {
                Phase::Judged => bulk
                    .job_ids
                    .extend(records.map(|record| (record, job.id.as_str()))),
                Phase::Running => bulk.open.extend(records),
                Phase::Halved => {}
            }
        }
        for chunk in &state.again {
            bulk.open.extend(records_of(*chunk));
        }
        bulk
    }

    /// `None` for a record of which nothing is known.
    fn outcome(&self, record: Record) -> Option<Outcome> {
        match self.exceptions.get(&record) {
            Some((outcome, _)) => Some(*outcome),
            None => self.job_ids.get(&record).map(|_| Outcome::Done),
        }
    }

    /// `None` for a record that is still to be judged as well.
    fn decided(&self, record: Record) -> Option<Outcome> {
        let is_undecided = self.open.contains(&record) && !self.exceptions.contains_key(&record);
        self.outcome(record).filter(|_| !is_undecided)
    }

    fn result(&self, work: &Work, record: Record, outcome: Outcome) -> RecordOutcome {
        let (action, index) = record;
        // What drifted was left out of its job.
        let job_id = match outcome {
            Outcome::Drifted => None,
            Outcome::Done | Outcome::Failed | Outcome::Unknown => self.job_ids.get(&record),
        };
        let words = self.exceptions.get(&record).and_then(|(_, words)| *words);
        RecordOutcome {
            action,
            id: work.id(action, index),
            salesforce_id: work.salesforce_id(action, index),
            outcome,
            job_id: job_id.map(|id| (*id).to_owned()),
            error: words.map(str::to_owned),
            runs_failed: None,
        }
    }
}

fn records_of(chunk: Chunk) -> impl Iterator<Item = Record> {
    (chunk.from..chunk.to).map(move |index| (chunk.action, index))
}
