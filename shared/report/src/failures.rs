//! What did not go as planned: failures, drift, and values written in vain.

use std::collections::BTreeMap;

use super::Section;
use super::cells::Cell;
use super::changes::value;
use domain::model::{Outcome, RecordOutcome};
use domain::plan::Repeated;
use domain::plan::{Entries, PlannedRun};

/// After failing in this many runs in a row, a record needs a person to look at it.
pub(super) const RUNS_UNTIL_STUBBORN: u32 = 3;

pub(super) fn failures(run: &PlannedRun<'_>) -> Option<Section> {
    let mut bad: Vec<&RecordOutcome> = run
        .results
        .iter()
        .filter(|result| result.outcome != Outcome::Done)
        .collect();
    if bad.is_empty() {
        return None;
    }
    bad.sort_by_key(|result| std::cmp::Reverse(result.runs_failed));
    let names = names(run);
    let rows = bad.into_iter().map(|result| failure_row(result, &names));
    let head = ["record", "action", "name", "outcome", "why", "runs failed"];
    Section::list(
        "Failures and drift",
        "In Zendesk's own words where it gave any; what failed in most runs comes first. Unknown: \
         it may be applied or not, and the next run finds out.",
        &head,
        rows,
        "results.json",
    )
}

/// The names of all planned records, by account (creates) or organization (updates, marks).
fn names<'a>(run: &'a PlannedRun<'_>) -> BTreeMap<String, &'a str> {
    let mut names = BTreeMap::new();
    let Entries {
        creates,
        updates,
        marks,
    } = &run.planned.entries;
    for create in creates {
        names.insert(create.salesforce_id.to_string(), create.name.as_str());
    }
    for update in updates {
        names.insert(update.id.to_string(), &update.name);
    }
    for mark in marks {
        names.insert(mark.id.to_string(), &mark.name);
    }
    names
}

fn failure_row(result: &RecordOutcome, names: &BTreeMap<String, &str>) -> Vec<Cell> {
    let RecordOutcome {
        action,
        id,
        salesforce_id,
        outcome,
        job_id: _,
        error,
        runs_failed,
    } = result;
    let record = match id {
        Some(id) => Cell::organization(*id),
        None => Cell::salesforce_id(salesforce_id.as_deref()),
    };
    let name = names
        .get(record.text().as_ref())
        .copied()
        .unwrap_or_default();
    let why = match (error.as_deref(), outcome) {
        (Some(words), _) => words,
        (None, Outcome::Drifted) => {
            "changed by somebody since it was read; the next run judges it afresh"
        }
        (None, Outcome::Unknown) => "Zendesk did not say; the next run compares it anew",
        (None, Outcome::Done | Outcome::Failed) => "Zendesk did not say",
    };
    let runs = match runs_failed {
        None => String::new(),
        Some(runs) if *runs >= RUNS_UNTIL_STUBBORN => format!("{runs} (look at it)"),
        Some(runs) => runs.to_string(),
    };
    vec![
        record,
        action.word().into(),
        name.into(),
        outcome.word().into(),
        why.into(),
        runs.into(),
    ]
}

pub(super) fn repeated(run: &PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Repeated| {
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            one.field.as_str().into(),
            value(&one.written).into(),
            value(&one.found).into(),
            u64::from(one.runs).into(),
        ]
    };
    Section::list(
        "Written in vain",
        "Zendesk took these values in the last runs, and has others again: it drops the value, or \
         somebody else takes it back. Find out who writes the field.",
        &["organization", "name", "field", "written", "found", "runs"],
        run.planned.plan.found.repeated.iter().map(row),
        "plan.json",
    )
}
