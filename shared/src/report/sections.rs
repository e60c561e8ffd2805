//! The sections, in the order an operator reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::{About, Run, Section, health, minute, next_purge, summary};
use crate::model::{Action, FieldValue, Guarded, Header, Instance, LastGood, Mode, Outcome, RecordOutcome};
use crate::plan::{Judged, Party, Update};

/// Above so many updates they are grouped by field instead of listed one by one.
const LISTED: usize = 50;
/// Runs in a row a record has failed in from which a person has to look.
pub(super) const STUBBORN: u32 = 3;

pub(super) fn all(about: About<'_>, run: Run<'_>) -> [Option<Section>; 12] {
    [
        inputs(run),
        plan_and_result(about, run),
        marks(run),
        changes(run),
        creates(run),
        failures(run),
        conflicts(run),
        guard(run),
        kept(run),
        health::stages(about, run),
        health::credentials(about, run),
        health::last_runs(about),
    ]
}

/// A number against another one, as `+2`.
fn against(now: usize, last: Option<usize>) -> String {
    match last {
        None => "no earlier good run".to_owned(),
        Some(last) if now >= last => format!("+{}", now - last),
        Some(last) => format!("-{}", last - now),
    }
}

fn inputs(run: Run<'_>) -> Option<Section> {
    let (counts, usage, last) = (&run.plan.counts, &run.usage.gather_accounts, run.plan.inputs.last_good.as_ref());
    let yes = |complete: bool| if complete { "yes" } else { "NO" }.to_owned();
    let salesforce = vec![
        "Salesforce accounts".to_owned(),
        counts.accounts.to_string(),
        String::new(),
        usage.pages.to_string(),
        format!("{}.{}", usage.milliseconds / 1000, usage.milliseconds % 1000 / 100),
        yes(true),
        against(counts.accounts, last.map(|last| last.counts.accounts)),
    ];
    let zendesk = run.plan.instances.iter().map(|one| {
        let Instance { name, organizations_scanned, partner_organizations, pages, seconds, complete } = one;
        let before = last.and_then(|last| last.instances.iter().find(|before| before.name == *name));
        vec![
            format!("Zendesk {name}"),
            organizations_scanned.to_string(),
            partner_organizations.to_string(),
            pages.to_string(),
            format!("{seconds:.1}"),
            yes(*complete),
            against(*organizations_scanned, before.map(|before| before.organizations_scanned)),
        ]
    });
    let note = last.map_or_else(String::new, |last| {
        let change = against(counts.partner_organizations, Some(last.counts.partner_organizations));
        let LastGood { header: Header { run_id, generated_at, .. }, .. } = last;
        format!("The last good run was {run_id}, {}. Partner organizations on the target: {change} since.", minute(*generated_at))
    });
    let head = ["source", "records", "partners", "pages", "seconds", "complete", "since the last good run"];
    Section::of("Inputs", note, &head, std::iter::once(salesforce).chain(zendesk))
}

fn plan_and_result(about: About<'_>, run: Run<'_>) -> Option<Section> {
    let counts = &run.plan.counts;
    let held = summary(about.bucket, run.plan, &[]).held;
    let held = |category| held.iter().find(|held| held.category == category).map_or(0, |held| held.count);
    let unmarked: BTreeSet<u64> = run.updates.iter().filter(|update| update.unmark().is_some()).map(|update| update.id).collect();
    let row = |name: &str, planned: usize, held: usize, counts_in: &dyn Fn(&RecordOutcome) -> bool| {
        let of = |outcomes: &[Outcome]| {
            let count = |results: &[RecordOutcome]| results.iter().filter(|one| counts_in(one) && outcomes.contains(&one.outcome)).count();
            run.results.map_or_else(|| "not known".to_owned(), |results| count(results).to_string())
        };
        // Done and not proven is what Zendesk took and then gave no result of.
        let done = of(&[Outcome::Done, Outcome::Unknown]);
        let [proven, failed, drifted] = [Outcome::Done, Outcome::Failed, Outcome::Drifted].map(|outcome| of(&[outcome]));
        vec![name.to_owned(), planned.to_string(), done, proven, failed, drifted, held.to_string()]
    };
    let rows = vec![
        row("creates", counts.creates, held(Guarded::Creates), &|one| one.action == Action::Create),
        row("updates", counts.updates, held(Guarded::Updates), &|one| one.action == Action::Update),
        row("un-marks among them", counts.unmarks, 0, &|one| one.action == Action::Update && one.id.is_some_and(|id| unmarked.contains(&id))),
        row("marks", counts.marks, held(Guarded::Marks), &|one| one.action == Action::Mark),
    ];
    let note = "Proven: Zendesk's own result for that very record, or its fields read back. Un-marks are never held.";
    Section::of("Plan and result", note, &["", "planned", "done", "proven", "failed", "drifted", "held"], rows)
}

fn marks(run: Run<'_>) -> Option<Section> {
    let outcome: BTreeMap<u64, Outcome> =
        run.known().iter().filter(|one| one.action == Action::Mark).filter_map(|one| Some((one.id?, one.outcome))).collect();
    let purge = next_purge(run.plan.header.generated_at);
    let note = if run.plan.mode == Mode::Plan || run.plan.guard.holds(Guarded::Marks) {
        format!("None of these is marked. Marked now, they would be deleted, with all users and closed tickets, on {purge}.")
    } else {
        format!("What is marked is deleted, with all users and closed tickets, on {purge}, unless its account returns before.")
    };
    let rows = run.marks.iter().map(|mark| {
        let state = match outcome.get(&mark.id) {
            Some(Outcome::Done) => "marked",
            Some(Outcome::Failed) => "failed",
            Some(Outcome::Drifted) => "drifted",
            Some(Outcome::Unknown) => "unknown",
            None if run.results.is_none() => "not known",
            None => "not marked",
        };
        vec![mark.id.to_string(), mark.name.clone(), mark.salesforce_id.clone().unwrap_or_default(), mark.reason.clone(), state.to_owned()]
    });
    Section::of("Marks for deletion", note, &["organization", "name", "Salesforce id", "reason", ""], rows)
}

