//! The connections to a vendor. In Lambda a process is frozen while its run waits, and what lay
//! idle meanwhile may be dead without its knowing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Url};

use super::base_url::is_loopback;
use domain::{Error, Result, VERSION};

/// After this long without a reply, what may be sent only once goes by a new connection. It is the
/// shortest time after which common servers close an idle connection (Apache and Node: 5 s; nginx
/// and load balancers: a minute and more), and the longest nap of an invocation: a longer silence
/// is a Wait state.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_secs(5);

/// The longest that making a connection may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// The connections to one vendor. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    is_loopback: bool,
    timeout: Duration,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug)]
struct Open {
    client: Client,
    /// When the last whole reply came, by the wall clock: the others may stand still while the
    /// process is frozen.
    answered_at: Option<Timestamp>,
}

impl Connections {
    /// Connections to the vendor at `base`. A proxy that the environment names is used, except on
    /// loopback.
    ///
    /// # Errors
    /// [`Error::Config`] if TLS cannot be set up.
    pub(super) fn to(base: &Url, timeout: Duration) -> Result<Self> {
        let is_loopback = is_loopback(base);
        let open = Open {
            client: new_client(is_loopback, timeout)?,
            answered_at: None,
        };
        Ok(Self {
            is_loopback,
            timeout,
            open: Arc::new(Mutex::new(open)),
        })
    }

    /// The client, whose connections may have lain idle: for what may be sent again.
    pub(super) fn client(&self) -> Client {
        self.lock().client.clone()
    }

    /// A client none of whose connections lay idle for long: for what may be sent only once.
    ///
    /// # Errors
    /// [`Error::Config`] if TLS cannot be set up.
    pub(super) fn proven(&self, now: Timestamp) -> Result<Client> {
        let mut open = self.lock();
        let is_proven = |at: Timestamp| now.duration_since(at) <= LONGEST_SILENCE;
        if !open.answered_at.is_some_and(is_proven) {
            open.client = new_client(self.is_loopback, self.timeout)?;
        }
        Ok(open.client.clone())
    }

    /// Notes that a whole reply came.
    pub(super) fn answered(&self, now: Timestamp) {
        self.lock().answered_at = Some(now);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_client(is_loopback: bool, timeout: Duration) -> Result<Client> {
    let tls = tls::config()?.clone();
    let mut builder = Client::builder().tls_backend_preconfigured(tls);
    if is_loopback {
        builder = builder.no_proxy();
    }
    builder
        .timeout(timeout)
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(format!("partner-sync/{VERSION}"))
        .build()
        .map_err(|error| Error::Config(format!("no HTTP client: {}", error.without_url())))
}
