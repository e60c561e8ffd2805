//! A run that ended before its report could be written: it failed, or another one was running.

use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::lambda::{EndedEarly, EndedEarlyEvent, Recorded, parse};
use shared::model::{
    Accounts, Applied, Counts, Ending, Instance, Mode, Organizations, PastRun, RecordOutcome,
    Results, RunUsage, Usage,
};
use shared::plan::{Create, Creates, List, Lists, Mark, NotInSync, Plan, Update, Updates};
use shared::report::{self, About, Came, End, Known, Run, notice, seconds_between};
use shared::store::{HISTORY, Store, history, key};
use shared::telemetry::{Metric, record};
use shared::{Error, Result};

/// Notes a failed run in the history, unless it was only to plan, and writes the report.
///
/// # Errors
/// [`Error::Input`] for an event that is not known; as for [`Store::put`].
pub(crate) async fn record_end<S: Store>(
    runbook: &str,
    store: &S,
    event: LambdaEvent<Value>,
) -> Result<Recorded> {
    let EndedEarlyEvent {
        run_id,
        started_at,
        state_machine,
        mode,
        ended,
    } = parse(event.payload)?;
    let (bucket, ended_at) = (store.bucket(), Timestamp::now());
    let left = Left::find(store, &run_id, &ended).await?;
    let mut history = history(store, &run_id).await?;
    let mut told = None;
    if let (EndedEarly::Failed { error, cause: _ }, Mode::Apply) = (&ended, mode) {
        let planned = if let Left::Planned(planned) = &left {
            Some(planned)
        } else {
            None
        };
        let counts = planned.map_or_else(Counts::default, |planned| planned.plan.counts);
        let applied =
            planned.map_or_else(Applied::default, |planned| Applied::of(&planned.results));
        let (seconds, error) = (seconds_between(started_at, ended_at), Some(error.clone()));
        history.note(PastRun {
            run_id: run_id.to_string(),
            ended_at,
            seconds,
            ending: Ending::Failed,
            error,
            counts,
            applied,
        });
        // Before the report: a report that cannot be written must not silence the rest.
        store
            .put_json(HISTORY, &history, history.header.count)
            .await?;
        record(Metric::GoodRun, 0);
        told = notice(bucket, runbook, &history, None, &[]);
    }
    let about = About {
        run_id: &run_id,
        started_at,
        ended_at,
        bucket,
        state_machine: state_machine.as_deref(),
        mode,
        runbook,
        history: &history,
    };
    let end = match &ended {
        EndedEarly::Failed { error, cause } => End::Failed {
            error,
            cause,
            came: left.came(),
        },
        EndedEarly::Skipped { holder } => End::Skipped { holder },
    };
    match report::write(store, about, end).await {
        // A message that is never sent is worse than a report that is missing.
        Err(error) if told.is_some() => {
            tracing::error!(run_id = %run_id, "no report of this run: {error}")
        }
        written => written?,
    }
    tracing::info!(run_id = %run_id, ended = what(&ended), "recorded");
    Ok(Recorded { notice: told })
}

/// The error's name, or that the run was skipped.
fn what(ended: &EndedEarly) -> &str {
    match ended {
        EndedEarly::Failed { error, cause: _ } => error,
        EndedEarly::Skipped { .. } => "skipped",
    }
}

/// What a run left behind.
enum Left {
    Planned(Box<Planned>),
    NoPlan {
        accounts: Option<usize>,
        instances: Vec<Instance>,
    },
    Unreadable,
}

/// A plan, and what is known to have become of it.
struct Planned {
    plan: Plan,
    creates: Vec<Create>,
    updates: Vec<Update>,
    marks: Vec<Mark>,
    results: Vec<RecordOutcome>,
    known: Known,
    usage: RunUsage,
}

impl Left {
    /// Finds it. What cannot be read is said to be so; only a store that does not answer is worth
    /// another try.
    async fn find<S: Store>(store: &S, run_id: &str, ended: &EndedEarly) -> Result<Self> {
        if matches!(ended, EndedEarly::Skipped { .. }) {
            return Ok(Self::NoPlan {
                accounts: None,
                instances: Vec::new(),
            });
        }
        match Self::read(store, run_id).await {
            Err(error @ Error::Transient(_)) => Err(error),
            Err(error) => {
                tracing::warn!(run_id, "the report goes without the plan: {error}");
                Ok(Self::Unreadable)
            }
            Ok(left) => Ok(left),
        }
    }

    async fn read<S: Store>(store: &S, run_id: &str) -> Result<Self> {
        let Some(plan) = store.find_json::<Plan>(&key(run_id, "plan.json")).await? else {
            let accounts: Option<Accounts> = store.find_json(&key(run_id, "accounts.json")).await?;
            let organizations: Option<Organizations> =
                store.find_json(&key(run_id, "organizations.json")).await?;
            let instances = organizations
                .map(|organizations| organizations.instances)
                .unwrap_or_default();
            return Ok(Self::NoPlan {
                accounts: accounts.map(|accounts| accounts.header.count),
                instances,
            });
        };
        let Lists {
            creates,
            updates,
            not_in_sync,
        } = &plan.lists;
        let (_, creates) = store
            .get_json::<Creates>(&creates.reference)
            .await?
            .into_parts();
        let (_, updates) = store
            .get_json::<Updates>(&updates.reference)
            .await?
            .into_parts();
        let (_, marks) = store
            .get_json::<NotInSync>(&not_in_sync.reference)
            .await?
            .into_parts();
        let known: Option<Results> = store.find_json(&key(run_id, "results.json")).await?;
        let (results, sync, known) = known.map_or_else(
            || (Vec::new(), Usage::default(), Known::Nothing),
            |known| (known.results, known.usage, Known::SoFar),
        );
        let usage = RunUsage {
            sync,
            ..plan.usage.clone()
        };
        Ok(Self::Planned(Box::new(Planned {
            plan,
            creates,
            updates,
            marks,
            results,
            known,
            usage,
        })))
    }

    fn came(&self) -> Came<'_> {
        match self {
            Self::Planned(planned) => {
                let Planned {
                    plan,
                    creates,
                    updates,
                    marks,
                    results,
                    known,
                    usage,
                } = planned.as_ref();
                Came::ToThePlan(Run {
                    plan,
                    creates,
                    updates,
                    marks,
                    results,
                    known: *known,
                    usage,
                })
            }
            Self::NoPlan {
                accounts,
                instances,
            } => Came::NotSoFar {
                accounts: *accounts,
                instances,
            },
            Self::Unreadable => Came::NobodyKnows,
        }
    }
}
