//! What the pipeline knows, without a way to any of it. Pure: nothing here awaits.
//!
//! - [`partner`]: accounts, organizations, and how one becomes the other.
//! - [`run`]: a run's id, documents, counts, results and history.

pub mod partner;
pub mod run;

pub use partner::*;
pub use run::*;
