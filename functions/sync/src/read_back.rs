//! Organizations read again, where Zendesk's answer proves nothing.

use std::collections::BTreeMap;

use domain::model::{Organization, Outcome};
use vendors::zendesk::CallError;

use crate::applier::Applier;
use crate::chunk::Chunk;
use crate::state::Refused;

const NOT_SHOWN: &str = "Zendesk gave no result, and does not show the organization";

impl Applier<'_> {
    /// Reads the organizations of these records of a chunk, for which Zendesk gave no result, and
    /// judges them by their fields. Returns those that do not have the wanted values.
    pub(crate) async fn read_back(
        &mut self,
        chunk: &Chunk,
        places: &[usize],
    ) -> Result<Vec<usize>, CallError> {
        let now = self.organizations(chunk, places).await?;
        let refusals = self.state.refusals(chunk);
        let is_done = |place, organization| {
            let refusal = Refused::at(place, &refusals);
            self.work.is_done(chunk.list, place, refusal, organization)
        };
        let (mut done, mut not_done, mut not_shown) = (Vec::new(), Vec::new(), Vec::new());
        for &place in places {
            let id = self.work.id(chunk.list, place);
            match id.and_then(|id| now.get(&id)) {
                Some(one) if is_done(place, one) => done.push(place),
                Some(_) => not_done.push(place),
                // It may be deleted, or hidden: it is not known that the change was not done.
                None => not_shown.push(place),
            }
        }
        self.state.decide(chunk, &done, Outcome::Done, None);
        self.decide_unknown(chunk, &not_shown, NOT_SHOWN);
        Ok(not_done)
    }

    /// The organizations of these records, as Zendesk has them now; those that do not exist any
    /// more are left out.
    pub(crate) async fn organizations(
        &mut self,
        chunk: &Chunk,
        places: &[usize],
    ) -> Result<BTreeMap<u64, Organization>, CallError> {
        let ids = places
            .iter()
            .filter_map(|&place| self.work.id(chunk.list, place));
        let ids: Vec<u64> = ids.collect();
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let organizations = self.client.show_many(&ids).await?;
        Ok(organizations.into_iter().map(|one| (one.id, one)).collect())
    }
}
