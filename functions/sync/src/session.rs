//! The client of a run, kept between the invocations of a warm Lambda so that a run needs one
//! token.

use shared::Result;
use shared::http::Meter;
use shared::model::TARGET;
use shared::secrets::Secrets;
use shared::zendesk::{Client, Credentials, Scope};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

/// The last run's client. Another run gets a new one, and a new token.
#[derive(Debug, Default)]
pub struct Session {
    /// Counts the calls of every client.
    pub meter: Meter,
    last: Mutex<Option<(String, Client)>>,
}

impl Session {
    /// The client of this run.
    ///
    /// # Errors
    /// [`shared::Error::Config`] if the secret is missing or malformed.
    pub async fn client<K: Secrets>(
        &self,
        run_id: &str,
        secret: &str,
        secrets: &K,
    ) -> Result<MappedMutexGuard<'_, Client>> {
        let mut last = self.last.lock().await;
        if last.as_ref().is_none_or(|(of, _)| of != run_id) {
            let credentials = Credentials::read(secret, &secrets.secret(secret).await?)?;
            *last = Some((
                run_id.to_owned(),
                Client::new(TARGET, credentials, Scope::Write, &self.meter)?,
            ));
        }
        MutexGuard::try_map(last, |last| last.as_mut().map(|(_, client)| client))
            .map_err(|_| shared::Error::Config("no client for the target".to_owned()))
    }
}
