//! What a warm Lambda keeps between the invocations of a run: the client, so that a run needs one
//! token, and the plan with its lists, so that they are read once.

use std::sync::Arc;

use domain::Result;
use domain::model::Reference;
use stage::secrets::Secrets;
use stage::settings::Sync;
use stage::store::Store;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use vendors::http::Wire;
use vendors::zendesk::{Client, Credentials, Scope};

use crate::work::Work;

/// What the last run used. Another run gets a new client, and a new token.
#[derive(Debug)]
pub struct Session {
    /// The clock and the meter of every client.
    pub wire: Wire,
    last: Mutex<Option<(String, Client)>>,
    work: Mutex<Option<(Reference, Arc<Work>)>>,
}

impl Session {
    pub fn new(wire: Wire) -> Self {
        Self {
            wire,
            last: Mutex::default(),
            work: Mutex::default(),
        }
    }

    /// The work of this plan. A plan and its lists are never written again, so they are verified
    /// once; whether it may still be applied is asked each time.
    ///
    /// # Errors
    /// As for [`Work::load`].
    pub(crate) async fn work<S: Store>(
        &self,
        store: &S,
        run_id: &str,
        plan: &Reference,
        config: &Sync,
    ) -> Result<Arc<Work>> {
        let mut last = self.work.lock().await;
        let is_known = |(of, work): &&(Reference, Arc<Work>)| {
            of == plan && work.plan().header.run_id == run_id
        };
        if let Some((_, work)) = last.as_ref().filter(is_known) {
            work.may_be_applied(self.wire.now())?;
            return Ok(Arc::clone(work));
        }
        // Dropped first, so that memory never holds two of them.
        *last = None;
        let work = Arc::new(Work::load(store, run_id, plan, config, self.wire.now()).await?);
        *last = Some((plan.clone(), Arc::clone(&work)));
        Ok(work)
    }

    /// Gives the token of the last run back, if there is one: no other call of it is to come.
    pub(crate) async fn give_back(&self) {
        if let Some((_, client)) = self.last.lock().await.as_mut() {
            client.give_back().await;
        }
    }

    /// The client of this run.
    ///
    /// # Errors
    /// [`domain::Error::Config`] if the secret is missing or malformed.
    pub async fn client<K: Secrets>(
        &self,
        work: &Work,
        config: &Sync,
        secrets: &K,
    ) -> Result<MappedMutexGuard<'_, Client>> {
        let run_id = &work.plan().header.run_id;
        let mut last = self.last.lock().await;
        if last.as_ref().is_none_or(|(of, _)| of != run_id) {
            let secret = &config.secret;
            let credentials = Credentials::read(secret, &secrets.secret(secret).await?)?;
            let (name, mapping) = (&config.target, Arc::clone(&work.mapping));
            let client = Client::new(name, mapping, credentials, Scope::Write, &self.wire)?;
            *last = Some((run_id.to_owned(), client));
        }
        MutexGuard::try_map(last, |last| last.as_mut().map(|(_, client)| client))
            .map_err(|_| domain::Error::Config("no client for the target".to_owned()))
    }
}
