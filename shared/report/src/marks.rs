//! Marks: those that are held, those of this run, those of before, and those that are taken back.
//! For each, why, since when, when the organization would be deleted, and its users and tickets.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cells::Cell;
use super::outcome::{Outcomes, word};
use super::{ReportContext, Section, minute, next_purge, reasons};
use domain::model::{Action, Category, IGNORE_DELETION, Mapping, Mode, Outcome, OwnMark, Related};
use domain::plan::{Mark, Marked, PlannedRun, TakenBack};

const HOW: &str = "another job deletes what is marked and has no tickets other than closed ones";
/// Instead of a date, for an organization that has `ignore_deletion`.
pub(super) const NEVER: &str = "never: it is exempt";

/// Marks that wait for an approval.
pub(super) fn held_marks(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    if !run.planned.plan.guard.holds(Category::Marks) {
        return None;
    }
    let purge = next_purge(context.mapping(), context.ended_at);
    let note = format!(
        "None of these is marked, so none is deleted. Were they released now: on {purge} {HOW}. {}",
        asked(run)
    );
    let head = head("would be deleted");
    let rows = rows_of(context, run, Category::Marks, &purge);
    Section::of_held("Held marks", note, &head, rows, "not_in_sync.json")
}

/// Marks for which Salesforce gives no evidence, and that wait for an approval.
pub(super) fn held_unexplained(
    context: ReportContext<'_>,
    run: &PlannedRun<'_>,
) -> Option<Section> {
    if !run.planned.plan.guard.holds(Category::Unexplained) {
        return None;
    }
    let note = format!(
        "Salesforce does not say that these partners left. Look at the account in Salesforce, at \
         the permission of the integration's user, and at the organization's account_type. None of \
         these is marked, and none is deleted, until a person approves exactly these. {}",
        asked(run)
    );
    let purge = next_purge(context.mapping(), context.ended_at);
    let head = head("would be deleted");
    let rows = rows_of(context, run, Category::Unexplained, &purge);
    Section::of_held("Unexplained", note, &head, rows, "not_in_sync.json")
}

/// The same, once a person has approved them: they are among the marks of this run.
pub(super) fn approved_unexplained(
    context: ReportContext<'_>,
    run: &PlannedRun<'_>,
) -> Option<Section> {
    if run.planned.plan.guard.holds(Category::Unexplained) {
        return None;
    }
    let note = "Salesforce does not say that these partners left, and a person approved exactly \
                these. What became of them is below, with the other marks.";
    let purge = next_purge(context.mapping(), context.ended_at);
    let head = head("would be deleted");
    let rows = rows_of(context, run, Category::Unexplained, &purge);
    Section::list("Unexplained", note, &head, rows, "not_in_sync.json")
}

/// The rows of a category's marks, of which nothing has become yet.
fn rows_of(
    context: ReportContext<'_>,
    run: &PlannedRun<'_>,
    category: Category,
    purge: &str,
) -> Vec<Vec<Cell>> {
    let known = Known::of(context, run);
    let marks = run.planned.entries.marks_of(category);
    marks.map(|mark| known.cells(mark, purge)).collect()
}

/// Marks of this run, set or not: all that are not held.
pub(super) fn marks(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let purge = next_purge(context.mapping(), context.ended_at);
    let is_only_planned = run.planned.plan.mode == Mode::Plan;
    let note = if is_only_planned {
        format!("None of these is marked by this run. Were they marked now: on {purge} {HOW}.")
    } else {
        format!(
            "On {purge} {HOW}. A mark is taken back in the first run that sees its account again, \
             or anything else that keeps the organization. {}",
            asked(run)
        )
    };
    let known = Known::of(context, run);
    let outcomes = Outcomes::of(run, Action::Mark);
    let row = |mark: &Mark| {
        let outcome = outcomes.of_organization(mark.id);
        let is_left_out = matches!(outcome, Some(Outcome::Failed | Outcome::Drifted));
        let deleted_on = if is_left_out { "" } else { &purge };
        let mut row = known.cells(mark, deleted_on);
        row.push(word(run, outcome).into());
        row
    };
    let rows: Vec<_> = run.planned.free_marks().map(row).collect();
    let mut head = head("deleted on").to_vec();
    head.push("result");
    Section::list("Marks for deletion", note, &head, rows, "not_in_sync.json")
}

/// Organizations without an account that were marked before this run.
pub(super) fn already_marked(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let note = format!(
        "Marked before this run. On {} {HOW}.",
        next_purge(context.mapping(), context.ended_at)
    );
    let marked = &run.planned.plan.found.already_marked;
    standing(context, "Marked already", note, marked, run)
}

