//! What a person reads after a run: one text, as Markdown and as a page.

use std::fmt::Write as _;

use crate::Result;
use crate::model::{Applied, Mode, Outcome, RecordOutcome, Report, Summary, Verdict};
use crate::plan::{Judged, Plan, verdict};
use crate::store::{Store, key};

/// Writes `report.md` and `report.html` and returns the execution's output.
///
/// # Errors
/// As for [`Store::put`].
pub async fn write<S: Store>(store: &S, plan: &Plan, results: &[RecordOutcome]) -> Result<Summary> {
    let summary = summary(store.bucket(), plan, results);
    let markdown = markdown(plan, &summary, results);
    store.put(&summary.report.markdown, markdown.clone().into_bytes(), "text/markdown; charset=utf-8").await?;
    store.put(&summary.report.html, html(&markdown).into_bytes(), "text/html; charset=utf-8").await?;
    Ok(summary)
}

/// The execution's output.
#[must_use]
pub fn summary(bucket: &str, plan: &Plan, results: &[RecordOutcome]) -> Summary {
    let applied = Applied::of(results);
    let run_id = &plan.header.run_id;
    Summary {
        verdict: verdict(plan, &applied),
        run_id: run_id.clone(),
        mode: plan.mode,
        counts: plan.counts,
        applied,
        held: plan.guard.held(),
        report: Report { bucket: bucket.to_owned(), html: key(run_id, "report.html"), markdown: key(run_id, "report.md") },
    }
}

fn markdown(plan: &Plan, summary: &Summary, results: &[RecordOutcome]) -> String {
    let counts = &plan.counts;
    let Applied { created, updated, marked, failed, drifted } = summary.applied;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# partner-sync {}: {}\n\n{}\n", plan.header.run_id, word(summary.verdict), advice(plan, summary));
    let _ = writeln!(
        text,
        "Salesforce: {} accounts. Zendesk: {} organizations scanned, {} of them partners on the target.\n",
        counts.accounts, counts.organizations_scanned, counts.partner_organizations
    );
    let _ = writeln!(text, "| | planned | done |\n|---|---:|---:|");
    for (name, planned, done) in [("creates", counts.creates, created), ("updates", counts.updates, updated), ("marks", counts.marks, marked)] {
        let _ = writeln!(text, "| {name} | {planned} | {done} |");
    }
    let _ = writeln!(text, "\nUn-marks among the updates: {}. Failed: {failed}. Drifted: {drifted}.", counts.unmarks);
    section(&mut text, "Guard", plan.guard.categories.iter().map(guard_line));
    section(
        &mut text,
        "Refused approvals",
        plan.guard.refused_approvals.iter().map(|digest| format!("{digest} fits no category of this plan that needs one")),
    );
    let bad = results.iter().filter(|result| result.outcome != Outcome::Done);
    section(&mut text, "Failed, unknown, drifted", bad.map(result_line));
    let parties = |parties: &[crate::plan::Party]| {
        parties
            .iter()
            .map(|party| format!("{} ({})", plain(&party.name), party.id.map_or_else(|| "account".to_owned(), |id| id.to_string())))
            .collect::<Vec<_>>()
            .join(", ")
    };
    section(
        &mut text,
        "Conflicts",
        plan.conflicts.iter().map(|one| format!("{}: {}; {}", plain(&one.reason), parties(&one.accounts), parties(&one.organizations))),
    );
    section(&mut text, "Skipped accounts", plan.skipped.iter().map(|one| format!("{} {}: {}", one.salesforce_id, plain(&one.name), one.reason)));
    let kept = plan.retained.iter().chain(&plan.protected);
    section(&mut text, "Kept without account", kept.map(|one| format!("{} {}: {}", one.id, plain(&one.name), one.reason)));
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        let _ = writeln!(text, "\n## {title}\n");
    }
    for line in lines {
        let _ = writeln!(text, "- {line}");
    }
}

fn guard_line(judged: &Judged) -> String {
    let Judged { category, count: _, limit: _, digest, exceeded, approved, message } = judged;
    let state = match (exceeded, approved) {
        (false, _) => "free",
        (true, true) => "approved",
        (true, false) => "held",
    };
    format!("{category:?}: {state}: {message} ({digest})")
}

fn result_line(result: &RecordOutcome) -> String {
    let RecordOutcome { action, id, salesforce_id, outcome, job_id: _, error, runs_failed } = result;
    let record = id.map(|id| id.to_string()).or_else(|| salesforce_id.clone()).unwrap_or_default();
    let words = plain(error.as_deref().unwrap_or("changed by somebody else since it was read"));
    let times = runs_failed.map_or_else(String::new, |runs| format!(" ({runs} runs in a row)"));
    format!("{action:?} {record}: {outcome:?}: {words}{times}")
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

fn advice(plan: &Plan, summary: &Summary) -> String {
    match (&plan.release, summary.applied.failed) {
        (Some(command), _) if plan.mode == Mode::Apply => format!("Read the held entries. If they are right, release them:\n\n    {command}"),
        (Some(command), _) => format!("Applied, this plan would be held. To release it:\n\n    {command}"),
        (None, 1..) => "Read the failed records below; the next run tries them again by itself.".to_owned(),
        (None, 0) if !plan.conflicts.is_empty() => "Resolve the conflicts below; nothing was done to their records.".to_owned(),
        (None, 0) => "Nothing to do for you.".to_owned(),
    }
}

/// Text from outside on one line, without Markdown's and HTML's own signs.
fn plain(text: &str) -> String {
    let harmless = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(harmless).collect();
    text.replace('\\', "\\\\").replace(['|', '`', '*', '[', ']', '<', '>'], "_")
}

fn html(markdown: &str) -> String {
    let escaped = markdown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>partner-sync</title>\n<pre style=\"white-space: pre-wrap; max-width: 70rem; margin: auto\">\n{escaped}</pre>\n</html>\n"
    )
}
