//! Decided entries are saved once, in segments, so that the cost of saving does not depend on how
//! many writes came before.
//!
//! `sync-state.json` holds the entries that are in no segment, and counts those that are in one. A
//! segment is written before the progress that counts it. So a kill between the two leaves the
//! progress as it was, and the segment is overwritten.

use domain::model::{Header, run_key};
use domain::{Error, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stage::store::Store;

use crate::add_only::Segments;
use crate::state::{CreateResult, Decided, FILE, Refused, State};

/// Decided entries in a segment. More would make the progress larger, which is saved with every
/// write. Fewer would make more segments, each of which is a write of its own.
const ENTRIES_PER_SEGMENT: usize = 50;
/// Segments read at the same time.
const READS_AT_ONCE: usize = 8;

/// `sync-state-{number}.json`: entries that do not change any more.
#[derive(Debug, Serialize, Deserialize)]
struct Segment {
    /// Its count is the number of entries in its lists.
    #[serde(flatten)]
    header: Header,
    creates: Vec<CreateResult>,
    refused: Vec<Refused>,
    decided: Vec<Decided>,
}

impl Segment {
    fn entries(&self) -> usize {
        self.creates.len() + self.refused.len() + self.decided.len()
    }
}

fn file(number: usize) -> String {
    format!("sync-state-{number}.json")
}

impl State {
    /// Writes the decided entries as a segment, once there are enough for one.
    pub(crate) async fn put_segment<S: Store>(&mut self, store: &S, now: Timestamp) -> Result<()> {
        let creates = self.creates.open();
        let refused = self.refused.open();
        let decided = self.decided.open();
        let entries = creates.len() + refused.len() + decided.len();
        if entries < ENTRIES_PER_SEGMENT {
            return Ok(());
        }
        let run_id = &self.header.run_id;
        let segment = Segment {
            header: Header::new(run_id, now, entries),
            creates: creates.to_vec(),
            refused: refused.to_vec(),
            decided: decided.to_vec(),
        };
        let number = self.segments.number + 1;
        let key = run_key(run_id, &file(number));
        store.put_json(&key, &segment, entries).await?;
        self.creates.in_segments += segment.creates.len();
        self.refused.in_segments += segment.refused.len();
        self.decided.in_segments += segment.decided.len();
        self.segments = self.in_segments(number);
        Ok(())
    }

    /// Reads the segments that the progress counts.
    pub(crate) async fn read_segments<S: Store>(&mut self, store: &S) -> Result<()> {
        let run_id = self.header.run_id.clone();
        let reads = (1..=self.segments.number).map(|number| read(store, &run_id, number));
        let segments: Vec<Segment> = stream::iter(reads)
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await?;
        let (mut creates, mut refused, mut decided) = (Vec::new(), Vec::new(), Vec::new());
        for segment in segments {
            creates.extend(segment.creates);
            refused.extend(segment.refused);
            decided.extend(segment.decided);
        }
        self.creates.begin_with(creates);
        self.refused.begin_with(refused);
        self.decided.begin_with(decided);
        if self.in_segments(self.segments.number) == self.segments {
            return Ok(());
        }
        Err(Error::Contract(format!(
            "{FILE}: its segments are not those that it counts; start a new run"
        )))
    }

    fn in_segments(&self, number: usize) -> Segments {
        Segments {
            number,
            creates: self.creates.in_segments,
            refused: self.refused.in_segments,
            decided: self.decided.in_segments,
        }
    }
}

async fn read<S: Store>(store: &S, run_id: &str, number: usize) -> Result<Segment> {
    let file = file(number);
    let found: Option<Segment> = store.find_json(&run_key(run_id, &file)).await?;
    let segment = found.ok_or_else(|| {
        Error::Contract(format!(
            "{file}: the document is gone, and with it what was done; start a new run"
        ))
    })?;
    segment.header.check(&file, run_id, segment.entries())?;
    Ok(segment)
}
