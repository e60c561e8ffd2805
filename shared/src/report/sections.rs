//! The sections, in the order an operator reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::{About, KnownResults, PlannedRun, Section, failures, health, kept, minute, next_purge};
use crate::model::{
    Action, FieldValue, Guarded, Instance, LastGood, MARK_FOR_DELETION, Mode, Outcome,
    RecordOutcome,
};
use crate::plan::{Conflict, Judged, Party, Update};

/// Changed values, or new organizations, up to which they are listed one by one.
const MOST_LISTED: usize = 50;
/// Runs in a row a record has failed in from which a person has to look.
pub(super) const RUNS_UNTIL_STUBBORN: u32 = 3;

pub(super) fn all(about: About<'_>, run: PlannedRun<'_>) -> [Option<Section>; 17] {
    [
        inputs(run),
        plan_and_result(run),
        marks(about, run),
        already_marked(about, run),
        changes(run),
        creates(run),
        failures::failures(run),
        failures::repeated(run),
        conflicts(run),
        guard(run),
        kept::waiting(run),
        kept::unlinked(run),
        kept::deferred(run),
        kept::kept(run),
        health::stages(about, run),
        health::credentials(about, run),
        health::last_runs(about),
    ]
}

/// The outcomes of one kind by account (creates) or organization (updates, marks).
fn outcomes(run: PlannedRun<'_>, action: Action) -> BTreeMap<String, Outcome> {
    let mut outcomes = BTreeMap::new();
    for result in run.results {
        let key = match result.action {
            Action::Create => result.salesforce_id.clone(),
            Action::Update | Action::Mark => result.id.map(|id| id.to_string()),
        };
        if let Some(key) = key
            && result.action == action
        {
            outcomes.insert(key, result.outcome);
        }
    }
    outcomes
}

/// What became of a record of this category, in a word.
fn result_of(run: PlannedRun<'_>, category: Guarded, outcome: Option<&Outcome>) -> String {
    word_for(run, run.plan.guard.holds(category), outcome).to_owned()
}

fn word_for(run: PlannedRun<'_>, is_held: bool, outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Done) => "done",
        Some(Outcome::Failed) => "FAILED",
        Some(Outcome::Drifted) => "drifted",
        Some(Outcome::Unknown) => "unknown",
        None if is_held => "held",
        None if run.plan.mode == Mode::Plan => "planned",
        None => "not known",
    }
}

/// A number against another one, as `+2`.
fn against(now: usize, last: Option<usize>) -> String {
    match last {
        None => "no earlier good run".to_owned(),
        Some(last) if now >= last => format!("+{}", now - last),
        Some(last) => format!("-{}", last - now),
    }
}

fn inputs(run: PlannedRun<'_>) -> Option<Section> {
    let counts = &run.plan.counts;
    let last = run.plan.inputs.last_good.as_ref();
    let mut rows = vec![salesforce_row(run, last)];
    for instance in &run.plan.instances {
        rows.push(zendesk_row(instance, last));
    }
    let note = match last {
        None => String::new(),
        Some(last) => format!(
            "The last good run was {}, {}. Partner organizations on the target: {} since.",
            last.header.run_id,
            minute(last.header.generated_at),
            against(
                counts.partner_organizations,
                Some(last.counts.partner_organizations)
            )
        ),
    };
    let head = [
        "source",
        "records",
        "partners",
        "pages",
        "seconds",
        "complete",
        "since the last good run",
    ];
    Section::of("Inputs", note, &head, rows)
}

fn salesforce_row(run: PlannedRun<'_>, last: Option<&LastGood>) -> Vec<String> {
    let accounts = run.plan.counts.accounts;
    let usage = &run.usage.gather_accounts;
    vec![
        "Salesforce accounts".to_owned(),
        accounts.to_string(),
        String::new(),
        usage.pages.to_string(),
        usage.seconds(),
        yes_or_no(true),
        against(accounts, last.map(|last| last.counts.accounts)),
    ]
}

