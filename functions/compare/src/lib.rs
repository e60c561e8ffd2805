//! Stage 3: accounts against organizations. No HTTP client, no vendor secret: it can read and write
//! documents, nothing else. For the same reason it is the stage that records a run which failed or
//! was skipped.

use std::sync::Arc;

use domain::model::{
    Accounts, Header, ListDocument, Mode, Organizations, RunUsage, Usage, entries_digest, run_key,
};
use domain::plan::{
    Comparison, Creates, Entries, Inputs, Listed, Lists, NotInSync, Plan, PlannedRun, RunEnd,
    Updates,
};
use domain::{Error, Result};
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use report::{Reporting, seconds_between};
use serde::Serialize;
use serde_json::Value;
use stage::clock::Clock;
use stage::deadline::refuse_if_old;
use stage::events::{
    CompareEvent, CompareTask, Compared, EarlyEnd, ExecutionInput, RecordTask, Recorded, parse,
};
use stage::metrics::{Metric, record};
use stage::recall::{Recalled, recall};
use stage::settings::{Compare, process_env, reporting};
use stage::store::Store;
use stage::way_out::{self, EndingRun};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The answer to the task `compare`: a plan.
    Compared(Box<Compared>),
    /// The answer to the task `record`.
    Recorded(Recorded),
}

/// Does the task its event names.
///
/// # Errors
/// As for [`compare`] and [`record_end`].
pub async fn handler<S: Store>(
    config: &Result<Compare, Error>,
    store: &S,
    clock: &Clock,
    event: LambdaEvent<Value>,
) -> Result<Answer, Error> {
    match parse(event.payload)? {
        CompareEvent::Compare(task) => {
            refuse_if_old(task.started_at, clock.now())?;
            let config = config.as_ref().map_err(Clone::clone)?;
            let compared = compare(config, store, clock, *task).await?;
            Ok(Answer::Compared(Box::new(compared)))
        }
        CompareEvent::Record(task) => {
            let mapping = config.as_ref().map(|config| Arc::clone(&config.mapping));
            let reporting = reporting(process_env, mapping.unwrap_or_default());
            let recorded = record_end(&reporting, store, clock.now(), *task).await?;
            Ok(Answer::Recorded(recorded))
        }
    }
}

/// Makes the plan and writes `creates.json`, `updates.json`, `not_in_sync.json`, `sync.toml` and
/// `plan.json`; in plan mode the run ends here, with its report.
///
/// # Errors
/// [`Error::Contract`] or [`Error::Incomplete`] if a document does not prove a complete read;
/// [`Error::Input`].
pub async fn compare<S: Store>(
    config: &Compare,
    store: &S,
    clock: &Clock,
    task: CompareTask,
) -> Result<Compared, Error> {
    let began = clock.now();
    let run_id = task.run_id.clone();
    let input = ExecutionInput::read(&task.input)?;
    let mode = input.mode;
    let usage = task.usage.clone();
    let (comparison, inputs) = compared(config, store, task, input).await?;

    let now = clock.now();
    let lists = put_lists(store, &run_id, now, &comparison.changes.entries).await?;
    let count = comparison.counts.entries();
    let usage = RunUsage {
        compare: Usage::invocation(began, now),
        ..usage
    };
    let header = Header::new(&run_id, now, count);
    let planned = comparison.plan(header, mode, lists, inputs, usage);
    keep_the_file(config, store, &run_id).await?;
    let plan = &planned.plan;
    let key = run_key(&run_id, "plan.json");
    let reference = store.put_json(&key, plan, count).await?;
    tell(plan);

    let summary = way_out::summary(store.bucket(), plan, &[]);
    match mode {
        Mode::Plan => {
            let run = EndingRun::of(plan, &config.reporting, clock.now());
            let end = RunEnd::Planned(Box::new(PlannedRun::looked_at(&planned)));
            way_out::end(store, run, end).await?;
        }
        Mode::Apply => way_out::foresee(store, &planned, clock.now()).await?,
    }
    Ok(Compared {
        plan: reference,
        summary,
    })
}

