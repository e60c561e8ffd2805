//! What a run reads of the runs before it: `memory.json` and `latest.json`.
//!
//! Source: contract, section 4, "`memory.json`".

use serde::de::DeserializeOwned;

use crate::store::Store;
use domain::model::{Header, LATEST, LastGood, MEMORY, Memory, SCHEMA_VERSION};
use domain::{Error, Result};

/// What compare knows of the runs before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recalled {
    /// The memory; `None` if there is none that can be read.
    pub memory: Option<Memory>,
    /// Why the memory is lost. Then no earlier clock or mark is known, so every mark is held.
    pub lost: Option<String>,
    pub last_good: Option<LastGood>,
}

/// Reads both documents. If one cannot be read, that is a lost memory and not an error: the run
/// goes on, and holds all marks.
///
/// # Errors
/// As for [`Store::get`].
pub async fn recall<S: Store>(store: &S) -> Result<Recalled> {
    let memory = Found::read(store, MEMORY, |memory: &Memory| &memory.header).await?;
    let last_good = Found::read(store, LATEST, |last: &LastGood| &last.header).await?;
    let is_missing = memory == Found::None && last_good != Found::None;
    let missing = is_missing.then(|| {
        format!(
            "{MEMORY}: it is missing, though {LATEST} is there: it was deleted, or this is the \
             first run of a version that keeps a memory"
        )
    });
    let lost = memory.why().or(last_good.why()).or(missing);
    let memory = match &lost {
        None => memory.readable(),
        // What was marked and held is still true; the clocks may have missed a run.
        Some(_) => memory.readable().map(Memory::without_clocks),
    };
    Ok(Recalled {
        memory,
        lost,
        last_good: last_good.readable(),
    })
}

/// The memory, for a stage that only gathers: `None` if there is none that can be read.
///
/// # Errors
/// As for [`Store::get`].
pub async fn find_memory<S: Store>(store: &S, run_id: &str) -> Result<Option<Memory>> {
    let memory = Found::read(store, MEMORY, |memory: &Memory| &memory.header).await?;
    if let Some(why) = memory.why() {
        tracing::warn!(run_id, "the memory cannot be read: {why}");
    }
    Ok(memory.readable())
}

/// What is found where a document should be.
#[derive(Debug, PartialEq)]
enum Found<T> {
    None,
    /// Why it cannot be read.
    Unreadable(String),
    Document(T),
}

impl<T: DeserializeOwned> Found<T> {
    async fn read<S: Store>(store: &S, key: &str, header: fn(&T) -> &Header) -> Result<Self> {
        let document = match store.find_json::<T>(key).await {
            Ok(None) => return Ok(Self::None),
            Ok(Some(document)) => document,
            Err(Error::Contract(why)) => return Ok(Self::Unreadable(why)),
            Err(other) => return Err(other),
        };
        let version = header(&document).schema_version;
        if version == SCHEMA_VERSION {
            return Ok(Self::Document(document));
        }
        Ok(Self::Unreadable(format!(
            "{key}: it has schema_version {version}, this code reads {SCHEMA_VERSION}"
        )))
    }

    fn why(&self) -> Option<String> {
        match self {
            Self::Unreadable(why) => Some(why.clone()),
            Self::None | Self::Document(_) => None,
        }
    }

