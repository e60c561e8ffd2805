//! What the next runs must know of a run that ends. Pure: the same run gives the same memory,
//! however often it ends.
//!
//! Source: contract, section 4, "`memory.json`".

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::guard::entry_keys;
use super::{Inputs, Judged, KnownResults, Past, Planned, PlannedRun};
use crate::model::{
    AccountId, Action, Category, FieldValue, Header, HeldKeys, MARK_FOR_DELETION, Mapping, Memory,
    Outcome, OwnMark, RecordOutcome, Written,
};

/// The most values in the memory that the last run wrote: more would be no list of exceptions.
const MOST_WRITTEN: usize = 10_000;

/// The memory after a run in apply mode that ended at this moment. If the run was cut short, no
/// clock starts or stops, and a record without a result may be done or not.
pub fn remember(run: &PlannedRun<'_>, ended_at: Timestamp) -> Memory {
    let plan = &run.planned.plan;
    let before = plan.inputs.memory.as_ref();
    let absent = if run.is_finished() {
        plan.found.absent.clone()
    } else {
        before
            .map(|memory| memory.absent.clone())
            .unwrap_or_default()
    };
    let results = by_record(&run.results);
    let marked = own_marks(run, &results, ended_at);
    Memory {
        header: Header::new(&plan.header.run_id, ended_at, absent.len() + marked.len()),
        absent,
        marked,
        held: held(run),
        written: written(run, &results),
        started_at: plan.inputs.started_at,
        mapping: plan.mapping.as_ref().map(Mapping::outline),
        lost: lost(&plan.inputs),
        lost_untold: run.known == KnownResults::None && lost_news(&plan.inputs).is_some(),
        watched_at: if run.is_finished() {
            Some(plan.inputs.started_at)
        } else {
            before.map(Memory::watched_at)
        },
    }
}

/// Why the memory is lost: in this run, or in the one that was cut off before people were told.
fn lost(inputs: &Inputs) -> Option<String> {
    let lost = inputs.memory_lost.as_deref();
    lost.or_else(|| lost_news(inputs)).map(str::to_owned)
}

/// Why the memory is lost, if people were not told yet: in this run, or in one that was cut off.
pub fn lost_news(inputs: &Inputs) -> Option<&str> {
    let before = inputs.memory.as_ref();
    let told = before.filter(|memory| !memory.lost_untold);
    let told = told.and_then(|memory| memory.lost.as_deref());
    let untold = before.filter(|memory| memory.lost_untold);
    let lost = inputs.memory_lost.as_deref();
    lost.filter(|why| told != Some(*why))
        .or_else(|| untold.and_then(|memory| memory.lost.as_deref()))
}

type Results<'a> = BTreeMap<(Action, u64), &'a RecordOutcome>;

fn by_record(results: &[RecordOutcome]) -> Results<'_> {
    let keyed = results.iter().map(|one| Some(((one.action, one.id?), one)));
    keyed.flatten().collect()
}

/// The marks that stood and were not taken back, and those that this run has set or may have set. A
/// mark too many leaves the memory when the next run sees that the organization is not marked. A
/// job that counts as failed may still be done later.
fn own_marks(run: &PlannedRun<'_>, results: &Results<'_>, ended_at: Timestamp) -> Vec<OwnMark> {
    let plan = &run.planned.plan;
    let mut marked = plan.found.own_marks.clone();
    let update_of = |one: &OwnMark| results.get(&(Action::Update, one.id));
    marked.retain(|one| !update_of(one).is_some_and(|update| update.unmarked));
    let accounts: BTreeMap<u64, &AccountId> = plan
        .found
        .absent
        .iter()
        .map(|one| (one.id, &one.salesforce_id))
        .collect();
    for mark in run.planned.free_marks() {
        let result = results.get(&(Action::Mark, mark.id));
        let may_be_set = match result.map(|result| result.outcome) {
            Some(Outcome::Done | Outcome::Unknown | Outcome::Failed) => true,
            // Left out because somebody changed it: a mark on it would be theirs.
            Some(Outcome::Drifted) => false,
            None => !run.is_finished(),
        };
        if let Some(account) = accounts.get(&mark.id).filter(|_| may_be_set) {
            marked.push(OwnMark {
                id: mark.id,
                salesforce_id: (*account).clone(),
                at: ended_at,
                approved: plan.guard.approves(mark.category),
                perhaps: false,
                exempt: mark.exempt,
            });
        }
    }
    marked.sort_by_key(|one| one.id);
    marked
}

