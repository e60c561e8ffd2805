//! What is decided when there is no time left for it, so that the run ends by itself.

use domain::model::Outcome;

use super::{Chunk, CreateResult, Phase, State};
use crate::work::Work;

const TIME_IS_OVER: &str =
    "not sent: Zendesk was too slow, and the time for it was over; the next run tries it again";
const NOT_AGAIN: &str =
    "its job failed, and the run's time was over before it was sent again; the next run tries it";
const NO_ANSWER: &str = "it was sent and got no answer before the run's time was over";
const STILL_RUNNING: &str = "its job was still running when the run's time was over";

impl State {
    /// Decides what was not sent when the time for it is over, and what may still come.
    pub fn give_up(&mut self, work: &Work) {
        self.give_up_creates(work);
        while let Some(chunk) = self.next_chunk(work) {
            self.take(chunk);
            let (outcome, words) = match chunk {
                Chunk { lost: true, .. } => (Outcome::Unknown, NO_ANSWER),
                Chunk { again: true, .. } => (Outcome::Failed, NOT_AGAIN),
                Chunk { .. } => (Outcome::Failed, TIME_IS_OVER),
            };
            for index in self.undecided(chunk) {
                self.decide(chunk.action, index, outcome, Some(words));
            }
        }
        for place in 0..self.jobs.len() {
            let job = self
                .jobs
                .get(place)
                .filter(|job| job.phase == Phase::Running);
            let Some(chunk) = job.map(|job| job.chunk) else {
                continue;
            };
            for index in self.undecided(chunk) {
                self.decide(chunk.action, index, Outcome::Unknown, Some(STILL_RUNNING));
            }
            self.close(place, Phase::Judged);
        }
    }

    /// Decides the creates that are left, so that what comes behind them has its time.
    pub fn give_up_creates(&mut self, work: &Work) {
        while self.creates.len() < work.creates().len() {
            let (outcome, words) = match self.open_create.take() {
                Some(open) => (Outcome::Unknown, open.words),
                None => (Outcome::Failed, TIME_IS_OVER.to_owned()),
            };
            self.creates.push(CreateResult {
                outcome,
                id: None,
                error: Some(words),
            });
        }
    }
}
