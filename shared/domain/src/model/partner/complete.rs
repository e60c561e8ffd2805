//! Proof that a read is complete. A mark leads to deletion, so what was not read must never look
//! like what is gone.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::{BuildHasher, Hash};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Something that was read to its end, and checked. Only [`Reading::finish`] and the stored
/// documents make one, and the comparison accepts nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete<T>(T);

impl<T> Complete<T> {
    /// For tests: says of a made-up value that it was read in full.
    #[cfg(test)]
    pub(crate) fn for_tests(value: T) -> Self {
        Self(value)
    }

    /// For the stored documents, which hand a complete read from one stage to the next.
    pub(super) fn proven(value: T) -> Self {
        Self(value)
    }

    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was read, without the proof.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// Reshapes what was read; the proof stays because the closure cannot read anew.
    pub fn map<U>(self, reshape: impl FnOnce(T) -> U) -> Complete<U> {
        Complete(reshape(self.0))
    }
}

/// The ids of the records that were seen.
pub trait Seen {
    /// What a record is known by.
    type Id: Display + Clone;

    /// Adds an id; false if it is there already.
    fn insert(&mut self, id: Self::Id) -> bool;

    fn count(&self) -> usize;
}

impl<Id: Eq + Hash + Clone + Display, S: BuildHasher> Seen for HashSet<Id, S> {
    type Id = Id;

    fn insert(&mut self, id: Id) -> bool {
        Self::insert(self, id)
    }

    fn count(&self) -> usize {
        self.len()
    }
}

/// A read in progress: every id once, until the source says that this was the last page.
///
/// It keeps the ids of all records (8 bytes an organization), even of those the caller drops.
/// Without them nobody would notice a page that is served twice in place of another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reading<S> {
    what: String,
    seen: S,
}

impl<S: Seen + Default> Reading<S> {
    /// Begins a read. `what` names the source in errors.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            seen: S::default(),
        }
    }

    /// Counts a record.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if the record came before.
    pub fn saw(&mut self, id: &S::Id) -> Result<()> {
        if self.seen.insert(id.clone()) {
            return Ok(());
        }
        Err(self.incomplete(&format!("record {id} came twice")))
    }

    /// The number of records so far.
    pub fn count(&self) -> usize {
        self.seen.count()
    }

    /// An error of this read.
    pub fn incomplete(&self, why: &str) -> Error {
        Error::Incomplete(format!(
            "{}: the read is not complete: {why}, after {} records; the next run reads \
             again",
            self.what,
            self.count()
        ))
    }

    /// Ends the read after the page that said it was the last. `total` is the number of records the
    /// source announced, if it announces one.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if the numbers differ.
    pub fn finish<T>(self, total: Option<usize>, kept: T) -> Result<Complete<T>> {
        match total {
            Some(total) if total != self.count() => {
                Err(self.incomplete(&format!("the source announced {total} records")))
            }
            _ => Ok(Complete(kept)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::SeenIds;

    #[test]
    fn a_record_that_comes_twice_is_an_incomplete_read() {
        let mut reading = Reading::<SeenIds>::new("zendesk global");
        reading.saw(&7).unwrap();
        reading.saw(&8).unwrap();
        assert_eq!(reading.saw(&7).unwrap_err().name(), "Sync.Incomplete");
        assert_eq!(reading.count(), 2);
    }

    #[test]
    fn a_read_that_goes_on_from_its_saved_ids_still_tells_a_record_that_comes_twice() {
        let mut reading = Reading::<SeenIds>::new("zendesk global");
        reading.saw(&8).unwrap();
        reading.saw(&7).unwrap();
        let saved = serde_json::to_string(&reading).unwrap();
        let mut resumed: Reading<SeenIds> = serde_json::from_str(&saved).unwrap();
        assert_eq!(resumed.count(), 2);
        assert!(resumed.saw(&7).is_err());
        assert!(resumed.saw(&8).is_err());
    }

    #[test]
    fn the_announced_number_must_be_the_read_number() {
        let reading = || {
            let mut reading = Reading::<HashSet<&str>>::new("salesforce");
            reading.saw(&"a").unwrap();
            reading.saw(&"b").unwrap();
            reading
        };
        assert!(reading().finish(Some(2), ()).is_ok());
        assert!(reading().finish(None, ()).is_ok());
        for wrong in [0, 1, 3] {
            assert_eq!(
                reading().finish(Some(wrong), ()).unwrap_err().name(),
                "Sync.Incomplete"
            );
        }
    }
}