fn zendesk_row(instance: &Instance, last: Option<&LastGood>) -> Vec<String> {
    let Instance {
        name,
        host: _,
        organizations_scanned,
        partner_organizations,
        pages,
        seconds,
        complete,
        error: _,
    } = instance;
    let since = match last {
        None => against(0, None),
        Some(last) => match last.instances.iter().find(|before| before.name == *name) {
            None => "not read then".to_owned(),
            Some(before) => against(*organizations_scanned, Some(before.organizations_scanned)),
        },
    };
    vec![
        format!("Zendesk {name}"),
        organizations_scanned.to_string(),
        partner_organizations.to_string(),
        pages.to_string(),
        format!("{seconds:.1}"),
        yes_or_no(*complete),
        since,
    ]
}

fn yes_or_no(complete: bool) -> String {
    if complete { "yes" } else { "NO" }.to_owned()
}

/// What a run read that failed before it had a plan.
pub(super) fn read_before_the_plan(
    accounts: Option<usize>,
    instances: &[Instance],
) -> Option<Section> {
    let row = |name: &str, records: Option<usize>| {
        vec![
            name.to_owned(),
            records.map_or_else(String::new, |records| records.to_string()),
            yes_or_no(records.is_some()),
        ]
    };
    let scanned = instances
        .iter()
        .map(|instance| instance.organizations_scanned);
    let all_scanned = (!instances.is_empty()).then(|| scanned.sum());
    let rows = [
        row("Salesforce accounts", accounts),
        row("Zendesk, all instances", all_scanned),
    ];
    Section::of(
        "Inputs",
        "What is not complete is not used.",
        &["source", "records", "complete"],
        rows,
    )
}

fn plan_and_result(run: PlannedRun<'_>) -> Option<Section> {
    let counts = &run.plan.counts;
    let unmarked: BTreeSet<u64> = run
        .updates
        .iter()
        .filter(|update| update.unmark().is_some())
        .map(|update| update.id)
        .collect();
    let of_action = |action| move |result: &RecordOutcome| result.action == action;
    let is_unmark = |result: &RecordOutcome| {
        result.action == Action::Update && result.id.is_some_and(|id| unmarked.contains(&id))
    };
    let kinds = [
        Kind {
            name: "creates",
            planned: counts.creates,
            held: held_entries(run, Guarded::Creates),
            belongs: &of_action(Action::Create),
        },
        Kind {
            name: "updates",
            planned: counts.updates,
            held: held_entries(run, Guarded::Updates),
            belongs: &of_action(Action::Update),
        },
        Kind {
            name: "un-marks among them",
            planned: counts.unmarks,
            held: 0,
            belongs: &is_unmark,
        },
        Kind {
            name: "marks",
            planned: counts.marks,
            held: held_entries(run, Guarded::Marks),
            belongs: &of_action(Action::Mark),
        },
    ];
    let rows = kinds.iter().map(|kind| result_row(run, kind));
    let note = match (run.known, run.plan.mode) {
        (KnownResults::All, _) => {
            "Done: Zendesk took it. Proven: its own result for that very record says so, or the \
             fields read back."
        }
        (_, Mode::Plan) => "In plan mode nothing is applied.",
        (KnownResults::SoFar, Mode::Apply) => {
            "As far as it was known when the run failed; what is missing may be done or not, and \
             the next run finds out."
        }
        (KnownResults::None, Mode::Apply) => {
            "The run was cut off; sync-state.json says how far it came, and the next run finds out \
             what is done."
        }
    };
    let head = [
        "", "planned", "done", "proven", "failed", "unknown", "drifted", "held",
    ];
    Section::of("Plan and result", note, &head, rows)
}

fn held_entries(run: PlannedRun<'_>, category: Guarded) -> usize {
    let held = run.plan.guard.held();
    held.iter()
        .find(|held| held.category == category)
        .map_or(0, |held| held.count)
}

/// One kind of planned records.
struct Kind<'a> {
    name: &'static str,
    planned: usize,
    held: usize,
    /// True for the results of this kind.
    belongs: &'a dyn Fn(&RecordOutcome) -> bool,
}

