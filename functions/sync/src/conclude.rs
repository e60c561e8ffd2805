//! How an invocation ends: the run is done, waits, goes on at once, or fails.

use domain::model::Conclusion;
use domain::{Error, Result};
use report::seconds_between;
use stage::deadline::now;
use stage::events::{Progress, Synced};
use stage::secrets::Secrets;
use stage::store::Store;
use stage::way_out::{self, Ending, EndingRun};

use crate::outcomes;
use crate::state::State;
use crate::steps::{Run, Stop};

impl<S: Store, K: Secrets> Run<'_, S, K> {
    /// Saves the progress for what comes next, and says what that is.
    pub(crate) async fn conclude(
        &self,
        stopped: Result<Stop, Error>,
        state: &mut State,
    ) -> Result<Progress<Synced>, Error> {
        let (run_id, store) = (&self.work.plan().header.run_id, self.store);
        let request_ids = self.session.meter.take_ids();
        match stopped {
            Ok(Stop::Finished) => {
                state.leave(store).await?;
                Ok(Progress::Done(self.finish(&request_ids, state).await?))
            }
            Ok(Stop::Wait { seconds, why }) => {
                let wait_seconds = self.end.shortened(seconds, now());
                state.usage.waited(wait_seconds);
                state.leave(store).await?;
                let so_far = state.so_far(self.work);
                let handled = so_far.handled;
                tracing::info!(run_id, handled, wait_seconds, request_ids, "pause: {why}");
                Ok(Progress::Wait {
                    wait_seconds,
                    so_far,
                })
            }
            Ok(Stop::Deadline) => {
                state.leave(store).await?;
                let so_far = state.so_far(self.work);
                let handled = so_far.handled;
                tracing::info!(run_id, handled, request_ids, "to be continued");
                Ok(Progress::Continue { so_far })
            }
            Err(error) => {
                // What stopped the stage matters more: without its progress, the last write counts
                // as in doubt.
                if let Err(lost) = self.leave_results(state).await {
                    tracing::warn!(run_id, "its results so far are lost: {lost}");
                }
                Err(error)
            }
        }
    }

    /// Everything is applied: the run ends.
    async fn finish(&self, request_ids: &str, state: &State) -> Result<Synced> {
        let plan = self.work.plan();
        let results = outcomes::of_finished(self.work, state);
        let summary = way_out::summary(self.store.bucket(), plan, &results);
        let run = EndingRun::of(plan, &self.config.reporting);
        let ending = Ending::Applied {
            planned: &self.work.planned,
            results,
            related: &state.related,
            usage: &state.usage,
        };
        let notice = way_out::end(self.store, run, ending).await?;
        let held: Vec<_> = summary
            .held
            .iter()
            .map(|held| held.category.name())
            .collect();
        // The dashboard's table of runs is made from this line.
        tracing::info!(
            run_id = plan.header.run_id,
            verdict = Conclusion::from(summary.verdict).word(),
            held = held.join(" "),
            seconds = seconds_between(plan.inputs.started_at, now()),
            created = summary.applied.created,
            updated = summary.applied.updated,
            marked = summary.applied.marked,
            failed = summary.applied.failed,
            unknown = summary.applied.unknown,
            drifted = summary.applied.drifted,
            calls = state.usage.calls,
            throttled = state.usage.throttled,
            milliseconds = state.usage.milliseconds,
            request_ids,
            "synced"
        );
        Ok(Synced { summary, notice })
    }

    /// A stage that failed leaves its progress and the results so far, for the failure's report.
    async fn leave_results(&self, state: &mut State) -> Result<()> {
        state.leave(self.store).await?;
        let results = outcomes::so_far(self.work, state);
        let run_id = &self.work.plan().header.run_id;
        way_out::put_results(self.store, run_id, &results, &state.related, &state.usage).await
    }
}
