//! Stage 3: accounts against organizations. No HTTP client, no vendor secret: it can read and write
//! documents, nothing else. For the same reason it is the stage that records a run which failed or
//! was skipped.

use std::time::Instant;

use domain::model::{
    Accounts, Conclusion, Header, ListDocument, Mode, Organizations, RunUsage, TARGET, Usage,
    entries_digest, run_key,
};
use domain::plan::{Comparison, Creates, Entries, Inputs, Listed, Lists, NotInSync, Plan, Updates};
use domain::{Error, Result};
use lambda_runtime::LambdaEvent;
use report::{Reporting, seconds_between};
use serde::Serialize;
use serde_json::Value;
use stage::deadline::now;
use stage::events::{
    CompareEvent, CompareTask, Compared, EarlyEnd, ExecutionInput, RecordTask, Recorded, parse,
    refuse_if_old, run_id_of,
};
use stage::loader::Planned;
use stage::logs::log_failed;
use stage::metrics::{Metric, record};
use stage::recall::{Recalled, recall};
use stage::settings::{Compare, process_env, reporting};
use stage::store::Store;
use stage::way_out::{self, Ending, EndingRun};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To the task `compare`: a plan.
    Compared(Box<Compared>),
    /// To the task `record`.
    Recorded(Recorded),
}

/// Does the task its event names.
///
/// # Errors
/// As for [`compare`] and [`record_end`].
pub async fn handler<S: Store>(
    config: &Result<Compare, Error>,
    store: &S,
    event: LambdaEvent<Value>,
) -> Result<Answer, Error> {
    let run_id = run_id_of(&event.payload);
    let answer = answer(config, store, event.payload).await;
    answer.inspect_err(|error| log_failed("compare", &run_id, error, ""))
}

async fn answer<S: Store>(
    config: &Result<Compare, Error>,
    store: &S,
    payload: Value,
) -> Result<Answer, Error> {
    match parse(payload)? {
        CompareEvent::Compare(task) => {
            refuse_if_old(task.started_at, now())?;
            let config = config.as_ref().map_err(Clone::clone)?;
            let compared = compare(config, store, *task).await?;
            Ok(Answer::Compared(Box::new(compared)))
        }
        CompareEvent::Record(task) => {
            let recorded = record_end(&reporting(process_env), store, *task).await?;
            Ok(Answer::Recorded(recorded))
        }
    }
}

/// Makes the plan and writes `creates.json`, `updates.json`, `not_in_sync.json` and `plan.json`; in
/// plan mode the run ends here, with its report.
///
/// # Errors
/// [`Error::Contract`] or [`Error::Incomplete`] if a document does not prove a complete read;
/// [`Error::Input`].
pub async fn compare<S: Store>(
    config: &Compare,
    store: &S,
    task: CompareTask,
) -> Result<Compared, Error> {
    let began = Instant::now();
    let run_id = &task.run_id;
    let ExecutionInput { mode, approve } = ExecutionInput::read(&task.input)?;
    let mut accounts: Accounts = store.get_json(&task.accounts).await?;
    let formers = std::mem::take(&mut accounts.formers);
    let salesforce_host = std::mem::take(&mut accounts.host);
    let accounts = accounts.into_complete(run_id)?;
    let organizations: Organizations = store.get_json(&task.organizations).await?;
    let organizations = organizations.into_complete(run_id, TARGET)?;
    let Recalled {
        memory,
        lost,
        last_good,
    } = recall(store).await?;
    let inputs = Inputs {
        accounts: task.accounts,
        organizations: task.organizations,
        started_at: task.started_at,
        settings: config.settings.clone(),
        approve,
        last_good,
        memory,
        memory_lost: lost,
        state_machine: task.state_machine,
        salesforce_host,
    };

    let comparison = Comparison::of(&accounts, &formers, organizations, &inputs)?;
    let changes = &comparison.changes;
    let lists = Lists {
        creates: put_list::<Creates, S>(store, run_id, &changes.creates).await?,
        updates: put_list::<Updates, S>(store, run_id, &changes.updates).await?,
        not_in_sync: put_list::<NotInSync, S>(store, run_id, &changes.marks).await?,
    };
    let counts = comparison.counts;
    let entries = counts.creates + counts.updates + counts.marks;
    let usage = RunUsage {
        compare: Usage::invocation(began),
        ..task.usage
    };
    let header = Header::new(run_id, entries);
    let (plan, listed) = comparison.plan(header, mode, lists, inputs, usage);
    let key = run_key(run_id, "plan.json");
    let reference = store.put_json(&key, &plan, entries).await?;
    tell(&plan);

    let summary = way_out::summary(store.bucket(), &plan, &[]);
    let Entries {
        creates,
        updates,
        marks,
    } = listed;
    let planned = Planned {
        plan,
        creates,
        updates,
        marks,
    };
    match mode {
        Mode::Plan => {
            let run = EndingRun::of(&planned.plan, &config.reporting);
            way_out::end(store, run, Ending::Planned(&planned)).await?;
        }
        Mode::Apply => way_out::foresee(store, &planned).await?,
    }
    Ok(Compared {
        plan: reference,
        summary,
    })
}

