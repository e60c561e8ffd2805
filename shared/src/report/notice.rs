//! What people are told: a change of the pipeline's state, and nothing else.

use super::minute;
use crate::lambda::Notice;
use crate::model::{Action, Ending, Guarded, Held, History, Outcome, PastRun, RecordOutcome};
use crate::store::key;

/// Records named in a notice.
const NAMED: usize = 5;

/// A notice of the last run in the history, if the pipeline's state has changed with it. At most six lines of run, record
/// and error names and numbers; nobody's words.
#[must_use]
pub fn notice(bucket: &str, history: &History, held: &[Held], results: &[RecordOutcome]) -> Option<Notice> {
    let (before, now) = history.change()?;
    let PastRun { run_id, ended_at, ending, error, applied, .. } = now;
    let state = |run: &PastRun| run.error.as_ref().map_or_else(|| run.ending.word().to_owned(), |error| format!("{} {error}", run.ending.word()));
    let was = before.map_or_else(|| "the first run".to_owned(), |before| format!("was {}", state(before)));
    let mut lines = vec![format!("partner-sync: {} ({was})", state(now)), format!("Run {run_id}, ended {}.", minute(*ended_at))];
    match ending {
        Ending::Held => lines.push(format!("Held: {}.", held.iter().map(amount).collect::<Vec<_>>().join(", "))),
        Ending::Partial => lines.push(format!("{} records failed: {}.", applied.failed, failed(results))),
        Ending::Failed => {
            let section = error.as_deref().filter(|error| crate::Error::NAMES.contains(error)).unwrap_or("Alarm RunFailed");
            lines.push(format!("What to do: infra/RUNBOOK.md, {section}."));
        }
        _ => lines.push("Nothing for you to do.".to_owned()),
    }
    lines.push(format!("Report: s3://{bucket}/{}", key(run_id, "report.html")));
    let subject: String = lines.first().map(|line| line.chars().take(100).collect()).unwrap_or_default();
    Some(Notice { subject, message: lines.join("\n") })
}

fn amount(held: &Held) -> String {
    let Held { category, count, limit, digest: _ } = held;
    let name = match category {
        Guarded::Creates => "creates",
        Guarded::Updates => "updates",
        Guarded::Marks => "marks",
    };
    format!("{count} {name} over the limit of {limit}")
}

fn failed(results: &[RecordOutcome]) -> String {
    let bad = results.iter().filter(|result| matches!(result.outcome, Outcome::Failed | Outcome::Unknown));
    let mut ids: Vec<String> = bad
        .map(|result| {
            let what = if result.action == Action::Create { "account" } else { "organization" };
            format!("{what} {}", result.id.map_or_else(|| result.failing_key(), |id| id.to_string()))
        })
        .collect();
    let more = ids.len().saturating_sub(NAMED);
    ids.truncate(NAMED);
    if more > 0 {
        ids.push(format!("{more} more"));
    }
    ids.join(", ")
}