/// A row of "Plan and result": how many were planned, what became of those, how many are held.
fn result_row(run: PlannedRun<'_>, kind: &Kind<'_>) -> Vec<String> {
    let Kind {
        name,
        planned,
        held,
        belongs,
    } = kind;
    let mut done = 0;
    let mut proven = 0;
    let mut failed = 0;
    let mut unknown = 0;
    let mut drifted = 0;
    for result in run.results.iter().filter(|result| belongs(result)) {
        match result.outcome {
            Outcome::Done => {
                done += 1;
                proven += 1;
            }
            Outcome::Unknown => {
                // Of those without a result, Zendesk took what went with a job.
                done += usize::from(result.job_id.is_some());
                unknown += 1;
            }
            Outcome::Failed => failed += 1,
            Outcome::Drifted => drifted += 1,
        }
    }
    let known = |number: usize| match run.known {
        KnownResults::None => "not known".to_owned(),
        KnownResults::All | KnownResults::SoFar => number.to_string(),
    };
    vec![
        (*name).to_owned(),
        planned.to_string(),
        known(done),
        known(proven),
        known(failed),
        known(unknown),
        known(drifted),
        held.to_string(),
    ]
}

fn marks(about: About<'_>, run: PlannedRun<'_>) -> Option<Section> {
    let purge = next_purge(about.ended_at);
    let how = "another job deletes what is marked and has no open tickets, with its users and \
               closed tickets";
    let note = if run.plan.mode == Mode::Plan || run.plan.guard.holds(Guarded::Marks) {
        format!("None of these is marked by this run. Were they marked now: on {purge} {how}.")
    } else {
        format!(
            "On {purge} {how}. A mark is taken back in the first run that sees its account again."
        )
    };
    let outcomes = outcomes(run, Action::Mark);
    let rows = run.marks.iter().map(|mark| {
        let result = result_of(run, Guarded::Marks, outcomes.get(&mark.id.to_string()));
        vec![
            mark.id.to_string(),
            mark.name.clone(),
            mark.salesforce_id.clone().unwrap_or_default(),
            mark.reason.clone(),
            result,
        ]
    });
    Section::of(
        "Marks for deletion",
        note,
        &["organization", "name", "Salesforce id", "reason", "result"],
        rows,
    )
}

fn already_marked(about: About<'_>, run: PlannedRun<'_>) -> Option<Section> {
    let rows = run.plan.already_marked.iter();
    let rows = rows.map(|mark| {
        vec![
            mark.id.to_string(),
            mark.name.clone(),
            mark.salesforce_id.clone().unwrap_or_default(),
            mark.reason.clone(),
        ]
    });
    let note = format!(
        "Marked before this run, and to be deleted on {} as well.",
        next_purge(about.ended_at)
    );
    Section::of(
        "Marked already",
        note,
        &["organization", "name", "Salesforce id", "reason"],
        rows,
    )
}

fn changes(run: PlannedRun<'_>) -> Option<Section> {
    let count: usize = run.updates.iter().map(|update| update.changes.len()).sum();
    if count > MOST_LISTED {
        changes_by_field(run, count)
    } else {
        changes_one_by_one(run)
    }
}

/// The changes of one field.
#[derive(Default)]
struct FieldChanges {
    organizations: usize,
    /// Old and new value, and how often that change is made.
    values: BTreeMap<String, usize>,
}

fn changes_by_field(run: PlannedRun<'_>, count: usize) -> Option<Section> {
    let mut fields = BTreeMap::<&str, FieldChanges>::new();
    for change in run.updates.iter().flat_map(|update| &update.changes) {
        let of_field = fields.entry(&change.field).or_default();
        let both = format!("{} -> {}", value(&change.old), value(&change.new));
        of_field.organizations += 1;
        *of_field.values.entry(both).or_default() += 1;
    }
    let rows = fields.into_iter().map(|(field, changes)| {
        let most = changes.values.iter().max_by_key(|(_, count)| **count);
        vec![
            field.to_owned(),
            changes.organizations.to_string(),
            changes.values.len().to_string(),
            most.map_or_else(String::new, |(value, count)| format!("{value} ({count})")),
        ]
    });
    let note = format!(
        "{count} values of {} organizations, grouped by field; updates.json has them one by one.",
        run.updates.len()
    );
    let head = [
        "field",
        "organizations",
        "different changes",
        "most frequent",
    ];
    Section::of("Changes", note, &head, rows)
}

