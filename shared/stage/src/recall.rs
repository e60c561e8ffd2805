//! What a run reads of the runs before it: `memory.json`, `latest.json` and `history.json`.
//!
//! Source: contract, section 4, "`memory.json`".

use domain::model::{
    HISTORY, Header, History, LATEST, LastGood, MEMORY, Memory, SCHEMA_VERSION, Week, run_key,
};
use domain::plan::{Inputs, Plan};
use domain::{Error, Result};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::store::Store;

/// What compare knows of the runs before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recalled {
    /// The memory; `None` if there is none that can be read.
    pub memory: Option<Memory>,
    /// Why the memory is lost. Then no earlier clock or mark is known, so every mark is held.
    pub lost: Option<String>,
    pub last_good: Option<LastGood>,
    /// What the history says of the week before.
    pub week: Week,
}

/// Reads the past of a run that started at this moment. If a document cannot be read, that is a
/// lost memory and not an error: the run goes on, and holds all marks.
///
/// compare may be called twice for one run, because its answer was lost. The first call has written
/// a memory then; the second one takes the past from the first one's plan.
///
/// # Errors
/// As for [`Store::get`].
pub async fn recall<S: Store>(store: &S, run_id: &str, now: Timestamp) -> Result<Recalled> {
    let memory = Found::read(store, MEMORY, |memory: &Memory| &memory.header).await?;
    if memory.is_of(run_id, |memory| &memory.header)
        && let Some(recalled) = recall_again(store, run_id).await?
    {
        return Ok(recalled);
    }
    let last_good = Found::read(store, LATEST, |last: &LastGood| &last.header).await?;
    let history = Found::read(store, HISTORY, |history: &History| &history.header).await?;
    let beside = match (&last_good, &history) {
        (Found::None, Found::None) => None,
        (Found::None, _) => Some(HISTORY),
        (_, _) => Some(LATEST),
    };
    let missing = beside.filter(|_| memory == Found::None).map(|beside| {
        format!(
            "{MEMORY}: it is missing, though {beside} is there: it was deleted, or this is the \
             first run of a version that keeps a memory"
        )
    });
    let lost = memory.why().or(last_good.why()).or(missing);
    let memory = match &lost {
        None => memory.readable(),
        // What was marked and held is still true; the clocks may have missed a run.
        Some(_) => memory.readable().map(Memory::without_clocks),
    };
    let week = history.readable().map(|history| history.week(now));
    Ok(Recalled {
        memory,
        lost,
        last_good: last_good.readable(),
        week: week.unwrap_or_default(),
    })
}

/// The past that an earlier call of compare in the same run has planned with; `None` if it left no
/// plan that can be read.
async fn recall_again<S: Store>(store: &S, run_id: &str) -> Result<Option<Recalled>> {
    let key = run_key(run_id, "plan.json");
    let plan = Found::read(store, &key, |plan: &Plan| &plan.header).await?;
    let Some(Plan { inputs, .. }) = plan.readable() else {
        return Ok(None);
    };
    let Inputs {
        memory,
        memory_lost,
        last_good,
        week,
        ..
    } = inputs;
    Ok(Some(Recalled {
        memory,
        lost: memory_lost,
        last_good,
        week,
    }))
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

    /// True if the run with this id wrote it.
    fn is_of(&self, run_id: &str, header: fn(&T) -> &Header) -> bool {
        match self {
            Self::Document(document) => header(document).run_id == run_id,
            Self::None | Self::Unreadable(_) => false,
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

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

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
        recall(&Fixed(there.collect()), "this", NOW).await.unwrap()
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
                week: _,
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
    async fn a_memory_that_is_missing_beside_a_history_is_lost() {
        for history in [
            serde_json::to_vec(&History::new("r", NOW)).unwrap(),
            b"{".to_vec(),
        ] {
            let store = Fixed([(HISTORY, Some(history))].into());
            let Recalled { memory, lost, .. } = recall(&store, "this", NOW).await.unwrap();
            assert_eq!(memory, None);
            assert!(lost.is_some_and(|why| why.contains(HISTORY)));
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
                week: _,
            } = recalled(Some(memory(1)), Some(broken)).await;
            let memory = memory.unwrap();
            let clocks = memory.absent.iter().filter(|one| one.since.is_some());
            assert_eq!((clocks.count(), memory.marked.len()), (0, 1));
            assert_eq!(memory.held.len(), 1);
            assert!(lost.is_some_and(|why| why.starts_with(LATEST)));
            assert_eq!(last_good, None);
        }
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_no_lost_memory() {
        for key in [MEMORY, LATEST, HISTORY] {
            let error = recall(&Fixed([(key, None)].into()), "this", NOW)
                .await
                .unwrap_err();
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
