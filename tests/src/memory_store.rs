//! A store in memory, at whose writes a process can be made to die.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Error, Result};
use stage::store::Store;
use tokio::sync::Notify;

/// Documents in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Mutex<Inner>>,
    hung: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<String, Vec<u8>>,
    puts: usize,
    /// The bytes of every write by its key, including those that were overwritten.
    bytes_put: BTreeMap<String, usize>,
    death: Option<(usize, bool)>,
    failure: Option<(usize, bool)>,
}

impl MemoryStore {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.inner().objects.clone()
    }

    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.inner().objects.get(key).cloned()
    }

    pub fn remove(&self, key: &str) {
        self.inner().objects.remove(key);
    }

    pub fn puts(&self) -> usize {
        self.inner().puts
    }

    /// Bytes written so far to keys that contain this text.
    pub fn bytes_put(&self, text: &str) -> usize {
        let inner = self.inner();
        let put = inner.bytes_put.iter();
        put.filter(|(key, _)| key.contains(text))
            .map(|(_, bytes)| bytes)
            .sum()
    }

    /// The writer dies at the write that comes after `write` more: before it, or after it and
    /// before it knows.
    pub fn die_at(&self, write: usize, after: bool) {
        let mut inner = self.inner();
        inner.death = Some((inner.puts + write, after));
    }

    /// The store does not answer the write that comes after `write` more, done or not.
    pub fn fail_at(&self, write: usize, was_done: bool) {
        let mut inner = self.inner();
        inner.failure = Some((inner.puts + write, was_done));
    }

    /// The writer does not die after all, and the store answers.
    pub fn live(&self) {
        let mut inner = self.inner();
        (inner.death, inner.failure) = (None, None);
    }

    /// Waits until the writer has died.
    pub async fn died(&self) {
        self.hung.notified().await;
    }
}

impl Store for MemoryStore {
    fn bucket(&self) -> &'static str {
        "memory"
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, _content_type: &'static str) -> Result<()> {
        let (death, failure) = {
            let mut inner = self.inner();
            let number = inner.puts;
            inner.puts += 1;
            let is_now = |planned: &mut (usize, bool)| planned.0 == number;
            let death = inner.death.take_if(is_now).map(|(_, after)| after);
            let failure = inner.failure.take_if(is_now).map(|(_, was_done)| was_done);
            if death != Some(false) && failure != Some(false) {
                *inner.bytes_put.entry(key.to_owned()).or_default() += bytes.len();
                inner.objects.insert(key.to_owned(), bytes);
            }
            (death, failure)
        };
        if death.is_some() {
            self.hung.notify_one();
            std::future::pending::<()>().await;
        }
        if failure.is_some() {
            return Err(Error::Transient(format!(
                "{key}: the store does not answer"
            )));
        }
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.object(key))
    }
}
