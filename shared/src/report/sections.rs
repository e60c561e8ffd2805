//! The sections, in the order an operator reads them.

use std::collections::BTreeMap;

use super::{Page, Run, Section, next_purge};
use crate::model::{Action, FieldValue, Guarded, Mode, Outcome, RecordOutcome, Summary, Verdict};
use crate::plan::{Judged, Party, Update};

/// Above so many updates they are grouped by field instead of listed one by one.
const LISTED: usize = 50;

pub(super) fn page(run: Run<'_>, summary: &Summary) -> Page {
    let sections =
        [inputs(run), plan_and_result(run, summary), marks(run), changes(run), creates(run), failures(run), conflicts(run), guard(run), kept(run)];
    Page {
        run_id: summary.run_id.clone(),
        verdict: word(summary.verdict),
        advice: advice(run, summary),
        command: run.plan.release.clone(),
        sections: sections.into_iter().flatten().collect(),
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "OK",
        Verdict::NothingToDo => "NOTHING_TO_DO",
        Verdict::Planned => "PLANNED",
        Verdict::Partial => "PARTIAL",
        Verdict::Held => "HELD",
        Verdict::Skipped => "SKIPPED",
    }
}

fn advice(run: Run<'_>, summary: &Summary) -> String {
    let Run { plan, .. } = run;
    if plan.release.is_some() && plan.mode == Mode::Apply {
        "Read the held entries below. If they are right, release exactly them:".to_owned()
    } else if plan.release.is_some() {
        "Nothing was applied. In apply mode a part of this plan would be held; to release it:".to_owned()
    } else if plan.mode == Mode::Plan {
        "Nothing was applied. In apply mode all of this plan would be.".to_owned()
    } else if summary.applied.failed > 0 {
        "Read the failures below. The next run tries them again by itself.".to_owned()
    } else if !plan.conflicts.is_empty() {
        "Resolve the conflicts below; nothing was done to their records.".to_owned()
    } else {
        "Nothing for you to do.".to_owned()
    }
}

fn section(title: &str, note: String, head: &[&'static str], rows: Vec<Vec<String>>) -> Option<Section> {
    (!rows.is_empty()).then(|| Section { title: title.to_owned(), note, head: head.to_vec(), rows })
}

fn inputs(run: Run<'_>) -> Option<Section> {
    let counts = &run.plan.counts;
    let last =
        run.plan.guard.seen.accounts_of_last_good_run.map_or_else(|| "no earlier good run".to_owned(), |last| format!("{last} in the last good run"));
    let rows = vec![
        vec!["Salesforce accounts".to_owned(), counts.accounts.to_string(), last],
        vec!["Zendesk organizations, all instances".to_owned(), counts.organizations_scanned.to_string(), "read to the end".to_owned()],
        vec!["of them partners on the target".to_owned(), counts.partner_organizations.to_string(), String::new()],
    ];
    section("Inputs", String::new(), &["source", "records", ""], rows)
}

fn plan_and_result(run: Run<'_>, summary: &Summary) -> Option<Section> {
    let (counts, applied) = (&run.plan.counts, &summary.applied);
    let of = |action, outcome: &[Outcome]| run.results.iter().filter(|one| one.action == action && outcome.contains(&one.outcome)).count();
    let row = |name: &str, planned: usize, done: usize, action, category| {
        let held = if run.plan.guard.holds(category) { "held" } else { "" };
        let failed = of(action, &[Outcome::Failed, Outcome::Unknown]);
        vec![name.to_owned(), planned.to_string(), done.to_string(), failed.to_string(), of(action, &[Outcome::Drifted]).to_string(), held.to_owned()]
    };
    let unmarks = format!("Un-marks among the updates: {}; they are never held.", counts.unmarks);
    let rows = vec![
        row("creates", counts.creates, applied.created, Action::Create, Guarded::Creates),
        row("updates", counts.updates, applied.updated, Action::Update, Guarded::Updates),
        row("marks", counts.marks, applied.marked, Action::Mark, Guarded::Marks),
    ];
    section("Plan and result", unmarks, &["", "planned", "done", "failed", "drifted", ""], rows)
}

fn marks(run: Run<'_>) -> Option<Section> {
    let held = if run.plan.guard.holds(Guarded::Marks) { "Held: none of these is marked. Released now, they" } else { "What is marked" };
    let note = format!("{held} would be deleted, with all users and closed tickets, on {}.", next_purge(run.plan.header.generated_at));
    let rows = run
        .marks
        .iter()
        .map(|mark| vec![mark.id.to_string(), mark.name.clone(), mark.salesforce_id.clone().unwrap_or_default(), mark.reason.clone()]);
    section("Marks for deletion", note, &["organization", "name", "Salesforce id", "reason"], rows.collect())
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
        return section("Changes", note, &["field", "organizations", "new values", "most frequent"], rows.collect());
    }
    let rows = run.updates.iter().flat_map(|Update { id, salesforce_id: _, name, changes }| {
        changes.iter().map(move |change| vec![id.to_string(), name.clone(), change.field.clone(), value(&change.old), value(&change.new)])
    });
    section("Changes", String::new(), &["organization", "name", "field", "old", "new"], rows.collect())
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
    section("New organizations", note, &["Salesforce id", "name"], rows.collect())
}

