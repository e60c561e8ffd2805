//! What writes to Zendesk: the client, what is to be written, and how far that is. Its methods are
//! one step each.

use domain::model::Outcome;
use stage::clock::Clock;
use vendors::zendesk::Client;

use crate::chunk::Chunk;
use crate::state::State;
use crate::work::Work;

pub(crate) struct Applier<'a> {
    pub(crate) client: &'a mut Client,
    pub(crate) work: &'a Work,
    pub(crate) state: &'a mut State,
    pub(crate) clock: &'a Clock,
}

impl Applier<'_> {
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
