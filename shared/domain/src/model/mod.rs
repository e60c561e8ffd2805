//! What the pipeline knows. Pure: nothing here reads, writes or awaits.
//!
//! - [`partner`]: accounts, organizations, and how one becomes the other.
//! - [`run`]: a run's id, documents, counts, results and history.

pub mod partner;
pub mod run;

pub use partner::*;
pub use run::*;
