//! What hangs on the organizations that are to be marked: users and tickets, for who decides.

use std::time::Duration;

use shared::model::MOST_RELATED;
use shared::secrets::Secrets;
use shared::store::Store;
use shared::{Error, Result};

use crate::state::State;
use crate::steps::Run;

/// The longest the questions may take in all.
const LONGEST: Duration = Duration::from_mins(1);

impl<S: Store, K: Secrets> Run<'_, S, K> {
    /// Asks about every planned mark, held or not, as far as calls and time allow. It explains and
    /// nothing more: the run ends the same without an answer.
    pub(crate) async fn ask_what_hangs_on_marks(&self, state: &mut State) {
        if state.has_asked || self.work.planned.marks.is_empty() {
            return;
        }
        state.has_asked = true;
        let why = match tokio::time::timeout(LONGEST, self.ask(state)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", LONGEST.as_secs()),
        };
        let run_id = &self.work.plan().header.run_id;
        tracing::warn!(run_id, "what hangs on some marks is not known: {why}");
    }

    async fn ask(&self, state: &mut State) -> Result<()> {
        for mark in self.work.planned.marks.iter().take(MOST_RELATED) {
            if !self.deadline.allows_more() {
                return Err(Error::Transient("the invocation's time is over".to_owned()));
            }
            let mut client = self.client().await?;
            if client.nearly_used_up().is_some() {
                return Err(Error::Transient(
                    "the rate limit is nearly used up".to_owned(),
                ));
            }
            let related = client.related(mark.id).await?;
            state.related.extend(related);
        }
        Ok(())
    }
}
