//! What this run leaves as it is, and until when: waiting, unlinked, deferred, retained, skipped.

use super::{PlannedRun, Section, minute};
use crate::model::Guarded;
use crate::plan::{Deferred, Retained, Waiting};

pub(super) fn waiting(run: PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Waiting| {
        vec![
            one.id.to_string(),
            one.name.clone(),
            one.salesforce_id.clone().unwrap_or_default(),
            one.reason.clone(),
            minute(one.eligible_from),
        ]
    };
    let note = format!(
        "An organization is marked once its account has been missing in every complete run for {} \
         hours (MarkAfterHours). To keep one for good, name its account in ProtectedAccountIds.",
        run.plan.inputs.settings.mark_after_hours
    );
    Section::of(
        "Waiting",
        note,
        &[
            "organization",
            "name",
            "Salesforce id",
            "what became of the account",
            "may be marked from",
        ],
        run.plan.waiting.iter().map(row),
    )
}

pub(super) fn unlinked(run: PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Retained| {
        vec![
            one.id.to_string(),
            one.name.clone(),
            one.salesforce_id.clone().unwrap_or_default(),
            one.reason.clone(),
        ]
    };
    Section::of(
        "Unlinked",
        "Partner organizations of nobody knows which account. They are never marked, and never \
         updated, until a person links them.",
        &["organization", "name", "Salesforce id", "what to do"],
        run.plan.unlinked.iter().map(row),
    )
}

pub(super) fn deferred(run: PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Deferred| {
        vec![
            one.id.map_or_else(|| "new".to_owned(), |id| id.to_string()),
            one.salesforce_id.to_string(),
            one.name.clone(),
            one.reason.clone(),
        ]
    };
    let note = if run.plan.guard.holds(Guarded::Updates) {
        "These names become free once the held updates are approved, and are given after that."
    } else {
        "Nothing to do: these names become free by this plan, and are given in one of the next \
         runs."
    };
    let head = ["organization", "account", "name", "why not now"];
    let rows = run.plan.deferred.iter().map(row);
    Section::of("Deferred", note, &head, rows)
}

pub(super) fn kept(run: PlannedRun<'_>) -> Option<Section> {
    let retained = run
        .plan
        .retained
        .iter()
        .chain(&run.plan.protected)
        .map(|one| {
            let from = one
                .eligible_from
                .map_or_else(String::new, |date| format!("may be marked from {date}"));
            vec![
                one.id.to_string(),
                one.name.clone(),
                one.reason.clone(),
                from,
            ]
        });
    let skipped = run.plan.skipped.iter().map(|one| {
        vec![
            one.salesforce_id.to_string(),
            one.name.clone(),
            one.reason.clone(),
            "not created".to_owned(),
        ]
    });
    Section::of(
        "Left as they are",
        "",
        &["record", "name", "reason", "until"],
        retained.chain(skipped),
    )
}
