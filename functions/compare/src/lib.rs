//! Stage 3: accounts against organizations. No HTTP client, no vendor secret: it can read and write
//! documents, nothing else. For the same reason it is the stage that records a run which ended
//! early.

mod ended_early;

use std::time::Instant;

use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde_json::Value;
use shared::config::{Compare, process_env, runbook};
use shared::lambda::{CompareEvent, Compared, ExecutionInput, Recorded, parse, run_id_of};
use shared::model::{Accounts, Counts, Header, Mode, Organizations, RunUsage, TARGET, Usage};
use shared::plan::{Creates, Inputs, List, Listed, Lists, NotInSync, Updates, make};
use shared::report::{self, About, End, Known, Run};
use shared::store::{LATEST, Store, history, key};
use shared::telemetry::{Metric, log_failed, record};
use shared::{Error, Result};

/// What the Lambda answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// A plan.
    Compared(Box<Compared>),
    /// The record of a run that ended early.
    Recorded(Recorded),
}

/// Makes the plan; or, if the event says that the run has ended, records that.
///
/// # Errors
/// As for [`compare`].
pub async fn handler<S: Store>(
    config: &Result<Compare, Error>,
    store: &S,
    event: LambdaEvent<Value>,
) -> Result<Answer, Error> {
    let run_id = run_id_of(&event.payload);
    let answered = if event.payload.get("ended").is_some() {
        ended_early::record_end(&runbook(process_env), store, event)
            .await
            .map(Answer::Recorded)
    } else {
        compare(config, store, event)
            .await
            .map(Box::new)
            .map(Answer::Compared)
    };
    answered.inspect_err(|error| log_failed("compare", &run_id, error, ""))
}

/// Makes the plan and writes `creates.json`, `updates.json`, `not_in_sync.json` and `plan.json`; in
/// plan mode the report as well.
///
/// # Errors
/// [`Error::Contract`] or [`Error::Incomplete`] if a document does not prove a complete read;
/// [`Error::Input`], [`Error::Config`].
pub async fn compare<S: Store>(
    config: &Result<Compare, Error>,
    store: &S,
    event: LambdaEvent<Value>,
) -> Result<Compared, Error> {
    let began = Instant::now();
    let Compare {
        bucket: _,
        runbook,
        settings,
    } = config.as_ref().map_err(Clone::clone)?;
    let event: CompareEvent = parse(event.payload)?;
    let (run_id, ExecutionInput { mode, approve }) =
        (&event.run_id, ExecutionInput::read(&event.input)?);
    let accounts = store
        .get_json::<Accounts>(&event.accounts)
        .await?
        .into_complete(run_id)?;
    let organizations = store
        .get_json::<Organizations>(&event.organizations)
        .await?
        .into_complete(run_id, TARGET)?;
    let inputs = Inputs {
        accounts: event.accounts,
        organizations: event.organizations,
        started_at: event.started_at,
        settings: settings.clone(),
        approve,
        last_good: store.find_json(LATEST).await?,
        state_machine: event.state_machine,
    };

    let made = make(&accounts, organizations, &inputs)?;
    let changes = &made.changes;
    let lists = Lists {
        creates: put_list::<Creates, S>(store, run_id, &changes.creates).await?,
        updates: put_list::<Updates, S>(store, run_id, &changes.updates).await?,
        not_in_sync: put_list::<NotInSync, S>(store, run_id, &changes.marks).await?,
    };
    let compared = Usage::invocation(began);
    let (milliseconds, usage) = (
        compared.milliseconds,
        RunUsage {
            compare: compared,
            ..event.usage
        },
    );
    let Counts {
        creates,
        updates,
        marks,
        conflicts,
        partner_organizations,
        ..
    } = made.counts;
    let entries = creates + updates + marks;
    let plan = made.plan(Header::new(run_id, entries), mode, lists, inputs, usage);
    let reference = store
        .put_json(&key(run_id, "plan.json"), &plan, entries)
        .await?;

    record(Metric::PartnerOrganizations, partner_organizations);
    record(
        Metric::SuspiciouslyEmptyRun,
        i32::from(!plan.warnings.is_empty()),
    );
    let held: Vec<_> = plan
        .guard
        .held()
        .iter()
        .map(|held| held.category.name())
        .collect();
    let (held, warnings) = (held.join(" "), plan.warnings.join("; "));
    tracing::info!(
        run_id = %run_id,
        creates,
        updates,
        marks,
        conflicts,
        held,
        warnings,
        milliseconds,
        "compared"
    );
    if mode == Mode::Plan {
        let about = About {
            run_id,
            started_at: event.started_at,
            ended_at: Timestamp::now(),
            bucket: store.bucket(),
            state_machine: plan.inputs.state_machine.as_deref(),
            mode,
            runbook,
            history: &history(store, run_id).await?,
        };
        let (creates, updates, marks) = (&changes.creates, &changes.updates, &changes.marks);
        report::write(
            store,
            about,
            End::Planned(Run {
                plan: &plan,
                creates,
                updates,
                marks,
                results: &[],
                known: Known::All,
                usage: &plan.usage,
            }),
        )
        .await?;
    }
    Ok(Compared {
        plan: reference,
        summary: report::summary(store.bucket(), &plan, &[]),
    })
}

async fn put_list<L: List + Sync, S: Store>(
    store: &S,
    run_id: &str,
    entries: &[L::Entry],
) -> Result<Listed> {
    let document = L::of(Header::new(run_id, entries.len()), entries);
    let reference = store
        .put_json(&key(run_id, L::FILE), &document, entries.len())
        .await?;
    Ok(Listed {
        reference,
        digest: shared::plan::digest::<L>(entries)?,
    })
}