fn changes(run: Run<'_>) -> Option<Section> {
    if run.updates.len() > LISTED {
        let mut fields = BTreeMap::<&str, (usize, BTreeMap<String, usize>)>::new();
        for change in run.updates.iter().flat_map(|update| &update.changes) {
            let (count, values) = fields.entry(&change.field).or_default();
            *count += 1;
            *values.entry(value(&change.new)).or_default() += 1;
        }
        let most = |values: &BTreeMap<String, usize>| {
            values.iter().max_by_key(|(_, count)| **count).map_or_else(String::new, |(value, count)| format!("{value} ({count})"))
        };
        let rows =
            fields.into_iter().map(|(field, (count, values))| vec![field.to_owned(), count.to_string(), values.len().to_string(), most(&values)]);
        let note = format!("{} organizations, grouped by field; updates.json has them one by one.", run.updates.len());
        return Section::of("Changes", note, &["field", "organizations", "new values", "most frequent"], rows);
    }
    let rows = run.updates.iter().flat_map(|Update { id, salesforce_id: _, name, changes }| {
        changes.iter().map(move |change| vec![id.to_string(), name.clone(), change.field.clone(), value(&change.old), value(&change.new)])
    });
    Section::of("Changes", "", &["organization", "name", "field", "old", "new"], rows)
}

fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Text(text) => text.clone().unwrap_or_else(|| "(empty)".to_owned()),
    }
}

fn creates(run: Run<'_>) -> Option<Section> {
    let rows = run.creates.iter().take(LISTED).map(|create| vec![create.salesforce_id.to_string(), create.name.clone()]);
    let note = if run.creates.len() > LISTED { format!("The first {LISTED} of {}; creates.json has all.", run.creates.len()) } else { String::new() };
    Section::of("New organizations", note, &["Salesforce id", "name"], rows)
}

fn failures(run: Run<'_>) -> Option<Section> {
    let mut bad: Vec<&RecordOutcome> = run.known().iter().filter(|result| result.outcome != Outcome::Done).collect();
    bad.sort_by_key(|result| std::cmp::Reverse(result.runs_failed));
    let rows = bad.into_iter().map(|RecordOutcome { action, id, salesforce_id, outcome, job_id: _, error, runs_failed }| {
        let record = id.map(|id| id.to_string()).or_else(|| salesforce_id.clone()).unwrap_or_default();
        let words = error.clone().unwrap_or_else(|| "changed by somebody since it was read; the next run judges it afresh".to_owned());
        let runs = runs_failed.map_or_else(String::new, |runs| if runs >= STUBBORN { format!("{runs} (look at it)") } else { runs.to_string() });
        vec![format!("{action:?}").to_lowercase(), record, format!("{outcome:?}").to_lowercase(), words, runs]
    });
    let head = ["action", "record", "outcome", "Zendesk's words", "runs failed"];
    Section::of("Failures and drift", "What failed most often comes first.", &head, rows)
}

fn conflicts(run: Run<'_>) -> Option<Section> {
    let side = |parties: &[Party]| {
        let one = |party: &Party| {
            let id = party.id.map(|id| id.to_string()).or_else(|| party.salesforce_id.clone()).unwrap_or_default();
            let kind = party.account_type.as_deref().unwrap_or("no type");
            format!("{} ({id}, {kind}{})", party.name, if party.marked { ", MARKED for deletion" } else { "" })
        };
        parties.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    let rows = run.plan.conflicts.iter().map(|one| vec![side(&one.accounts), side(&one.organizations), one.reason.clone()]);
    Section::of("Conflicts", "Nothing was done to these records.", &["accounts", "organizations", "what to do"], rows)
}

fn guard(run: Run<'_>) -> Option<Section> {
    let rows = run.plan.guard.categories.iter().map(|Judged { category, count, limit, digest, exceeded, approved, message }| {
        let state = match (exceeded, approved) {
            (false, _) => "free",
            (true, true) => "approved",
            (true, false) => "held",
        };
        let margin = against(*limit, Some(*count));
        let name = format!("{category:?}").to_lowercase();
        vec![name, count.to_string(), limit.to_string(), margin, state.to_owned(), message.clone(), digest.clone()]
    });
    let head = ["category", "measured", "limit", "margin", "state", "", "digest"];
    Section::of("Guard", "What is over its limit waits for an approval of exactly its digest.", &head, rows)
}

fn kept(run: Run<'_>) -> Option<Section> {
    let retained = run.plan.retained.iter().chain(&run.plan.protected).map(|one| {
        let from = one.eligible_from.map_or_else(String::new, |date| format!("may be marked from {date}"));
        vec![one.id.to_string(), one.name.clone(), one.reason.clone(), from]
    });
    let skipped =
        run.plan.skipped.iter().map(|one| vec![one.salesforce_id.to_string(), one.name.clone(), one.reason.clone(), "not created".to_owned()]);
    let note = format!("Marked already: {}.", run.plan.already_marked);
    Section::of("Left as they are", note, &["record", "name", "reason", ""], retained.chain(skipped))
}