fn changes_one_by_one(run: PlannedRun<'_>) -> Option<Section> {
    let outcomes = outcomes(run, Action::Update);
    let mut rows = Vec::new();
    for update in run.updates {
        let outcome = outcomes.get(&update.id.to_string());
        rows.extend(change_rows(run, update, outcome));
    }
    let head = ["organization", "name", "field", "old", "new", "result"];
    Section::of("Changes", "", &head, rows)
}

fn change_rows(
    run: PlannedRun<'_>,
    update: &Update,
    outcome: Option<&Outcome>,
) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for change in &update.changes {
        // A mark is taken back while everything else of its update is held.
        let is_held = run.plan.guard.holds(Guarded::Updates) && change.field != MARK_FOR_DELETION;
        let result = word_for(run, is_held, outcome.filter(|_| !is_held));
        rows.push(vec![
            update.id.to_string(),
            update.name.clone(),
            change.field.clone(),
            value(&change.old),
            value(&change.new),
            result.to_owned(),
        ]);
    }
    rows
}

pub(super) fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Text(text) => text.clone().unwrap_or_else(|| "(empty)".to_owned()),
    }
}

fn creates(run: PlannedRun<'_>) -> Option<Section> {
    let outcomes = outcomes(run, Action::Create);
    let rows = run.creates.iter().take(MOST_LISTED).map(|create| {
        let result = result_of(
            run,
            Guarded::Creates,
            outcomes.get(create.salesforce_id.as_str()),
        );
        vec![
            create.salesforce_id.to_string(),
            create.name.clone(),
            result,
        ]
    });
    let note = if run.creates.len() > MOST_LISTED {
        format!(
            "The first {MOST_LISTED} of {}; creates.json has all.",
            run.creates.len()
        )
    } else {
        String::new()
    };
    Section::of(
        "New organizations",
        note,
        &["Salesforce id", "name", "result"],
        rows,
    )
}

fn conflicts(run: PlannedRun<'_>) -> Option<Section> {
    let row = |conflict: &Conflict| {
        vec![
            parties(&conflict.accounts),
            parties(&conflict.organizations),
            conflict.reason.clone(),
        ]
    };
    Section::of(
        "Conflicts",
        "What clashes waits until a person decides; an organization that is matched by its id goes \
         on.",
        &["accounts", "organizations", "what to do"],
        run.plan.conflicts.iter().map(row),
    )
}

/// One side of a conflict in words.
fn parties(parties: &[Party]) -> String {
    let all: Vec<_> = parties.iter().map(party).collect();
    all.join("; ")
}

fn party(party: &Party) -> String {
    let salesforce_id = party.salesforce_id.as_deref().unwrap_or("no Salesforce id");
    let id = match party.id {
        Some(id) => format!("{id}, {salesforce_id}"),
        None => salesforce_id.to_owned(),
    };
    let kind = party.account_type.as_deref().unwrap_or("no type");
    let owner = match &party.belongs_to {
        Some(account) => format!(", of {account}"),
        None if party.id.is_some() => ", of no account".to_owned(),
        None => String::new(),
    };
    let marked = if party.marked {
        ", MARKED for deletion"
    } else {
        ""
    };
    format!("{} ({id}, {kind}{owner}{marked})", party.name)
}

fn guard(run: PlannedRun<'_>) -> Option<Section> {
    let rows = run.plan.guard.categories.iter().map(
        |Judged {
             category,
             count,
             standing,
             held_before: _,
             limit,
             digest,
             exceeded,
             approved,
             message,
         }| {
            let state = match (exceeded, approved) {
                (false, _) => "free",
                (true, true) => "approved",
                (true, false) => "held",
            };
            let margin = against(*limit, Some(count + standing));
            vec![
                category.name().to_owned(),
                count.to_string(),
                limit.to_string(),
                margin,
                state.to_owned(),
                message.clone(),
                digest.clone(),
            ]
        },
    );
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
        rows,
    )
}
