//! What this run leaves as it is, and until when: merged, waiting, unlinked, deferred, retained,
//! skipped.

use super::cells::Cell;
use super::marks::NEVER;
use super::{ReportContext, Section, minute, next_purge, reasons};
use domain::model::{ACCOUNT_TYPE, Category, SALESFORCE_ID};
use domain::plan::{Deferred, Keeper, Kept, PlannedRun, Settings, Skipped, Waiting, Weight};

/// Organizations whose account went into another one, beside the other one's organization.
pub(super) fn merged(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Kept| {
        let (into, organization) = match &one.reason {
            Keeper::Merged { into, organization } => (Cell::account(into), *organization),
            _ => (Cell::default(), None),
        };
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            Cell::salesforce_id(one.salesforce_id.as_deref()),
            into,
            organization.map_or_else(|| "none".into(), Cell::organization),
        ]
    };
    let mapping = context.mapping();
    let (id, kind) = (SALESFORCE_ID.name(), ACCOUNT_TYPE.name());
    let (id, kind) = (mapping.shown(id), mapping.shown(kind));
    let note = format!(
        "Salesforce merged these accounts, so the two organizations of a row belong together in \
         Zendesk. Nothing is done to the first one, and it is never marked. The one that stays \
         must carry the surviving account's id in {id} before anybody merges them there: a merge \
         in Zendesk carries no fields over. Where there is no second one, the surviving account is \
         no partner's: correct the organization's {kind} or its {id}."
    );
    Section::list(
        "Merged accounts",
        note,
        &[
            "organization",
            "name",
            "account",
            "merged into",
            "which has organization",
        ],
        run.planned.plan.found.merged.iter().map(row),
        "plan.json",
    )
}

pub(super) fn waiting(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let settings = &run.planned.plan.inputs.settings;
    let row = |one: &Waiting| {
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            Cell::salesforce_id(one.salesforce_id.as_deref()),
            reasons::evidence(&one.reason, context.mapping()).into(),
            reasons::waits_for(one.waits_for).into(),
            minute(one.eligible_from).into(),
            deleted_on(one, context, settings).into(),
        ]
    };
    let head = [
        "organization",
        "name",
        "account",
        "what became of the account",
        "waits for",
        "may be marked from",
        "deleted on at the earliest",
    ];
    Section::list(
        "Waiting",
        note_of_waiting(settings),
        &head,
        run.planned.plan.found.waiting.iter().map(row),
        "plan.json",
    )
}

fn note_of_waiting(settings: &Settings) -> String {
    let quiet = match settings.quiet_hours {
        0 => String::new(),
        hours => format!(" In the {hours} hours before a purge (QuietHours) none is marked."),
    };
    format!(
        "An organization is marked once its account has been missing in every complete run for {} \
         hours (MarkAfterHours), and Salesforce has said that the partner left.{quiet} To keep one \
         for good, name its account in ProtectedAccountIds.",
        settings.mark_after_hours
    )
}

/// The first purge that may delete the organization.
fn deleted_on(waiting: &Waiting, context: ReportContext<'_>, settings: &Settings) -> String {
    if waiting.exempt {
        return NEVER.to_owned();
    }
    if waiting.reason.weight() == Weight::Unexplained {
        return "never, unless a person approves it".to_owned();
    }
    let mapping = context.mapping();
    let marked = waiting.eligible_from.max(context.ended_at);
    let purge = mapping.purge;
    let purge = purge.and_then(|purge| purge.within(marked, settings.quiet_hours));
    next_purge(mapping, purge.unwrap_or(marked))
}

pub(super) fn unlinked(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Kept| {
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            Cell::salesforce_id(one.salesforce_id.as_deref()),
            reasons::keeper(&one.reason, context.mapping()).into(),
        ]
    };
    Section::list(
        "Unlinked",
        "It is not known which accounts these partner organizations belong to. They are never \
         marked, and never updated, until a person links them.",
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
            Cell::sentence(&reasons::deferred(&one.reason)),
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

pub(super) fn kept(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let plan = &run.planned.plan;
    let retained = |one: &Kept| {
        let from = one
            .eligible_from
            .map_or_else(String::new, |date| format!("may be marked from {date}"));
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            reasons::keeper(&one.reason, context.mapping()).into(),
            from.into(),
        ]
    };
    let skipped = |one: &Skipped| {
        vec![
            Cell::account(&one.salesforce_id),
            one.name.as_str().into(),
            reasons::skipped(one.reason, context.mapping()).into(),
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
