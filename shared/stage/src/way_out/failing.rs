//! In how many runs in a row each record has failed.

use std::collections::{BTreeMap, BTreeSet};

use domain::model::{History, RecordOutcome, failing_key};
use domain::plan::{Entries, Planned, PlannedRun, Repeated};
use jiff::Timestamp;

/// Tells each failed record in how many runs in a row it has failed, this one included, and since
/// when. Keeps both in the history.
///
/// A record that was written in vain is counted like one that failed: Zendesk took the value, and
/// has another one again.
///
/// A run that is in the history already was killed after it had counted, and does not count again.
/// A record that is held was not tried, and keeps its number.
pub(super) fn count(run: &mut PlannedRun<'_>, history: &mut History, now: Timestamp) {
    let Planned { plan, entries } = run.planned.as_ref();
    let this_run = u32::from(!history.has(&plan.header.run_id));
    let mut tried = BTreeMap::new();
    for result in &mut run.results {
        let key = result.failing_key();
        if result.outcome.is_failure() {
            let before = history.failing.get(&key).copied().unwrap_or_default();
            result.runs_failed = Some((before + this_run).max(1));
            let since = history.failing_since.entry(key.clone()).or_insert(now);
            result.failing_since = Some(*since);
        } else {
            result.runs_failed = in_vain(result, &plan.found.repeated);
        }
        tried.insert(key, result.runs_failed);
    }
    let planned = planned_keys(entries);
    let mut failing = std::mem::take(&mut history.failing);
    failing.retain(|key, _| planned.contains(key) && !tried.contains_key(key));
    for (key, runs_failed) in tried {
        if let Some(runs_failed) = runs_failed {
            failing.insert(key, runs_failed);
        }
    }
    history.keep_failing(failing);
}

/// In how many runs in a row a value of the record was written in vain, if it was.
fn in_vain(result: &RecordOutcome, repeated: &[Repeated]) -> Option<u32> {
    let id = result.id?;
    let of_record = repeated.iter().filter(|one| one.id == id);
    of_record.map(|one| one.runs).max()
}

/// The keys of every planned record, held or not.
fn planned_keys(entries: &Entries) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for create in &entries.creates {
        keys.insert(create.salesforce_id.to_string());
    }
    for update in &entries.updates {
        keys.insert(update.salesforce_id.to_string());
    }
    for mark in &entries.marks {
        keys.insert(failing_key(mark.salesforce_id.as_deref(), Some(mark.id)));
    }
    keys
}
