//! What is known of a run that ends: its plan and what became of it, or how far it got without one.

use std::borrow::Cow;

use jiff::Timestamp;

use super::Ending;
use crate::loader::Planned;
use crate::recall::find_memory;
use crate::store::Store;
use domain::model::{
    Accounts, Applied, Conclusion, Instance, Memory, Organizations, RecordOutcome, Related,
    Results, RunUsage, Usage, run_key,
};
use domain::plan::{Plan, Remembered, marks_pending, remember, verdict};
use domain::{Error, Result};
use report::{KnownResults, PlannedRun, Reached, RunEnd};

/// A run that ends, with all that is known of it.
pub(super) enum KnownRun<'a> {
    Planned(Box<AppliedPlan<'a>>),
    Failed {
        error: &'a str,
        cause: &'a str,
        left: LeftBehind,
    },
    Skipped {
        holder: &'a str,
        approve: &'a [String],
    },
}

/// A plan, and what is known to have become of it.
pub(super) struct AppliedPlan<'a> {
    planned: Cow<'a, Planned>,
    pub(super) results: Vec<RecordOutcome>,
    related: Vec<Related>,
    known: KnownResults,
    pub(super) usage: RunUsage,
}

/// What a failed run left in the store.
pub(super) enum LeftBehind {
    Plan(Box<AppliedPlan<'static>>),
    /// What was gathered; `None` and empty if it was not gathered in full.
    NoPlan {
        accounts: Option<usize>,
        instances: Vec<Instance>,
        /// Marks of this pipeline that stood after the run before.
        own_marks: usize,
    },
    UnreadablePlan,
}

impl<'a> KnownRun<'a> {
    /// Takes over what the ending brings along; of a failed run, looks what it left in the store.
    pub(super) async fn of<S: Store>(store: &S, run_id: &str, ending: Ending<'a>) -> Result<Self> {
        Ok(match ending {
            Ending::Applied {
                planned,
                results,
                related,
                usage,
            } => Self::Planned(Box::new(AppliedPlan {
                planned: Cow::Borrowed(planned),
                results,
                related: related.to_vec(),
                known: KnownResults::All,
                usage: planned.usage(usage.clone()),
            })),
            Ending::Planned(planned) => Self::Planned(Box::new(AppliedPlan {
                planned: Cow::Borrowed(planned),
                results: Vec::new(),
                related: Vec::new(),
                known: KnownResults::All,
                usage: planned.plan.usage.clone(),
            })),
            Ending::Failed { error, cause } => Self::Failed {
                error,
                cause,
                left: LeftBehind::find(store, run_id).await?,
            },
            Ending::Skipped { holder, approve } => Self::Skipped { holder, approve },
        })
    }

    /// The plan and what became of it, if there is a plan that can be read.
    pub(super) fn applied(&self) -> Option<&AppliedPlan<'_>> {
        match self {
            Self::Planned(applied)
            | Self::Failed {
                left: LeftBehind::Plan(applied),
                ..
            } => Some(applied),
            Self::Failed { .. } | Self::Skipped { .. } => None,
        }
    }

    /// True if it came to its end, with an outcome for every record.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self, Self::Planned(_))
    }

    /// How the run is called.
    pub(super) fn conclusion(&self) -> Conclusion {
        match self {
            Self::Planned(applied) => {
                verdict(applied.plan(), &Applied::of(&applied.results)).into()
            }
            Self::Failed { .. } => Conclusion::Failed,
            Self::Skipped { .. } => Conclusion::Skipped,
        }
    }

    /// The name of the error that ended it.
    pub(super) fn error(&self) -> Option<String> {
        match self {
            Self::Failed { error, .. } => Some((*error).to_owned()),
            Self::Planned(_) | Self::Skipped { .. } => None,
        }
    }

    /// The run's end as the report tells it.
    pub(super) fn run_end(&self) -> RunEnd<'_> {
        match self {
            Self::Planned(applied) => RunEnd::Planned(applied.planned_run()),
            Self::Failed { error, cause, left } => RunEnd::Failed {
                error,
                cause,
                reached: left.reached(),
            },
            Self::Skipped { holder, approve } => RunEnd::Skipped { holder, approve },
        }
    }
}

