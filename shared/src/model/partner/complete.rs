//! Proof that a read is complete. A mark leads to deletion, so what was not read must never look
//! like what is gone.

use std::collections::HashSet;
use std::hash::Hash;

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

    /// What was read.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was read, without the proof.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }

    /// Reshapes what was read; the proof stays because the closure cannot read anew.
    #[must_use]
    pub fn map<U>(self, reshape: impl FnOnce(T) -> U) -> Complete<U> {
        Complete(reshape(self.0))
    }
}

/// A read in progress: every id once, until the source says that this was the last page.
///
/// It keeps the ids of all records (8 bytes an organization), also of those the caller drops:
/// without them a page served twice in place of another one could not be told.
#[derive(Debug, Clone)]
pub struct Reading<Id> {
    what: String,
    seen: HashSet<Id>,
}

impl<Id: Eq + Hash + std::fmt::Display> Reading<Id> {
    /// Begins a read, or goes on with one whose ids were saved. `what` names the source in errors.
    pub fn new(what: impl Into<String>, seen: impl IntoIterator<Item = Id>) -> Self {
        Self {
            what: what.into(),
            seen: seen.into_iter().collect(),
        }
    }

    /// Counts a record.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if the record came before.
    pub fn saw(&mut self, id: Id) -> Result<()> {
        if self.seen.contains(&id) {
            return Err(self.incomplete(&format!("record {id} came twice")));
        }
        self.seen.insert(id);
        Ok(())
    }

    /// The number of records so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    /// The ids so far, to be saved.
    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.seen.iter()
    }

    /// An error of this read.
    #[must_use]
    pub fn incomplete(&self, why: &str) -> Error {
        Error::Incomplete(format!(
            "{}: the read is not complete: {why}, after {} records; the next run reads \
             again",
            self.what,
            self.seen.len()
        ))
    }

    /// Ends the read after the page that said it was the last. `total` is the number of records the
    /// source announced, if it announces one.
    ///
    /// # Errors
    /// [`Error::Incomplete`] if the numbers differ.
    pub fn finish<T>(self, total: Option<usize>, kept: T) -> Result<Complete<T>> {
        match total {
            Some(total) if total != self.seen.len() => {
                Err(self.incomplete(&format!("the source announced {total} records")))
            }
            _ => Ok(Complete(kept)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_comes_twice_is_an_incomplete_read() {
        let mut reading = Reading::new("zendesk global", [7_u64]);
        reading.saw(8).unwrap();
        assert_eq!(reading.saw(7).unwrap_err().name(), "Sync.Incomplete");
        assert_eq!(reading.count(), 2);
    }

    #[test]
    fn a_read_that_goes_on_from_its_saved_ids_still_tells_a_record_that_comes_twice() {
        let mut reading = Reading::new("zendesk global", [7_u64]);
        reading.saw(8).unwrap();
        let saved: Vec<_> = reading.ids().copied().collect();
        let mut resumed = Reading::new("zendesk global", saved);
        assert_eq!(resumed.count(), 2);
        assert!(resumed.saw(7).is_err());
        assert!(resumed.saw(8).is_err());
    }

    #[test]
    fn the_announced_number_must_be_the_read_number() {
        let reading = || Reading::new("salesforce", ["a", "b"]);
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