/// Marked organizations that the purge leaves alone.
pub(super) fn exempt(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let note = format!(
        "Marked, and left alone by the purge, because {} is set. They are in no deadline, and the \
         guard does not measure them.",
        context.mapping().shown(IGNORE_DELETION.name())
    );
    let exempt = &run.planned.plan.found.exempt;
    standing(context, "Exempt", note, exempt, run)
}

/// Marks that stand.
fn standing(
    context: ReportContext<'_>,
    title: &'static str,
    note: impl Into<String>,
    marked: &[Marked],
    run: &PlannedRun<'_>,
) -> Option<Section> {
    let own = run.planned.plan.found.own_marks.iter();
    let own: BTreeMap<u64, &OwnMark> = own.map(|one| (one.id, one)).collect();
    let row = |mark: &Marked| {
        let reason = reasons::reason(&mark.reason, context.mapping());
        vec![
            Cell::organization(mark.id),
            mark.name.as_str().into(),
            Cell::salesforce_id(mark.salesforce_id.as_deref()),
            Cell::sentence(&format!("marked by an earlier run or by hand; {reason}")),
            by_whom(own.get(&mark.id).copied()).into(),
        ]
    };
    let head = ["organization", "name", "account", "reason", "marked"];
    Section::list(title, note, &head, marked.iter().map(row), "plan.json")
}

fn by_whom(own: Option<&OwnMark>) -> String {
    match own {
        None => "by somebody else".to_owned(),
        Some(OwnMark { perhaps: true, .. }) => {
            "perhaps by this pipeline: nothing is remembered of it".to_owned()
        }
        Some(OwnMark { at, approved, .. }) => {
            let approved = if *approved { ", approved" } else { "" };
            format!("by this pipeline, {}{approved}", minute(*at))
        }
    }
}

/// Marks that this run takes back, each part of an update.
pub(super) fn taken_back(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let outcomes = Outcomes::of(run, Action::Update);
    let row = |one: &TakenBack| {
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            Cell::account(&one.salesforce_id),
            Cell::sentence(&reasons::reason(&one.reason, context.mapping())),
            word(run, outcomes.of_unmark(one.id)).into(),
        ]
    };
    let note = "The reason for these marks is gone, or something keeps these organizations now. \
                Taking a mark back is never held.";
    let head = ["organization", "name", "account", "why", "result"];
    let rows = run.planned.plan.found.taken_back.iter().map(row);
    Section::list("Marks taken back", note, &head, rows, "plan.json")
}

/// The columns of every mark.
fn head(deleted_on: &'static str) -> [&'static str; 8] {
    [
        "organization",
        "name",
        "account",
        "what Salesforce says",
        "missing since",
        deleted_on,
        "users",
        "tickets",
    ]
}

/// What is known of the marks besides their entries.
struct Known<'a> {
    mapping: &'a Mapping,
    missing_since: BTreeMap<u64, Timestamp>,
    related: BTreeMap<u64, &'a Related>,
}

impl<'a> Known<'a> {
    fn of(context: ReportContext<'a>, run: &'a PlannedRun<'_>) -> Self {
        let absent = run.planned.plan.found.absent.iter();
        let since = absent.filter_map(|one| Some((one.id, one.since?)));
        Self {
            mapping: context.mapping(),
            missing_since: since.collect(),
            related: run.related.iter().map(|one| (one.id, one)).collect(),
        }
    }

    fn cells(&self, mark: &Mark, deleted_on: &str) -> Vec<Cell> {
        let Mark {
            id,
            salesforce_id,
            name,
            category: _,
            updated_at: _,
            exempt,
            reason,
        } = mark;
        let since = self.missing_since.get(id).copied();
        let related = self.related.get(id);
        let number = |number: Option<u64>| number.map_or_else(|| "not known".into(), Cell::from);
        let deleted_on = if *exempt { NEVER } else { deleted_on };
        vec![
            Cell::organization(*id),
            name.as_str().into(),
            Cell::salesforce_id(salesforce_id.as_deref()),
            reasons::evidence(reason, self.mapping).into(),
            since.map_or_else(Cell::default, |since| minute(since).into()),
            deleted_on.into(),
            number(related.map(|one| one.users)),
            number(related.map(|one| one.tickets)),
        ]
    }
}

/// Where users and tickets come from.
fn asked(run: &PlannedRun<'_>) -> &'static str {
    match run.planned.plan.mode {
        Mode::Plan => "Users and tickets are not asked in plan mode.",
        Mode::Apply => "Users and tickets are Zendesk's, of the first 100 at most.",
    }
}
