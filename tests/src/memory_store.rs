//! A store in memory, at whose writes a process can be made to die.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::Result;
use shared::store::Store;
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
    death: Option<(usize, bool)>,
}

impl MemoryStore {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All objects by key.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.inner().objects.clone()
    }

    /// One object.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.inner().objects.get(key).cloned()
    }

    /// Takes an object away.
    pub fn remove(&self, key: &str) {
        self.inner().objects.remove(key);
    }

    /// Writes so far.
    #[must_use]
    pub fn puts(&self) -> usize {
        self.inner().puts
    }

    /// The writer dies at the write after so many more: before it, or after it and before it knows.
    pub fn die_at(&self, write: usize, after: bool) {
        let mut inner = self.inner();
        inner.death = Some((inner.puts + write, after));
    }

    /// The writer does not die after all.
    pub fn live(&self) {
        self.inner().death = None;
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
        let death = {
            let mut inner = self.inner();
            let number = inner.puts;
            inner.puts += 1;
            let death = inner
                .death
                .take_if(|(at, _)| *at == number)
                .map(|(_, after)| after);
            if death != Some(false) {
                inner.objects.insert(key.to_owned(), bytes);
            }
            death
        };
        if death.is_some() {
            self.hung.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.object(key))
    }
}
