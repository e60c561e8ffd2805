//! What did not go as planned: failures, drift, and values written in vain.

use super::cells::Cell;
use super::changes::value;
use super::time::minute;
use super::{ReportContext, Section};
use domain::model::{Action, FieldValue, Mapping, Outcome, RecordOutcome};
use domain::plan::{Create, Entries, Mark, PlannedRun, Repeated, Update};

/// After failing in this many runs in a row, a record needs a person to look at it.
pub(super) const RUNS_UNTIL_STUBBORN: u32 = 3;

pub(super) fn failures(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let mut bad: Vec<&RecordOutcome> = run
        .results
        .iter()
        .filter(|result| result.outcome != Outcome::Done)
        .collect();
    if bad.is_empty() {
        return None;
    }
    bad.sort_by_key(|result| std::cmp::Reverse(result.runs_failed));
    let entries = &run.planned.entries;
    let rows = bad
        .into_iter()
        .map(|result| failure_row(result, Entry::of(entries, result), context.mapping()));
    let head = [
        "record",
        "action",
        "name",
        "outcome",
        "why",
        "runs failed",
        "since",
    ];
    Section::list(
        "Failures and drift",
        "In Zendesk's own words where it gave any; what failed in most runs comes first. Left out: \
         Zendesk refused this value and has everything else; correct it in Salesforce. Unknown: it \
         may be applied or not, and the next run finds out.",
        &head,
        rows,
        "results.json",
    )
}

/// What was to be done to a record.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Create(&'a Create),
    Update(&'a Update),
    Mark(&'a Mark),
}

impl<'a> Entry<'a> {
    /// What a result is about.
    fn of(entries: &'a Entries, result: &RecordOutcome) -> Option<Self> {
        let account = result.salesforce_id.as_deref();
        match result.action {
            Action::Create => {
                let mut all = entries.creates.iter();
                let found = all.find(|one| Some(one.salesforce_id.as_str()) == account);
                found.map(Self::Create)
            }
            Action::Update => {
                let mut all = entries.updates.iter();
                let found = all.find(|one| Some(one.id) == result.id);
                found.map(Self::Update)
            }
            Action::Mark => {
                let mut all = entries.marks.iter();
                let found = all.find(|one| Some(one.id) == result.id);
                found.map(Self::Mark)
            }
        }
    }

    fn name(self) -> String {
        match self {
            Self::Create(Create { name, .. })
            | Self::Update(Update { name, .. })
            | Self::Mark(Mark { name, .. }) => name.clone(),
        }
    }

    /// The value that a field was to get.
    fn wanted(self, field: &str) -> Option<&'a FieldValue> {
        match self {
            Self::Create(create) => create.fields.named(field),
            Self::Update(update) => {
                let change = update.changes.iter().find(|change| change.field == field);
                change.map(|change| &change.new)
            }
            Self::Mark(_) => None,
        }
    }
}

fn failure_row(result: &RecordOutcome, entry: Option<Entry<'_>>, mapping: &Mapping) -> Vec<Cell> {
    let RecordOutcome {
        action,
        id,
        salesforce_id,
        outcome,
        job_id: _,
        error,
        left_out,
        unmarked,
        runs_failed,
        failing_since,
    } = result;
    let record = match id {
        Some(id) => Cell::organization(*id),
        None => Cell::salesforce_id(salesforce_id.as_deref()),
    };
    let why = match (error.as_deref(), outcome) {
        (Some(words), _) => words,
        (None, Outcome::Drifted) => {
            "changed by somebody since it was read; the next run judges it afresh"
        }
        (None, Outcome::Unknown) => "Zendesk did not say; the next run compares it anew",
        (None, Outcome::Done | Outcome::Failed) => "Zendesk did not say",
    };
    let left_out = left_out
        .iter()
        .map(|field| left_out_of(entry, field, mapping));
    let unmarked = unmarked.then(|| Cell::from("its mark is taken back"));
    let runs = match runs_failed {
        None => String::new(),
        Some(runs) if *runs >= RUNS_UNTIL_STUBBORN => format!("{runs} (look at it)"),
        Some(runs) => runs.to_string(),
    };
    vec![
        record,
        action.word().into(),
        entry.map(Entry::name).unwrap_or_default().into(),
        outcome.word().into(),
        Cell::lines(std::iter::once(why.into()).chain(left_out).chain(unmarked)),
        runs.into(),
        failing_since.map_or_else(Cell::default, |since| minute(since).into()),
    ]
}

/// Which value was left out, and where in Salesforce it comes from.
fn left_out_of(entry: Option<Entry<'_>>, field: &str, mapping: &Mapping) -> Cell {
    let wanted = entry.and_then(|entry| entry.wanted(field).map(value));
    let shown = match wanted {
        Some(wanted) => format!("left out: {}: {wanted}", mapping.shown(field)),
        None => format!("left out: {}", mapping.shown(field)),
    };
    match mapping.source(field) {
        Some(column) => format!("{shown} (in Salesforce: {column})").into(),
        None => shown.into(),
    }
}

pub(super) fn repeated(context: ReportContext<'_>, run: &PlannedRun<'_>) -> Option<Section> {
    let row = |one: &Repeated| {
        vec![
            Cell::organization(one.id),
            one.name.as_str().into(),
            context.mapping().shown(&one.field).into(),
            value(&one.written).into(),
            value(&one.found).into(),
            u64::from(one.runs).into(),
        ]
    };
    Section::list(
        "Written in vain",
        "Zendesk took these values in the last runs, and has others again: it drops the value, or \
         somebody else takes it back. Find out who writes the field.",
        &["organization", "name", "field", "written", "found", "runs"],
        run.planned.plan.found.repeated.iter().map(row),
        "plan.json",
    )
}
