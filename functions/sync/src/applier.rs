//! What writes to Zendesk: the client, what is to be written, and how far that is. Its methods are
//! one step each.

use domain::model::Outcome;
use stage::clock::Clock;
use vendors::zendesk::Client;

use crate::chunk::Chunk;
use crate::list::List;
use crate::state::{Refused, State};
use crate::work::Work;

pub(crate) struct Applier<'a> {
    pub(crate) client: &'a mut Client,
    pub(crate) work: &'a Work,
    pub(crate) state: &'a mut State,
    pub(crate) clock: &'a Clock,
}

impl Applier<'_> {
    /// Notes that an update was refused with these words. True if it is sent once more without what
    /// they name.
    pub(crate) fn refuse(&mut self, chunk: &Chunk, place: usize, words: &str) -> bool {
        let was_refused = Refused::at(place, &self.state.refusals(chunk)).is_some();
        if chunk.list != List::Updates || was_refused {
            return false;
        }
        let changes = self.work.changes(chunk.list, place, None);
        let sent: Vec<&str> = changes.map(|change| change.field.as_str()).collect();
        let refusal = self.work.refusal(words, &sent);
        let is_sent_again = refusal.is_some();
        let refused = refusal.map(|refusal| Refused { place, refusal });
        self.state.refused.extend(refused);
        is_sent_again
    }

    /// Decides records of a chunk that were not done; `words` say why.
    pub(crate) fn decide_not_done(&mut self, chunk: &Chunk, places: &[usize], words: &str) {
        self.state
            .decide(chunk, places, chunk.of_not_done(), Some(words));
    }

    /// Decides records of a chunk for which it cannot be known whether they were done.
    pub(crate) fn decide_unknown(&mut self, chunk: &Chunk, places: &[usize], words: &str) {
        self.state
            .decide(chunk, places, Outcome::Unknown, Some(words));
    }
}
