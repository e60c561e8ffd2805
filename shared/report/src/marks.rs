//! Marks: those that are held, those of this run, and those of before. For each, why, since when,
//! when the organization would be deleted, and its users and tickets.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cells::Cell;
use super::outcome::{Outcomes, word};
use super::{ReportContext, Section, minute, next_purge};
use domain::model::{Action, Category, Mode, Outcome, Related};
use domain::plan::Mark;
use domain::plan::PlannedRun;

const HOW: &str = "another job deletes what is marked and has no open tickets, with its users and \
                   closed tickets";

/// Marks that wait for an approval.
pub(super) fn held_marks(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    if !run.planned.plan.guard.holds(Category::Marks) {
        return None;
    }
    let known = Known::of(run);
    let purge = next_purge(context.ended_at);
    let rows = run
        .planned
        .entries
        .marks
        .iter()
        .map(|mark| known.cells(mark, &purge));
    let note = format!(
        "None of these is marked, so none is deleted. Were they released now: on {purge} {HOW}. {}",
        asked(run)
    );
    let head = head("would be deleted");
    Section::of_held("Held marks", note, &head, rows, "not_in_sync.json")
}

/// Marks of this run, set or not.
pub(super) fn marks(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    if run.planned.plan.guard.holds(Category::Marks) {
        return None;
    }
    let purge = next_purge(context.ended_at);
    let is_only_planned = run.planned.plan.mode == Mode::Plan;
    let note = if is_only_planned {
        format!("None of these is marked by this run. Were they marked now: on {purge} {HOW}.")
    } else {
        format!(
            "On {purge} {HOW}. A mark is taken back in the first run that sees its account again. \
             {}",
            asked(run)
        )
    };
    let known = Known::of(run);
    let outcomes = Outcomes::of(run, Action::Mark);
    let rows = run.planned.entries.marks.iter().map(|mark| {
        let outcome = outcomes.of_organization(mark.id);
        let is_left_out = matches!(outcome, Some(Outcome::Failed | Outcome::Drifted));
        let deleted_on = if is_left_out { "" } else { &purge };
        let mut row = known.cells(mark, deleted_on);
        row.push(word(run, outcome).into());
        row
    });
    let mut head = head("deleted on").to_vec();
    head.push("result");
    Section::list("Marks for deletion", note, &head, rows, "not_in_sync.json")
}

/// Organizations without an account that were marked before this run.
pub(super) fn already_marked(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let own = run
        .planned
        .plan
        .found
        .own_marks
        .iter()
        .map(|one| (one.id, one.at));
    let own: BTreeMap<u64, Timestamp> = own.collect();
    let rows = run.planned.plan.found.already_marked.iter().map(|mark| {
        let by_whom = match own.get(&mark.id) {
            Some(at) => format!("by this pipeline, {}", minute(*at)),
            None => "by somebody else".to_owned(),
        };
        vec![
            Cell::organization(mark.id),
            mark.name.as_str().into(),
            Cell::salesforce_id(mark.salesforce_id.as_deref()),
            mark.reason.as_str().into(),
            by_whom.into(),
        ]
    });
    let note = format!(
        "Marked before this run, and to be deleted on {} as well.",
        next_purge(context.ended_at)
    );
    let head = ["organization", "name", "account", "reason", "marked"];
    Section::list("Marked already", note, &head, rows, "plan.json")
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
    missing_since: BTreeMap<u64, Timestamp>,
    related: BTreeMap<u64, &'a Related>,
}

impl<'a> Known<'a> {
    fn of(run: &'a PlannedRun<'_>) -> Self {
        let absent = run.planned.plan.found.absent.iter();
        Self {
            missing_since: absent.map(|one| (one.id, one.since)).collect(),
            related: run.related.iter().map(|one| (one.id, one)).collect(),
        }
    }

    fn cells(&self, mark: &Mark, deleted_on: &str) -> Vec<Cell> {
        let Mark {
            id,
            salesforce_id,
            name,
            reason,
        } = mark;
        let since = self.missing_since.get(id).copied();
        let related = self.related.get(id);
        let number = |number: Option<u64>| number.map_or_else(|| "not known".into(), Cell::from);
        vec![
            Cell::organization(*id),
            name.as_str().into(),
            Cell::salesforce_id(salesforce_id.as_deref()),
            reason.as_str().into(),
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
