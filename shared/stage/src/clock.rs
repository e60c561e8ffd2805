//! The one way to ask for the time, and to let it pass. `main` makes the process's clock; a test
//! brings one that it moves. `clippy.toml` forbids every other way.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// Where a clock has its time from.
pub trait Time: fmt::Debug + Send + Sync {
    fn now(&self) -> Timestamp;

    fn sleep(&self, length: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// A clock. Clones tell the same time.
#[derive(Debug, Clone)]
pub struct Clock(Arc<dyn Time>);

impl Clock {
    /// A clock that does not tell the system's time.
    pub fn of(time: impl Time + 'static) -> Self {
        Self(Arc::new(time))
    }

    /// The system's.
    pub fn system() -> Self {
        Self::of(System)
    }

    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// Sleeps inside an invocation; a few seconds at most, anything longer is a Wait state.
    pub async fn nap(&self, length: Duration) {
        self.0.sleep(length).await;
    }
}

#[derive(Debug)]
struct System;

impl Time for System {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn sleep(&self, length: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(length))
    }
}
