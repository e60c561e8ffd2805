//! The users and tickets of the organizations to be marked, for the person who decides.

use std::time::Duration;

use domain::model::MOST_RELATED;
use domain::{Error, Result};
use stage::secrets::Secrets;
use stage::store::Store;
use vendors::zendesk::CallError;

use crate::run::Run;

/// After this many failed answers nothing more is asked.
const MOST_FAILURES: usize = 3;
/// The longest the questions may take in all.
const LONGEST: Duration = Duration::from_mins(1);

impl<S: Store, K: Secrets> Run<'_, S, K> {
    /// True if there is something to ask.
    pub(crate) fn has_to_ask(&self) -> bool {
        !self.state.has_asked && !self.work.planned.entries.marks.is_empty()
    }

    /// Asks about every planned mark, held or not, as far as calls and time allow. The answers only
    /// explain: the run ends the same way without them.
    pub(crate) async fn ask_for_users_and_tickets(&mut self) {
        if !self.has_to_ask() {
            return;
        }
        self.state.has_asked = true;
        let why = match tokio::time::timeout(LONGEST, self.ask()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", LONGEST.as_secs()),
        };
        let run_id = &self.work.plan().header.run_id;
        tracing::warn!(run_id, "what hangs on some marks is not known: {why}");
    }

    async fn ask(&mut self) -> Result<()> {
        let mut failures = 0;
        for mark in self.work.planned.entries.marks.iter().take(MOST_RELATED) {
            if !self.deadline.allows_more() {
                return Err(Error::Transient("the invocation's time is over".to_owned()));
            }
            let mut client = self.client().await?;
            if client.nearly_used_up().is_some() {
                return Err(Error::Transient(
                    "the rate limit is nearly used up".to_owned(),
                ));
            }
            match client.related(mark.id).await {
                Ok(related) => self.state.related.extend(related),
                Err(error) => {
                    failures += 1;
                    let asks_for_a_pause = matches!(error, CallError::Pause { .. });
                    if asks_for_a_pause || failures == MOST_FAILURES {
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(())
    }
}
