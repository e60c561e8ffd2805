//! The ids a walk has seen.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::complete::Seen;

/// Ids that were seen: 8 bytes each in memory, whatever their order.
///
/// Zendesk lists organizations by id, so nearly all of a walk is one sorted run. An id out of order
/// begins another run. A run is merged into the one before it as soon as that one is not twice as
/// long, so there are few runs, and for n ids the work is n log n at most.
///
/// In JSON it is a list of differences between neighbours: compressed, a million of them take about
/// three megabytes.
/// megabytes.
#[derive(Debug, Clone, Default)]
pub struct SeenIds {
    /// Each one sorted.
    runs: Vec<Vec<u64>>,
}

impl SeenIds {
    fn contains(&self, id: u64) -> bool {
        let may_hold = |run: &&Vec<u64>| run.last().is_some_and(|last| id <= *last);
        let mut runs = self.runs.iter().filter(may_hold);
        runs.any(|run| run.binary_search(&id).is_ok())
    }

    fn merge_short_runs(&mut self) {
        while let [.., before, last] = self.runs.as_mut_slice()
            && before.len() < 2 * last.len()
        {
            before.append(last);
            merge(before);
            self.runs.pop();
        }
    }

    fn sorted(&self) -> Cow<'_, [u64]> {
        match self.runs.as_slice() {
            [run] => Cow::Borrowed(run),
            runs => {
                let mut all = runs.concat();
                all.sort_unstable();
                Cow::Owned(all)
            }
        }
    }
}

/// Sorts two runs, each of them sorted, that lie one behind the other.
#[expect(
    clippy::stable_sort_primitive,
    reason = "it merges runs in linear time"
)]
fn merge(runs: &mut [u64]) {
    runs.sort();
}

impl Seen for SeenIds {
    type Id = u64;

    fn insert(&mut self, id: u64) -> bool {
        if self.contains(id) {
            return false;
        }
        match self.runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| *last < id) => run.push(id),
            _ => self.runs.push(vec![id]),
        }
        self.merge_short_runs();
        true
    }

    fn count(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }
}

impl Serialize for SeenIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        let ids = self.sorted();
        serializer.collect_seq(
            ids.iter()
                .map(|id| id - std::mem::replace(&mut before, *id)),
        )
    }
}

impl<'de> Deserialize<'de> for SeenIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Differences)
    }
}

struct Differences;

impl<'de> Visitor<'de> for Differences {
    type Value = SeenIds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the differences between sorted ids")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<SeenIds, S::Error> {
        let mut run: Vec<u64> = Vec::new();
        while let Some(difference) = seq.next_element::<u64>()? {
            let before = run.last().copied().unwrap_or_default();
            let id = before.checked_add(difference);
            run.push(id.ok_or_else(|| S::Error::custom("an id above 2^64"))?);
        }
        Ok(SeenIds { runs: vec![run] })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_stored_as_the_differences_between_them() {
        let mut seen = SeenIds::default();
        for id in [360_000_000_007, 360_000_000_001, 360_000_000_003] {
            assert!(seen.insert(id));
        }
        assert_eq!(serde_json::to_string(&seen).unwrap(), "[360000000001,2,4]");
    }

    #[test]
    fn ids_in_order_are_one_run_and_in_any_order_few() {
        let mut seen = SeenIds::default();
        (1..5000).for_each(|id| assert!(seen.insert(id * 7)));
        assert_eq!(seen.runs.len(), 1);
        let mut seen = SeenIds::default();
        (1..5000).rev().for_each(|id| assert!(seen.insert(id)));
        assert!(seen.runs.len() < 16, "{} runs", seen.runs.len());
    }

    #[test]
    fn differences_that_are_no_ids_are_refused() {
        assert!(serde_json::from_str::<SeenIds>("[18446744073709551615, 1]").is_err());
    }

    proptest! {
        #[test]
        fn it_knows_what_a_hash_set_knows(ids in prop::collection::vec(0..300_u64, 0..400)) {
            let mut seen = SeenIds::default();
            let mut known = HashSet::new();
            for id in ids {
                prop_assert_eq!(seen.insert(id), known.insert(id));
                prop_assert_eq!(seen.count(), known.len());
            }
        }

        #[test]
        fn what_is_stored_and_read_again_knows_the_same(
            ids in prop::collection::vec(any::<u64>(), 0..50),
            others in prop::collection::vec(any::<u64>(), 0..50),
        ) {
            let mut seen = SeenIds::default();
            for id in &ids {
                seen.insert(*id);
            }
            let json = serde_json::to_string(&seen).unwrap();
            let mut read: SeenIds = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read.count(), seen.count());
            for id in ids.iter().chain(&others) {
                prop_assert_eq!(read.insert(*id), seen.insert(*id));
            }
        }
    }
}