/// Puts `sync.toml` beside the plan: a replay finds what the plan was made with.
async fn keep_the_file<S: Store>(config: &Compare, store: &S, run_id: &str) -> Result<()> {
    let text = config.mapping.text.clone().into_bytes();
    store
        .put(&run_key(run_id, "sync.toml"), text, "application/toml")
        .await
}

/// Reads what was gathered and what is known of the runs before, and compares.
async fn compared<S: Store>(
    config: &Compare,
    store: &S,
    task: CompareTask,
    input: ExecutionInput,
) -> Result<(Comparison, Inputs), Error> {
    let run_id = &task.run_id;
    let mut accounts: Accounts = store.get_json(&task.accounts).await?;
    let formers = std::mem::take(&mut accounts.formers);
    let salesforce_host = std::mem::take(&mut accounts.host);
    let accounts = accounts.into_complete(run_id)?;
    let organizations: Organizations = store.get_json(&task.organizations).await?;
    let organizations = organizations.into_complete(run_id, &config.mapping.target.name)?;
    let Recalled {
        memory,
        lost,
        last_good,
        week,
    } = recall(store, run_id, task.started_at).await?;
    let ExecutionInput {
        mode: _,
        approve,
        claim,
    } = input;
    let inputs = Inputs {
        accounts: task.accounts,
        organizations: task.organizations,
        started_at: task.started_at,
        settings: config.settings.clone(),
        approve,
        claim,
        last_good,
        week,
        memory,
        memory_lost: lost,
        state_machine: task.state_machine,
        salesforce_host,
    };
    let comparison = Comparison::of(
        &accounts,
        &formers,
        organizations,
        &inputs,
        &config.mapping,
        Some(&config.mapping.digest),
    )?;
    Ok((comparison, inputs))
}

async fn put_lists<S: Store>(
    store: &S,
    run_id: &str,
    now: Timestamp,
    entries: &Entries,
) -> Result<Lists> {
    let Entries {
        creates,
        updates,
        marks,
    } = entries;
    Ok(Lists {
        creates: put_list::<Creates, S>(store, run_id, now, creates).await?,
        updates: put_list::<Updates, S>(store, run_id, now, updates).await?,
        not_in_sync: put_list::<NotInSync, S>(store, run_id, now, marks).await?,
    })
}

async fn put_list<L: ListDocument + Sync, S: Store>(
    store: &S,
    run_id: &str,
    now: Timestamp,
    entries: &[L::Entry],
) -> Result<Listed> {
    let document = L::of(Header::new(run_id, now, entries.len()), entries);
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
        deferred = plan.found.deferred.len(),
        unexplained = counts.unexplained,
        unknowns = plan.unknowns.len(),
        warnings = plan.warnings.len(),
        milliseconds = plan.usage.compare.milliseconds,
        "compared"
    );
}

/// Ends a run that failed or was skipped, or notes that people could not be told of one.
///
/// # Errors
/// As for [`Store::put`].
pub async fn record_end<S: Store>(
    reporting: &Reporting,
    store: &S,
    now: Timestamp,
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
        ended_at: now,
        state_machine: state_machine.as_deref(),
        mode,
        reporting,
    };
    let (end, cause) = match &ended {
        EarlyEnd::Failed { error, cause } => {
            let reached = way_out::reached(store, &run_id).await?;
            let end = RunEnd::Failed {
                error,
                cause,
                reached,
            };
            (end, Some(cause.clone()))
        }
        EarlyEnd::Skipped { holder } => {
            let approve = approve.as_slice();
            (RunEnd::Skipped { holder, approve }, None)
        }
        EarlyEnd::Untold { subject, message } => {
            way_out::not_told(store, run, subject, message).await?;
            tracing::warn!(run_id = %run_id, subject, "people were not told");
            return Ok(Recorded::default());
        }
    };
    let (verdict, error) = (end.verdict().word(), end.error().unwrap_or_default());
    let notice = way_out::end(store, run, end).await?;
    // The dashboard's table of runs is made from this line.
    let seconds = seconds_between(started_at, now);
    tracing::info!(run_id = %run_id, verdict, error, seconds, "recorded");
    Ok(Recorded { cause, notice })
}
