//! What is decided when there is no time left for it, so that the run ends by itself.

use domain::model::Outcome;

use crate::chunk::Before;
use crate::doubt::{LastTry, OpenCreate};
use crate::state::{CreateResult, State};
use crate::work::Work;

const TIME_IS_OVER: &str =
    "not sent: Zendesk was too slow, and the time for it was over; the next run tries it again";
const NOT_AGAIN: &str =
    "its job failed, and the run's time was over before it was sent again; the next run tries it";
const NO_ANSWER: &str = "it was sent and got no answer before the run's time was over";
const STILL_RUNNING: &str = "its job was still running when the run's time was over";

impl State {
    /// Decides everything that is left when its time is over: what was not sent, and what may still
    /// be done.
    pub fn give_up(&mut self, work: &Work) {
        self.give_up_creates(work);
        while let Some(chunk) = self.left(work).chunk {
            self.take(&chunk);
            let (outcome, words) = match chunk.before {
                Before::MayBeRunning(_) => (Outcome::Unknown, NO_ANSWER),
                Before::Sent => (Outcome::Failed, NOT_AGAIN),
                Before::Unsent => (Outcome::Failed, TIME_IS_OVER),
            };
            let places = self.undecided(&chunk);
            self.decide(&chunk, &places, outcome, Some(words));
        }
        for job in std::mem::take(&mut self.jobs) {
            let places = self.undecided(&job.chunk);
            self.decide(
                &job.judged(),
                &places,
                Outcome::Unknown,
                Some(STILL_RUNNING),
            );
        }
    }

    /// Decides the creates that are left, so that the updates and marks after them have their time.
    pub fn give_up_creates(&mut self, work: &Work) {
        while self.creates.len() < work.creates().len() {
            let (outcome, words) = match self.open_create.take() {
                Some(OpenCreate {
                    ended: LastTry::Value,
                    refusal: Some(refusal),
                    ..
                }) => (Outcome::Failed, refusal.words),
                Some(open) => (Outcome::Unknown, open.words),
                None => (Outcome::Failed, TIME_IS_OVER.to_owned()),
            };
            self.creates.push(CreateResult {
                outcome,
                id: None,
                error: Some(words),
                left_out: Vec::new(),
            });
        }
    }
}
