//! What is decided is saved once, in segments: the cost of saving does not depend on how many
//! writes came before.
//!
//! `sync-state.json` holds what lies in no segment, and counts what lies in them. A segment is
//! written before the progress that counts it, so a kill between the two leaves the progress as it
//! was, and the segment is written over.

use std::ops::Deref;

use domain::model::{Header, run_key};
use domain::{Error, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stage::store::Store;

use super::{CreateResult, Exception, FILE, Phase, SentJob, State};

/// Decided entries that make a segment. Many: large progress, saved with every write. Few: many
/// segments, each a write of its own.
const ENTRIES_PER_SEGMENT: usize = 50;
/// Segments read at the same time.
const READS_AT_ONCE: usize = 8;

/// What lies in segments. A segment that was written over too late would hold something else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    number: usize,
    creates: usize,
    jobs: usize,
    exceptions: usize,
}

/// A list that only grows. In JSON only what lies in no segment.
#[derive(Debug)]
pub struct Grown<T> {
    all: Vec<T>,
    in_segments: usize,
}

impl<T> Grown<T> {
    pub fn push(&mut self, entry: T) {
        self.all.push(entry);
    }

    /// An entry that is still to change; `None` for one that lies in a segment, and never does.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.all
            .get_mut(place)
            .filter(|_| place >= self.in_segments)
    }

    /// The entries that lie in no segment.
    fn open(&self) -> &[T] {
        self.all.get(self.in_segments..).unwrap_or_default()
    }

    /// Puts the entries of all segments before those that lie in none.
    fn begin_with(&mut self, mut entries: Vec<T>) {
        self.in_segments = entries.len();
        entries.append(&mut self.all);
        self.all = entries;
    }
}

impl<T> Default for Grown<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            in_segments: 0,
        }
    }
}

impl<T> Deref for Grown<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all
    }
}

impl<T: Serialize> Serialize for Grown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.open().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Grown<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::deserialize(deserializer)?;
        Ok(Self {
            all,
            in_segments: 0,
        })
    }
}

/// `sync-state-{number}.json`: entries that do not change any more.
#[derive(Debug, Serialize, Deserialize)]
struct Segment {
    /// Its count is that of all three lists.
    #[serde(flatten)]
    header: Header,
    creates: Vec<CreateResult>,
    jobs: Vec<SentJob>,
    exceptions: Vec<Exception>,
}

impl Segment {
    fn entries(&self) -> usize {
        self.creates.len() + self.jobs.len() + self.exceptions.len()
    }
}

fn file(number: usize) -> String {
    format!("sync-state-{number}.json")
}

impl State {
    /// Writes what is decided as a segment, once it is enough for one.
    pub(super) async fn put_segment<S: Store>(&mut self, store: &S) -> Result<()> {
        let (creates, exceptions) = (self.creates.open(), self.exceptions.open());
        let is_settled = |job: &&SentJob| job.phase != Phase::Running;
        let jobs = || self.jobs.open().iter().take_while(is_settled);
        let entries = creates.len() + jobs().count() + exceptions.len();
        if entries < ENTRIES_PER_SEGMENT {
            return Ok(());
        }
        let run_id = &self.header.run_id;
        let segment = Segment {
            header: Header::new(run_id, entries),
            creates: creates.to_vec(),
            jobs: jobs().cloned().collect(),
            exceptions: exceptions.to_vec(),
        };
        let number = self.segments.number + 1;
        let key = run_key(run_id, &file(number));
        store.put_json(&key, &segment, entries).await?;
        self.creates.in_segments += segment.creates.len();
        self.jobs.in_segments += segment.jobs.len();
        self.exceptions.in_segments += segment.exceptions.len();
        self.segments = self.in_segments(number);
        Ok(())
    }

    /// Reads the segments that the progress counts.
    pub(super) async fn read_segments<S: Store>(&mut self, store: &S) -> Result<()> {
        let run_id = self.header.run_id.clone();
        let reads = (1..=self.segments.number).map(|number| read(store, &run_id, number));
        let segments: Vec<Segment> = stream::iter(reads)
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await?;
        let (mut creates, mut jobs, mut exceptions) = (Vec::new(), Vec::new(), Vec::new());
        for segment in segments {
            creates.extend(segment.creates);
            jobs.extend(segment.jobs);
            exceptions.extend(segment.exceptions);
        }
        self.creates.begin_with(creates);
        self.jobs.begin_with(jobs);
        self.exceptions.begin_with(exceptions);
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
            jobs: self.jobs.in_segments,
            exceptions: self.exceptions.in_segments,
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
