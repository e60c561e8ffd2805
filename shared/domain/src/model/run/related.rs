//! The users and tickets of an organization that is to be marked.

use serde::{Deserialize, Serialize};

/// The most organizations that a run asks about. Source: contract, section 6.
pub const MOST_RELATED: usize = 100;

/// How many users and tickets an organization has: what a person weighs before it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    pub id: u64,
    pub users: u64,
    /// Its tickets, open or closed.
    pub tickets: u64,
}