fn held(run: &PlannedRun<'_>) -> HeldKeys {
    let judged = run.planned.plan.guard.categories.iter();
    let of_category = judged.map(|judged| (judged.category, held_of(run, judged)));
    of_category.filter(|(_, keys)| !keys.is_empty()).collect()
}

/// The keys that keep a category held in the next run. An approval releases them only if it was
/// applied to its end.
fn held_of(run: &PlannedRun<'_>, judged: &Judged) -> BTreeSet<String> {
    let category = judged.category;
    let entries = entry_keys(category, &run.planned.entries);
    let is_held = judged.is_held() || (judged.exceeded && !run.is_finished());
    if category != Category::Marks {
        return if is_held { entries } else { BTreeSet::new() };
    }
    let mut keys = held_and_not_planned(run);
    if is_held {
        keys.extend(entries);
    } else {
        keys.retain(|key| !entries.contains(key));
    }
    keys
}

/// Organizations whose mark was held before, and whose account is still missing. A mark is not
/// released because its organization waits again, or is in a conflict for an hour. Nor is it
/// released because the account was back in a run that failed: the clock runs on, so the
/// organization could be marked in the next hour. After a lost memory it is all of them: any may
/// have been held.
fn held_and_not_planned(run: &PlannedRun<'_>) -> BTreeSet<String> {
    let plan = &run.planned.plan;
    let found = &plan.found;
    let marked = found.already_marked.iter().chain(&found.exempt);
    let marked: BTreeSet<u64> = marked.map(|one| one.id).collect();
    let memory = plan.inputs.memory.as_ref();
    let held = memory.and_then(|memory| memory.held.get(&Category::Marks));
    let was_held = |key: &String| held.is_some_and(|held| held.contains(key));
    let is_lost = plan.inputs.memory_lost.is_some();
    let before = memory.map_or(&[][..], |memory| &memory.absent);
    let run_on = before.iter().filter(|_| !run.is_finished());
    let absent = plan.found.absent.iter().chain(run_on).map(|one| one.id);
    absent
        .filter(|id| !marked.contains(id))
        .map(|id| id.to_string())
        .filter(|key| is_lost || was_held(key))
        .collect()
}

/// What was written, and in how many runs in a row. A value that is planned but was not written by
/// this run keeps its number.
fn written(run: &PlannedRun<'_>, results: &Results<'_>) -> Vec<Written> {
    let Planned { plan, entries } = run.planned.as_ref();
    let memory = plan.inputs.memory.as_ref();
    let past = memory.map_or_else(Past::default, Past::remembered);
    let mut all = Vec::new();
    let mut note = |id: u64, field: &str, value: &FieldValue, is_done: bool| {
        let before = past.times_written(id, field, value).unwrap_or_default();
        let runs = before + u32::from(is_done);
        if runs > 0 {
            all.push(Written {
                id,
                field: field.to_owned(),
                value_sha256: Written::digest(value),
                runs,
            });
        }
    };
    let updates_are_held = plan.guard.holds(Category::Updates);
    for update in &entries.updates {
        let result = results.get(&(Action::Update, update.id));
        for change in &update.changes {
            let is_held = updates_are_held && change.field != MARK_FOR_DELETION.name();
            let is_done = result.is_some_and(|one| one.has_written(&change.field)) && !is_held;
            note(update.id, &change.field, &change.new, is_done);
        }
    }
    for mark in &entries.marks {
        let result = results.get(&(Action::Mark, mark.id));
        let is_done = result.is_some_and(|one| one.has_written(MARK_FOR_DELETION.name()));
        note(
            mark.id,
            MARK_FOR_DELETION.name(),
            &FieldValue::Flag(true),
            is_done,
        );
    }
    all.truncate(MOST_WRITTEN);
    all
}

#[cfg(test)]
#[path = "remember_tests.rs"]
mod tests;
