//! Values that the last run wrote in vain: they have to be written again. Zendesk drops the value,
//! or another writer changes it back.

use super::{Change, Entries, Mark, Past, Repeated, Update};
use crate::model::{FieldValue, MARK_FOR_DELETION};

/// The planned changes of fields, marks included, that were done in the run before with the same
/// value.
pub(super) fn repeated(entries: &Entries, past: &Past) -> Vec<Repeated> {
    let mut all = Vec::new();
    for update in &entries.updates {
        let again = update
            .changes
            .iter()
            .filter_map(|change| again(update, change, past));
        all.extend(again);
    }
    let marked_again = entries
        .marks
        .iter()
        .filter_map(|mark| marked_again(mark, past));
    all.extend(marked_again);
    all
}

fn again(update: &Update, change: &Change, past: &Past) -> Option<Repeated> {
    let Change { field, old, new } = change;
    Some(Repeated {
        id: update.id,
        salesforce_id: Some(update.salesforce_id.to_string()),
        name: update.name.clone(),
        field: field.clone(),
        written: new.clone(),
        found: old.clone(),
        runs: past.times_written(update.id, field, new)?,
    })
}

fn marked_again(mark: &Mark, past: &Past) -> Option<Repeated> {
    Some(Repeated {
        id: mark.id,
        salesforce_id: mark.salesforce_id.clone(),
        name: mark.name.clone(),
        field: MARK_FOR_DELETION.name().to_owned(),
        written: FieldValue::Flag(true),
        found: FieldValue::Flag(false),
        runs: past.times_marked(mark.id)?,
    })
}
