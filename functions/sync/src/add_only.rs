//! Lists that only grow. Most of their entries are in segments.

use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How much is in segments. The counts give away a segment that was overwritten too late.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    pub number: usize,
    pub creates: usize,
    pub refused: usize,
    pub decided: usize,
}

/// A list that only grows. Its JSON has only the entries that are in no segment.
#[derive(Debug)]
pub struct AddOnly<T> {
    all: Vec<T>,
    pub in_segments: usize,
}

impl<T> AddOnly<T> {
    pub fn push(&mut self, entry: T) {
        self.all.push(entry);
    }

    pub fn extend(&mut self, entries: impl IntoIterator<Item = T>) {
        self.all.extend(entries);
    }

    /// The entries that are in no segment.
    pub fn open(&self) -> &[T] {
        self.all.get(self.in_segments..).unwrap_or_default()
    }

    /// Puts the entries of all segments before those that are in none.
    pub fn begin_with(&mut self, mut entries: Vec<T>) {
        self.in_segments = entries.len();
        entries.append(&mut self.all);
        self.all = entries;
    }
}

impl<T> Default for AddOnly<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            in_segments: 0,
        }
    }
}

impl<T> Deref for AddOnly<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all
    }
}

impl<T: Serialize> Serialize for AddOnly<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.open().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AddOnly<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::deserialize(deserializer)?;
        Ok(Self {
            all,
            in_segments: 0,
        })
    }
}
