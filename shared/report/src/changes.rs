//! Creates and updates, one row a record; what is held is apart.

use std::borrow::Cow;

use super::cells::Cell;
use super::outcome::{Outcomes, word};
use super::{ReportContext, Section};
use domain::model::{ACCOUNT_TYPE, Action, Category, FieldValue, MARK_FOR_DELETION, Mapping};
use domain::plan::PlannedRun;
use domain::plan::{Change, Create, Update};

/// Creates that wait for an approval.
pub(super) fn held_creates(run: &PlannedRun<'_>) -> Option<Section> {
    if !run.planned.plan.guard.holds(Category::Creates) {
        return None;
    }
    Section::of_held(
        "Held creates",
        "None of these organizations is created.",
        &["account", "name", "type"],
        run.planned.entries.creates.iter().map(create_cells),
        "creates.json",
    )
}

pub(super) fn creates(run: &PlannedRun<'_>) -> Option<Section> {
    if run.planned.plan.guard.holds(Category::Creates) {
        return None;
    }
    let outcomes = Outcomes::of(run, Action::Create);
    let rows = run.planned.entries.creates.iter().map(|create| {
        let id = outcomes.created(create.salesforce_id.as_str());
        let outcome = outcomes.of_account(create.salesforce_id.as_str());
        let mut row = create_cells(create);
        row.push(id.map_or_else(Cell::default, Cell::organization));
        row.push(word(run, outcome).into());
        row
    });
    let head = ["account", "name", "type", "organization", "result"];
    Section::list("New organizations", "", &head, rows, "creates.json")
}

fn create_cells(create: &Create) -> Vec<Cell> {
    let Create {
        salesforce_id,
        name,
        fields,
    } = create;
    let kind = fields.get(ACCOUNT_TYPE).and_then(FieldValue::as_text);
    vec![
        Cell::account(salesforce_id),
        name.as_str().into(),
        kind.unwrap_or_default().into(),
    ]
}

/// The columns of an update.
const HEAD: [&str; 4] = ["organization", "name", "account", "changes"];

/// Updates that wait for an approval, without their un-marks, which are never held.
pub(super) fn held_updates(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    if !run.planned.plan.guard.holds(Category::Updates) {
        return None;
    }
    let held = run
        .planned
        .entries
        .updates
        .iter()
        .filter_map(|update| update.without(MARK_FOR_DELETION.name()));
    Section::of_held(
        "Held updates",
        "None of these values is written.",
        &HEAD,
        held.map(|update| update_cells(&update, context.mapping())),
        "updates.json",
    )
}

/// Updates of this run; marks that are taken back are among them.
pub(super) fn changes(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let is_held = run.planned.plan.guard.holds(Category::Updates);
    let applied: Cow<'_, [Update]> = if is_held {
        run.planned
            .entries
            .updates
            .iter()
            .filter_map(Update::only_unmark)
            .collect()
    } else {
        run.planned.entries.updates.as_slice().into()
    };
    let outcomes = Outcomes::of(run, Action::Update);
    let rows = applied.iter().map(|update| {
        let outcome = outcomes.of_organization(update.id);
        let mut row = update_cells(update, context.mapping());
        row.push(word(run, outcome).into());
        row
    });
    let mut head = HEAD.to_vec();
    head.push("result");
    let note = if is_held {
        "Marks that are taken back; they are never held."
    } else {
        ""
    };
    Section::list("Changes", note, &head, rows, "updates.json")
}

fn update_cells(update: &Update, mapping: &Mapping) -> Vec<Cell> {
    let Update {
        id,
        salesforce_id,
        name,
        changes,
    } = update;
    vec![
        Cell::organization(*id),
        name.as_str().into(),
        Cell::account(salesforce_id),
        Cell::lines(changes.iter().map(|one| change(one, mapping))),
    ]
}

fn change(change: &Change, mapping: &Mapping) -> Cell {
    let Change { field, old, new } = change;
    Cell::from(format!("{}: ", mapping.shown(field)))
        .and(value(old))
        .and(" \u{2192} ")
        .and(value(new))
}

/// A value as a person reads it.
pub(super) fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Text(text) => text.as_deref().unwrap_or("(empty)").to_owned(),
    }
}
