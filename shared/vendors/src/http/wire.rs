//! What every call of a process goes by.

use jiff::Timestamp;
use stage::clock::Clock;

use super::meter::Meter;

/// The clock a call waits by, and the meter that counts it. Clones share both.
#[derive(Debug, Clone)]
pub struct Wire {
    pub clock: Clock,
    pub meter: Meter,
}

impl Wire {
    /// A meter at zero beside this clock.
    pub fn by(clock: Clock) -> Self {
        Self {
            clock,
            meter: Meter::default(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
