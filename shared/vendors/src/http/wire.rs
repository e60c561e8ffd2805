//! What all calls of a process share.

use jiff::Timestamp;
use stage::clock::Clock;

use super::meter::Meter;

/// The clock by which calls wait, and the meter that counts them. Clones share both.
#[derive(Debug, Clone)]
pub struct Wire {
    pub clock: Clock,
    pub meter: Meter,
}

impl Wire {
    /// This clock, and a meter at zero.
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
