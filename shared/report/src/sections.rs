//! The sections, in the order an operator reads them: what waits for a decision, what went wrong,
//! what was done, what is left as it is, and then how the run went.

use super::cells::Cell;
use super::words::against;
use super::{
    ReportContext, Section, changes, cost, failures, health, inputs, judged, kept, marks, outcome,
    reasons,
};
use domain::model::AccountId;
use domain::plan::PlannedRun;
use domain::plan::{Conflict, Judged, Party};

pub(super) fn all(context: ReportContext<'_>, run: &PlannedRun<'_>) -> [Option<Section>; 26] {
    [
        marks::held_marks(context, run),
        marks::held_unexplained(context, run),
        changes::held_creates(run),
        changes::held_updates(context, run),
        failures::failures(context, run),
        marks::approved_unexplained(context, run),
        marks::marks(context, run),
        marks::already_marked(context, run),
        marks::taken_back(context, run),
        marks::exempt(context, run),
        kept::merged(context, run),
        conflicts(context, run),
        failures::repeated(context, run),
        changes::changes(context, run),
        changes::creates(run),
        kept::waiting(context, run),
        kept::unlinked(context, run),
        kept::deferred(run),
        kept::kept(context, run),
        outcome::plan_and_result(run),
        guard(run),
        inputs::inputs(run),
        health::stages(context, run),
        cost::a_month(context, run),
        health::credentials(context, run),
        health::last_runs(context),
    ]
}

fn conflicts(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let row = |conflict: &Conflict| {
        vec![
            Cell::lines(conflict.accounts.iter().map(party)),
            Cell::lines(conflict.organizations.iter().map(party)),
            Cell::sentence(&reasons::clash(conflict, context.mapping())),
        ]
    };
    Section::list(
        "Conflicts",
        "What clashes waits until a person decides; an organization that is matched by its id goes \
         on.",
        &["accounts", "organizations", "what to do"],
        run.planned.plan.found.conflicts.iter().map(row),
        "plan.json",
    )
}

/// One side of a conflict.
fn party(party: &Party) -> Cell {
    let Party {
        id,
        salesforce_id,
        name,
        belongs_to,
        account_type,
        marked,
    } = party;
    let mut cell = Cell::from(format!("{name} ("));
    if let Some(id) = id {
        cell = cell.and(Cell::organization(*id)).and(", ");
    }
    cell = match salesforce_id.as_deref() {
        Some(text) if AccountId::parse(text).is_ok() => cell.and(Cell::salesforce_id(Some(text))),
        Some(text) => cell.and(text),
        None => cell.and("no Salesforce id"),
    };
    let kind = account_type.as_deref().unwrap_or("no type");
    let owner = match belongs_to {
        Some(owner) => format!(", of {}", reasons::owner(owner)),
        None if id.is_some() => ", of no account".to_owned(),
        None => String::new(),
    };
    let marked = if *marked { ", MARKED for deletion" } else { "" };
    cell.and(format!(", {kind}"))
        .and(Cell::sentence(&owner))
        .and(format!("{marked})"))
}

fn guard(run: &PlannedRun<'_>) -> Option<Section> {
    let row = |judged: &Judged| {
        let state = match (judged.exceeded, judged.approved) {
            (false, _) => "free",
            (true, true) => "approved",
            (true, false) => "held",
        };
        vec![
            judged.category.name().into(),
            judged.measured().into(),
            judged.limit.into(),
            against(judged.limit, Some(judged.measured())).into(),
            state.into(),
            Cell::whole(judged::message(run, judged)),
            judged.digest.as_str().into(),
        ]
    };
    let head = [
        "category",
        "measured",
        "limit",
        "margin",
        "state",
        "how it was judged",
        "digest",
    ];
    Section::of(
        "Guard",
        "What is over its limit waits for an approval of exactly its digest.",
        &head,
        run.planned.plan.guard.categories.iter().map(row),
    )
}
