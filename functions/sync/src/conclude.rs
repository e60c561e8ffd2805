//! How an invocation ends: the run is done, waits, goes on at once, or fails.

use std::sync::Arc;

use domain::plan::{PlannedRun, RunEnd};
use domain::{Error, Result};
use report::{Reporting, seconds_between};
use stage::events::{Progress, SoFar, Synced};
use stage::secrets::Secrets;
use stage::store::Store;
use stage::way_out::{self, EndingRun};

use crate::results;
use crate::run::{Run, Stop};

impl<S: Store, K: Secrets> Run<'_, S, K> {
    /// Saves the progress for what comes next, and says what that is.
    pub(crate) async fn conclude(
        &mut self,
        stopped: Result<Stop, Error>,
    ) -> Result<Progress<Synced>, Error> {
        let run_id = self.work.plan().header.run_id.as_str();
        match stopped {
            Ok(Stop::Finished) => {
                self.leave().await?;
                Ok(Progress::Done(self.finish().await?))
            }
            Ok(Stop::Wait { seconds, why }) => {
                let wait_seconds = self.limit.wait_seconds(seconds, self.now());
                self.state.usage.waited(wait_seconds);
                let so_far = self.leave().await?;
                let (handled, request_ids) = (so_far.handled, self.request_ids());
                tracing::info!(run_id, handled, wait_seconds, request_ids, "pause: {why}");
                Ok(Progress::Wait {
                    wait_seconds,
                    so_far,
                })
            }
            Ok(Stop::Deadline) => {
                let so_far = self.leave().await?;
                let (handled, request_ids) = (so_far.handled, self.request_ids());
                tracing::info!(run_id, handled, request_ids, "to be continued");
                Ok(Progress::Continue { so_far })
            }
            Err(error) => {
                // The error that stopped the stage matters more. Without its progress, the last
                // write counts as in doubt.
                if let Err(lost) = self.leave_results().await {
                    tracing::warn!(run_id, "its results so far are lost: {lost}");
                }
                Err(error)
            }
        }
    }

    /// The vendors' ids of the invocation's calls, for a support case.
    fn request_ids(&self) -> String {
        self.session.wire.meter.take_ids()
    }

    async fn leave(&mut self) -> Result<SoFar> {
        let now = self.now();
        self.state.leave(self.store, now).await?;
        Ok(self.state.so_far(self.work))
    }

    /// Everything is applied: the run ends.
    async fn finish(&self) -> Result<Synced> {
        let (plan, state, now) = (self.work.plan(), &self.state, self.now());
        let results = results::of_finished(self.work, state);
        let summary = way_out::summary(self.store.bucket(), plan, &results);
        let reporting = Reporting {
            mapping: Arc::clone(&self.work.mapping),
            ..self.config.reporting.clone()
        };
        let run = EndingRun::of(plan, &reporting, now);
        let related = state.related.clone();
        let applied = PlannedRun::applied(&self.work.planned, results, related, &state.usage);
        let end = RunEnd::Planned(Box::new(applied));
        let notice = way_out::end(self.store, run, end).await?;
        let held: Vec<_> = summary
            .held
            .iter()
            .map(|held| held.category.name())
            .collect();
        // The dashboard's table of runs is made from this line.
        tracing::info!(
            run_id = plan.header.run_id,
            verdict = summary.verdict.word(),
            held = held.join(" "),
            seconds = seconds_between(plan.inputs.started_at, self.now()),
            created = summary.applied.created,
            updated = summary.applied.updated,
            marked = summary.applied.marked,
            failed = summary.applied.failed,
            unknown = summary.applied.unknown,
            drifted = summary.applied.drifted,
            calls = state.usage.calls,
            throttled = state.usage.throttled,
            milliseconds = state.usage.milliseconds,
            request_ids = self.request_ids(),
            "synced"
        );
        Ok(Synced { summary, notice })
    }

    /// A stage that failed leaves its progress and the results so far, for the failure's report.
    async fn leave_results(&mut self) -> Result<()> {
        self.leave().await?;
        let (state, plan) = (&self.state, self.work.plan());
        let results = results::so_far(self.work, state);
        let related = state.related.clone();
        let run = PlannedRun::applied(&self.work.planned, results, related, &state.usage);
        way_out::put_results(self.store, &plan.header.run_id, self.now(), &run).await
    }
}