impl<'a> AppliedPlan<'a> {
    /// A plan of which nothing is known to have been applied.
    pub(super) fn cut_off(planned: &'a Planned) -> Self {
        Self {
            planned: Cow::Borrowed(planned),
            results: Vec::new(),
            related: Vec::new(),
            known: KnownResults::None,
            usage: planned.plan.usage.clone(),
        }
    }
}

impl AppliedPlan<'_> {
    /// What the next runs must know of it.
    pub(super) fn memory(&self, finished: bool, ended_at: Timestamp) -> Memory {
        let Self {
            planned,
            results,
            related: _,
            known: _,
            usage: _,
        } = self;
        let Planned {
            plan,
            creates,
            updates,
            marks,
        } = planned.as_ref();
        remember(&Remembered {
            plan,
            creates,
            updates,
            marks,
            results,
            finished,
            ended_at,
        })
    }

    /// Organizations that the next purge deletes unless their mark is taken back.
    pub(super) fn marks_pending(&self) -> usize {
        let Planned {
            plan,
            creates: _,
            updates,
            marks,
        } = self.planned.as_ref();
        marks_pending(plan, updates, marks, &self.results)
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.planned.plan
    }

    fn planned_run(&self) -> PlannedRun<'_> {
        let Self {
            planned,
            results,
            related,
            known,
            usage,
        } = self;
        PlannedRun {
            plan: &planned.plan,
            creates: &planned.creates,
            updates: &planned.updates,
            marks: &planned.marks,
            results,
            related,
            known: *known,
            usage,
        }
    }
}

impl LeftBehind {
    /// What cannot be read is said to be so; only a store that does not answer is worth another
    /// try.
    async fn find<S: Store>(store: &S, run_id: &str) -> Result<Self> {
        match Self::read(store, run_id).await {
            Err(error @ Error::Transient(_)) => Err(error),
            Err(error) => {
                tracing::warn!(run_id, "the report goes without the plan: {error}");
                Ok(Self::UnreadablePlan)
            }
            Ok(left) => Ok(left),
        }
    }

    async fn read<S: Store>(store: &S, run_id: &str) -> Result<Self> {
        let Some(planned) = Planned::find(store, run_id).await? else {
            return Self::read_gathered(store, run_id).await;
        };
        let stored = store.find_json(&run_key(run_id, "results.json")).await?;
        let (results, related, sync, known) = match stored {
            Some(Results {
                header: _,
                results,
                related,
                usage,
            }) => (results, related, usage, KnownResults::SoFar),
            None => (Vec::new(), Vec::new(), Usage::default(), KnownResults::None),
        };
        Ok(Self::Plan(Box::new(AppliedPlan {
            usage: planned.usage(sync),
            planned: Cow::Owned(planned),
            results,
            related,
            known,
        })))
    }

    async fn read_gathered<S: Store>(store: &S, run_id: &str) -> Result<Self> {
        let accounts: Option<Accounts> = store.find_json(&run_key(run_id, "accounts.json")).await?;
        let organizations: Option<Organizations> = store
            .find_json(&run_key(run_id, "organizations.json"))
            .await?;
        let memory = find_memory(store, run_id).await?;
        Ok(Self::NoPlan {
            own_marks: memory.map_or(0, |memory| memory.marked.len()),
            accounts: accounts.map(|accounts| accounts.header.count),
            instances: organizations
                .map(|organizations| organizations.instances)
                .unwrap_or_default(),
        })
    }

    fn reached(&self) -> Reached<'_> {
        match self {
            Self::Plan(applied) => Reached::Plan(applied.planned_run()),
            Self::NoPlan {
                accounts,
                instances,
                own_marks,
            } => Reached::BeforePlan {
                accounts: *accounts,
                instances,
                own_marks: *own_marks,
            },
            Self::UnreadablePlan => Reached::UnreadablePlan,
        }
    }
}