    fn readable(self) -> Option<T> {
        match self {
            Self::Document(document) => Some(document),
            Self::None | Self::Unreadable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use domain::model::Counts;

    /// Documents that are there from the beginning; `None` for a store that does not answer.
    struct Fixed(BTreeMap<&'static str, Option<Vec<u8>>>);

    impl Store for Fixed {
        fn bucket(&self) -> &'static str {
            "fixed"
        }

        async fn put(&self, _: &str, _: Vec<u8>, _: &'static str) -> Result<()> {
            Ok(())
        }

        async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
            match self.0.get(key) {
                Some(None) => Err(Error::Transient("no answer".to_owned())),
                Some(Some(bytes)) => Ok(Some(bytes.clone())),
                None => Ok(None),
            }
        }
    }

    fn header(schema_version: u32) -> Value {
        json!({"schema_version": schema_version, "run_id": "r", "count": 1,
            "generated_at": "2026-11-23T06:00:00Z"})
    }

    fn memory(schema_version: u32) -> Vec<u8> {
        let mut document = header(schema_version);
        document["absent"] = json!([{"id": 7, "salesforce_id": "0014M00001sDiGEQA0",
            "since": "2026-11-22T06:00:00Z"}]);
        document["marked"] = json!([{"id": 8, "salesforce_id": "0014M00001sDiGEQA0",
            "at": "2026-11-22T06:00:00Z"}]);
        document["held"] = json!({"marks": ["7"]});
        document.to_string().into_bytes()
    }

    fn latest(schema_version: u32) -> Vec<u8> {
        let mut document = header(schema_version);
        document["verdict"] = json!("OK");
        document["counts"] = json!(Counts::default());
        document.to_string().into_bytes()
    }

    async fn recalled(memory: Option<Vec<u8>>, latest: Option<Vec<u8>>) -> Recalled {
        let documents = [(MEMORY, memory), (LATEST, latest)];
        let there = documents.into_iter().filter(|(_, bytes)| bytes.is_some());
        recall(&Fixed(there.collect())).await.unwrap()
    }

    #[tokio::test]
    async fn nothing_at_all_is_a_first_run_and_nothing_is_lost() {
        assert_eq!(recalled(None, None).await, Recalled::default());
    }

    #[tokio::test]
    async fn a_memory_is_whole_with_and_without_a_last_good_run() {
        for last in [None, Some(latest(1))] {
            let is_there = last.is_some();
            let Recalled {
                memory,
                lost,
                last_good,
            } = recalled(Some(memory(1)), last).await;
            assert_eq!(memory.unwrap().absent.len(), 1);
            assert_eq!(lost, None);
            assert_eq!(last_good.is_some(), is_there);
        }
    }

    #[tokio::test]
    async fn a_memory_that_is_missing_beside_a_last_good_run_is_lost() {
        for last in [latest(1), b"{".to_vec()] {
            let Recalled { memory, lost, .. } = recalled(None, Some(last)).await;
            assert_eq!(memory, None);
            assert!(lost.is_some());
        }
    }

    #[tokio::test]
    async fn a_memory_that_cannot_be_read_is_lost() {
        for broken in [b"{".to_vec(), b"[]".to_vec(), Vec::new(), memory(2)] {
            let Recalled { memory, lost, .. } = recalled(Some(broken), Some(latest(1))).await;
            assert_eq!(memory, None);
            assert!(lost.is_some_and(|why| why.starts_with(MEMORY)));
        }
    }

    #[tokio::test]
    async fn without_the_last_good_run_the_clocks_are_lost_and_the_marks_are_not() {
        for broken in [b"{".to_vec(), latest(2)] {
            let Recalled {
                memory,
                lost,
                last_good,
            } = recalled(Some(memory(1)), Some(broken)).await;
            let memory = memory.unwrap();
            assert_eq!((memory.absent.len(), memory.marked.len()), (0, 1));
            assert_eq!(memory.held.len(), 1);
            assert!(lost.is_some_and(|why| why.starts_with(LATEST)));
            assert_eq!(last_good, None);
        }
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_no_lost_memory() {
        for key in [MEMORY, LATEST] {
            let error = recall(&Fixed([(key, None)].into())).await.unwrap_err();
            assert_eq!(error.name(), "Sync.Transient");
        }
    }

    #[tokio::test]
    async fn a_stage_that_gathers_goes_on_without_a_memory() {
        let found = |bytes: Vec<u8>| async {
            let store = Fixed([(MEMORY, Some(bytes))].into());
            find_memory(&store, "r").await.unwrap().is_some()
        };
        assert!(found(memory(1)).await);
        assert!(!found(memory(2)).await);
        assert!(!found(b"{".to_vec()).await);
    }
}
