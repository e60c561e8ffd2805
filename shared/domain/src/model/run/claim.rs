//! Who says that they approved a plan, and why. AWS `CloudTrail` knows who started the execution;
//! this is what they say.

use serde::{Deserialize, Serialize};

/// What the execution's input says of its approval. Nobody has checked it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Claim {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Claim {
    /// The most characters of either.
    pub const MOST_CHARACTERS: usize = 200;

    pub fn is_empty(&self) -> bool {
        let Self { approved_by, note } = self;
        approved_by.is_none() && note.is_none()
    }
}
