//! What a run is: its id, the head of its documents, what it used, did and left behind.

mod claim;
mod document;
mod history;
mod id;
mod last_good;
mod list;
mod machine;
mod memory;
mod related;
mod results;
mod summary;
mod usage;
mod week;

pub use claim::Claim;
pub use document::{
    HISTORY, Header, LATEST, Reference, SCHEMA_VERSION, json_bytes, json_text, run_key, sha256,
};
pub use history::{History, PastRun};
pub use id::RunId;
pub use last_good::LastGood;
pub use list::{ListDocument, digest_of, entries_digest};
pub use machine::StateMachine;
pub use memory::{Absent, HeldKeys, MEMORY, Memory, OwnMark, Written};
pub use related::{MOST_RELATED, Related};
pub use results::{Action, Outcome, RecordOutcome, Results, failing_key};
pub use summary::{Applied, Category, Counts, Held, Mode, ReportLocation, Summary, Verdict};
pub use usage::{Credential, RunUsage, Usage};
pub use week::{Offer, Week};
