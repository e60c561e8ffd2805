//! The lists whose records are sent in bulk.

use serde::{Deserialize, Serialize};

/// A list of the plan, as it is sent. An organization whose mark is taken back is in the first one,
/// and in the second too if more of it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    /// Marks that are taken back, each alone: whatever is refused, no mark stays because of it.
    Unmarks,
    /// Everything else of the updates.
    Updates,
    Marks,
}

impl List {
    /// In the order in which they are sent.
    pub const ALL: [Self; 3] = [Self::Unmarks, Self::Updates, Self::Marks];
}
