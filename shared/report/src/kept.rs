//! What this run leaves as it is, and until when: waiting, unlinked, deferred, retained, skipped.

use super::cells::Cell;
use super::{Section, minute, next_purge};
use domain::model::Category;
use domain::plan::PlannedRun;
use domain::plan::{Deferred, Retained, Skipped, Waiting};

pub(super) fn waiting(run: &PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Waiting| {
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            Cell::salesforce_id(one.salesforce_id.as_deref()),
            one.reason.as_str().into(),
            minute(one.eligible_from).into(),
            next_purge(one.eligible_from).into(),
        ]
    };
    let note = format!(
        "An organization is marked once its account has been missing in every complete run for {} \
         hours (MarkAfterHours). To keep one for good, name its account in ProtectedAccountIds.",
        run.planned.plan.inputs.settings.mark_after_hours
    );
    let head = [
        "organization",
        "name",
        "account",
        "what became of the account",
        "may be marked from",
        "deleted on at the earliest",
    ];
    Section::list(
        "Waiting",
        note,
        &head,
        run.planned.plan.found.waiting.iter().map(row),
        "plan.json",
    )
}

pub(super) fn unlinked(run: &PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Retained| {
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            Cell::salesforce_id(one.salesforce_id.as_deref()),
            one.reason.as_str().into(),
        ]
    };
    Section::list(
        "Unlinked",
        "Partner organizations of nobody knows which account. They are never marked, and never \
         updated, until a person links them.",
        &["organization", "name", "Salesforce id", "what to do"],
        run.planned.plan.found.unlinked.iter().map(row),
        "plan.json",
    )
}

pub(super) fn deferred(run: &PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Deferred| {
        vec![
            one.id.map_or_else(|| "new".into(), Cell::organization),
            Cell::account(&one.salesforce_id),
            one.name.as_str().into(),
            Cell::sentence(&one.reason),
        ]
    };
    let note = if run.planned.plan.guard.holds(Category::Updates) {
        "These names become free once the held updates are approved, and are given after that."
    } else {
        "Nothing to do: these names become free by this plan, and are given in one of the next \
         runs."
    };
    let head = ["organization", "account", "name", "why not now"];
    let rows = run.planned.plan.found.deferred.iter().map(row);
    Section::list("Deferred", note, &head, rows, "plan.json")
}

pub(super) fn kept(run: &PlannedRun<'_>) -> Option<Section> {
    let plan = &run.planned.plan;
    let retained = |one: &Retained| {
        let from = one
            .eligible_from
            .map_or_else(String::new, |date| format!("may be marked from {date}"));
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            one.reason.as_str().into(),
            from.into(),
        ]
    };
    let skipped = |one: &Skipped| {
        vec![
            Cell::account(&one.salesforce_id),
            one.name.as_str().into(),
            one.reason.as_str().into(),
            "not created".into(),
        ]
    };
    let kept = plan
        .found
        .retained
        .iter()
        .chain(&plan.found.protected)
        .map(retained);
    Section::list(
        "Left as they are",
        "",
        &["record", "name", "reason", "until"],
        kept.chain(plan.found.skipped.iter().map(skipped)),
        "plan.json",
    )
}
