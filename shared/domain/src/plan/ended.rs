//! How a run ended: one account of it for the memory, the report, the message and the way out.

use std::borrow::Cow;

use super::{Planned, verdict};
use crate::model::{Applied, Instance, RecordOutcome, Related, RunUsage, Usage, Verdict};

/// How a run ended.
#[derive(Debug, Clone)]
pub enum RunEnd<'a> {
    /// With a plan that was applied, apart from what is held, or that was made to be looked at.
    Planned(Box<PlannedRun<'a>>),
    /// It could not go on.
    Failed {
        /// The error's name.
        error: &'a str,
        /// What happened, and what to do.
        cause: &'a str,
        reached: Reached<'a>,
    },
    /// Another execution was running.
    Skipped {
        /// That execution's ARN.
        holder: &'a str,
        /// What this execution was to approve.
        approve: &'a [String],
    },
}

/// How far a run that failed got.
#[derive(Debug, Clone)]
pub enum Reached<'a> {
    /// To a plan, some of which may have been applied.
    Plan(Box<PlannedRun<'a>>),
    /// Not to a plan: nothing was written to Zendesk.
    BeforePlan {
        /// Accounts gathered; `None` if they were not read in full.
        accounts: Option<usize>,
        /// Instances gathered; empty if they were not read in full.
        instances: Vec<Instance>,
        /// Marks of this pipeline that stood after the run before.
        own_marks: usize,
    },
    /// There is a plan, or there may be one, and it cannot be read.
    UnreadablePlan,
}

/// A plan and what became of it.
#[derive(Debug, Clone)]
pub struct PlannedRun<'a> {
    pub planned: Cow<'a, Planned>,
    /// What became of the records that were applied.
    pub results: Vec<RecordOutcome>,
    /// The users and tickets of the organizations to be marked, as far as Zendesk said.
    pub related: Vec<Related>,
    pub known: KnownResults,
    pub usage: RunUsage,
}

/// For which records it is known what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownResults {
    /// For all that were to be applied: the run came to its end.
    All,
    /// For some: the run failed while it wrote.
    SoFar,
    /// For none: the run was cut off.
    None,
}

impl<'a> PlannedRun<'a> {
    /// A plan that was applied, with an outcome for every record that was to be applied.
    pub fn applied(
        planned: &'a Planned,
        results: Vec<RecordOutcome>,
        related: Vec<Related>,
        usage: &Usage,
    ) -> Self {
        Self {
            usage: planned.usage(usage.clone()),
            planned: Cow::Borrowed(planned),
            results,
            related,
            known: KnownResults::All,
        }
    }

    /// A plan that was made to be looked at, so nothing of it was applied.
    pub fn looked_at(planned: &'a Planned) -> Self {
        Self {
            known: KnownResults::All,
            ..Self::cut_off(planned)
        }
    }

    /// The plan of a run that was cut off: it is not known whether anything of it was applied.
    pub fn cut_off(planned: &'a Planned) -> Self {
        Self {
            usage: planned.plan.usage.clone(),
            planned: Cow::Borrowed(planned),
            results: Vec::new(),
            related: Vec::new(),
            known: KnownResults::None,
        }
    }

    /// True if it came to its end.
    pub fn is_finished(&self) -> bool {
        self.known == KnownResults::All
    }

    pub fn verdict(&self) -> Verdict {
        verdict(&self.planned.plan, &Applied::of(&self.results))
    }
}

impl<'a> RunEnd<'a> {
    /// The plan and what became of it, if there is a plan that can be read.
    pub fn planned(&self) -> Option<&PlannedRun<'a>> {
        match self {
            Self::Planned(run)
            | Self::Failed {
                reached: Reached::Plan(run),
                ..
            } => Some(&**run),
            Self::Failed { .. } | Self::Skipped { .. } => None,
        }
    }

    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Planned(run) => run.verdict(),
            Self::Failed { .. } => Verdict::Failed,
            Self::Skipped { .. } => Verdict::Skipped,
        }
    }

    /// The name of the error that ended it.
    pub fn error(&self) -> Option<&'a str> {
        match self {
            Self::Failed { error, .. } => Some(error),
            Self::Planned(_) | Self::Skipped { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::planned;
    use super::*;
    use crate::model::Mode;

    #[test]
    fn only_a_run_that_was_applied_or_looked_at_to_its_end_is_finished() {
        let planned = planned(Mode::Apply, false);
        let applied = PlannedRun::applied(&planned, Vec::new(), Vec::new(), &Usage::default());
        assert!(applied.is_finished());
        assert!(PlannedRun::looked_at(&planned).is_finished());
        assert!(!PlannedRun::cut_off(&planned).is_finished());
        let so_far = PlannedRun {
            known: KnownResults::SoFar,
            ..PlannedRun::cut_off(&planned)
        };
        assert!(!so_far.is_finished());
    }

    #[test]
    fn an_applied_plan_used_what_the_stages_before_it_and_sync_used() {
        let mut planned = planned(Mode::Apply, false);
        let calls = |calls| Usage {
            calls,
            ..Usage::default()
        };
        planned.plan.usage.compare = calls(3);
        planned.plan.usage.sync = calls(1);
        let run = PlannedRun::applied(&planned, Vec::new(), Vec::new(), &calls(7));
        assert_eq!((run.usage.compare.calls, run.usage.sync.calls), (3, 7));
    }

    #[test]
    fn a_run_that_failed_has_its_error_and_the_plan_it_reached() {
        let planned = planned(Mode::Apply, true);
        let failed = |reached| RunEnd::Failed {
            error: "Sync.Auth",
            cause: "the token was refused",
            reached,
        };
        let with_plan = failed(Reached::Plan(Box::new(PlannedRun::cut_off(&planned))));
        assert_eq!(with_plan.verdict(), Verdict::Failed);
        assert_eq!(with_plan.error(), Some("Sync.Auth"));
        assert!(with_plan.planned().is_some());
        assert!(failed(Reached::UnreadablePlan).planned().is_none());

        let held = RunEnd::Planned(Box::new(PlannedRun::looked_at(&planned)));
        assert_eq!((held.verdict(), held.error()), (Verdict::Held, None));
        assert!(held.planned().is_some());

        let skipped = RunEnd::Skipped {
            holder: "arn",
            approve: &[],
        };
        assert_eq!(
            (skipped.verdict(), skipped.error()),
            (Verdict::Skipped, None)
        );
        assert!(skipped.planned().is_none());
    }
}
