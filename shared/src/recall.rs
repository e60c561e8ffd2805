//! What a run reads of the runs before it: `memory.json` and `latest.json`.
//!
//! Source: contract, section 4, "`memory.json`".

use serde::de::DeserializeOwned;

use crate::model::{Header, LATEST, LastGood, MEMORY, Memory, SCHEMA_VERSION};
use crate::store::Store;
use crate::{Error, Result};

/// What compare knows of the runs before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recalled {
    /// The memory; `None` if there is none that can be read.
    pub memory: Option<Memory>,
    /// Why the memory is lost: no clock and no mark of before is known, so no mark may go unseen.
    pub lost: Option<String>,
    /// The last good run.
    pub last_good: Option<LastGood>,
}

/// Reads both documents. What cannot be read is a lost memory and no error: the run goes on, and
/// holds all marks.
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

/// The memory, for a stage that only gathers by it: `None` if there is none that can be read.
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