fn failures(run: Run<'_>) -> Option<Section> {
    let mut bad: Vec<&RecordOutcome> = run.results.iter().filter(|result| result.outcome != Outcome::Done).collect();
    bad.sort_by_key(|result| std::cmp::Reverse(result.runs_failed));
    let rows = bad.into_iter().map(|RecordOutcome { action, id, salesforce_id, outcome, job_id: _, error, runs_failed }| {
        let record = id.map(|id| id.to_string()).or_else(|| salesforce_id.clone()).unwrap_or_default();
        let words = error.clone().unwrap_or_else(|| "changed by somebody since it was read; the next run judges it afresh".to_owned());
        let runs = runs_failed.map_or_else(String::new, |runs| if runs >= 3 { format!("{runs} (look at it)") } else { runs.to_string() });
        vec![format!("{action:?}").to_lowercase(), record, format!("{outcome:?}").to_lowercase(), words, runs]
    });
    section(
        "Failures and drift",
        "What failed most often comes first.".to_owned(),
        &["action", "record", "outcome", "Zendesk's words", "runs failed"],
        rows.collect(),
    )
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
    section("Conflicts", "Nothing was done to these records.".to_owned(), &["accounts", "organizations", "what to do"], rows.collect())
}

fn guard(run: Run<'_>) -> Option<Section> {
    let rows = run.plan.guard.categories.iter().map(|Judged { category, count, limit, digest, exceeded, approved, message }| {
        let state = match (exceeded, approved) {
            (false, _) => format!("free, {} more would be", limit - count),
            (true, true) => "approved".to_owned(),
            (true, false) => "held".to_owned(),
        };
        vec![format!("{category:?}").to_lowercase(), state, message.clone(), digest.clone()]
    });
    let refused = &run.plan.guard.refused_approvals;
    let note = if refused.is_empty() {
        String::new()
    } else {
        format!("Refused approvals, which fit nothing that is held in this plan: {}", refused.join(", "))
    };
    section("Guard", note, &["category", "state", "measured", "digest"], rows.collect())
}

fn kept(run: Run<'_>) -> Option<Section> {
    let retained = run.plan.retained.iter().chain(&run.plan.protected).map(|one| {
        let from = one.eligible_from.map_or_else(String::new, |date| format!("may be marked from {date}"));
        vec![one.id.to_string(), one.name.clone(), one.reason.clone(), from]
    });
    let skipped =
        run.plan.skipped.iter().map(|one| vec![one.salesforce_id.to_string(), one.name.clone(), one.reason.clone(), "not created".to_owned()]);
    let note = format!("Marked already: {}.", run.plan.already_marked);
    section("Left as they are", note, &["record", "name", "reason", ""], retained.chain(skipped).collect())
}
