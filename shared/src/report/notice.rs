//! What people are told: a change of the pipeline's state, and nothing else.

use super::advice::section_for;
use super::minute;
use crate::lambda::Notice;
use crate::model::{Action, Applied, Ending, History, PastRun, RecordOutcome};
use crate::plan::Guard;
use crate::store::key;

/// Records named in a notice.
const NAMED: usize = 5;

/// A notice of the last run in the history, if the pipeline's state has changed with it. At most
/// six lines of run, record and error names and numbers; nobody's words.
#[must_use]
pub fn notice(
    bucket: &str,
    runbook: &str,
    history: &History,
    guard: Option<&Guard>,
    results: &[RecordOutcome],
) -> Option<Notice> {
    let (before, now) = history.change()?;
    let PastRun {
        run_id,
        ended_at,
        ending,
        error,
        counts,
        applied,
        seconds: _,
    } = now;
    let was = before.map_or_else(
        || "the first run".to_owned(),
        |before| format!("was {}", before.state()),
    );
    let mut lines = vec![
        format!("partner-sync: {} ({was})", now.state()),
        format!("Run {run_id}, ended {}.", minute(*ended_at)),
    ];
    match ending {
        Ending::Held => {
            let held = guard
                .into_iter()
                .flat_map(|guard| &guard.categories)
                .filter(|judged| judged.is_held());
            lines.extend(
                held.map(|judged| format!("Held {}: {}.", judged.category.name(), judged.message)),
            );
        }
        Ending::Partial => lines.push(format!(
            "{} records failed: {}.",
            applied.failed,
            failed(results)
        )),
        Ending::Failed => {
            lines.push(format!(
                "What to do: {runbook}, {}.",
                section_for(error.as_deref().unwrap_or_default())
            ));
        }
        _ => {
            let Applied {
                created,
                updated,
                marked,
                ..
            } = applied;
            lines.push(format!(
                "{created} created, {updated} updated, {marked} marked, {} conflicts.",
                counts.conflicts
            ));
        }
    }
    lines.push(format!(
        "Report: s3://{bucket}/{}",
        key(run_id, "report.html")
    ));
    let subject: String = lines
        .first()
        .map(|line| line.chars().take(99).collect())
        .unwrap_or_default();
    Some(Notice {
        subject,
        message: lines.join("\n"),
    })
}

fn failed(results: &[RecordOutcome]) -> String {
    let bad = results.iter().filter(|result| result.outcome.is_failure());
    let mut ids: Vec<String> = bad
        .map(|result| {
            let what = if result.action == Action::Create {
                "account"
            } else {
                "organization"
            };
            format!(
                "{what} {}",
                result
                    .id
                    .map_or_else(|| result.failing_key(), |id| id.to_string())
            )
        })
        .collect();
    let more = ids.len().saturating_sub(NAMED);
    ids.truncate(NAMED);
    if more > 0 {
        ids.push(format!("{more} more"));
    }
    ids.join(", ")
}