async fn put_list<L: ListDocument + Sync, S: Store>(
    store: &S,
    run_id: &str,
    entries: &[L::Entry],
) -> Result<Listed> {
    let document = L::of(Header::new(run_id, entries.len()), entries);
    let key = run_key(run_id, L::FILE);
    Ok(Listed {
        reference: store.put_json(&key, &document, entries.len()).await?,
        digest: entries_digest::<L>(entries)?,
    })
}

/// Metrics and the log line of a comparison.
fn tell(plan: &Plan) {
    let counts = &plan.counts;
    record(Metric::PartnerOrganizations, counts.partner_organizations);
    let is_suspicious = !plan.warnings.is_empty();
    record(Metric::SuspiciouslyEmptyRun, i32::from(is_suspicious));
    let held: Vec<_> = plan
        .guard
        .held()
        .iter()
        .map(|held| held.category.name())
        .collect();
    tracing::info!(
        run_id = plan.header.run_id,
        creates = counts.creates,
        updates = counts.updates,
        marks = counts.marks,
        conflicts = counts.conflicts,
        held = held.join(" "),
        waiting = counts.waiting,
        unlinked = counts.unlinked,
        deferred = plan.deferred.len(),
        unknowns = plan.unknowns.join("; "),
        warnings = plan.warnings.join("; "),
        milliseconds = plan.usage.compare.milliseconds,
        "compared"
    );
}

/// Ends a run that failed or was skipped.
///
/// # Errors
/// As for [`Store::put`].
pub async fn record_end<S: Store>(
    reporting: &Reporting,
    store: &S,
    task: RecordTask,
) -> Result<Recorded, Error> {
    let RecordTask {
        run_id,
        started_at,
        state_machine,
        mode,
        input,
        ended,
    } = task;
    let ExecutionInput { approve, .. } = ExecutionInput::read(&input)?;
    let ended = ended.in_its_own_words();
    let run = EndingRun {
        run_id: &run_id,
        started_at,
        state_machine: state_machine.as_deref(),
        mode,
        reporting,
    };
    let (ending, verdict, error) = match &ended {
        EarlyEnd::Failed { error, cause } => {
            let ending = Ending::Failed { error, cause };
            (ending, Conclusion::Failed, error.as_str())
        }
        EarlyEnd::Skipped { holder } => {
            let approve = approve.as_slice();
            (Ending::Skipped { holder, approve }, Conclusion::Skipped, "")
        }
    };
    let notice = way_out::end(store, run, ending).await?;
    // The dashboard's table of runs is made from this line.
    let seconds = seconds_between(started_at, now());
    tracing::info!(run_id = %run_id, verdict = verdict.word(), error, seconds, "recorded");
    let cause = match ended {
        EarlyEnd::Failed { error: _, cause } => Some(cause),
        EarlyEnd::Skipped { .. } => None,
    };
    Ok(Recorded { cause, notice })
}
