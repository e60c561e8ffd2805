//! What the pipeline knows: accounts, organizations, and how one becomes the other. Pure: nothing
//! here awaits.

mod account_id;
mod complete;
mod documents;
mod field;
mod history;
pub mod mapping;
mod mask;
mod name;
mod organization;
mod results;
mod run_id;
mod summary;
mod usage;

pub use account_id::{AccountId, InvalidAccountId};
pub use complete::{Complete, Reading};
pub use documents::{
    Accounts, Header, Instance, LastGood, Organizations, Reference, SCHEMA_VERSION,
};
pub use field::{FieldValue, Fields};
pub use history::{Ending, History, PastRun};
pub use mapping::{Account, Alliances};
pub use mask::without_addresses;
pub use name::name_key;
pub use organization::{
    ACCOUNT_TYPE, EXPIRATION_DATE, MARK_FOR_DELETION, Organization, PARTNER_TYPES, SALESFORCE_ID,
    TARGET,
};
pub use results::{Action, Outcome, RecordOutcome, Results};
pub use run_id::RunId;
pub use summary::{Applied, Counts, Guarded, Held, Mode, Report, Summary, Verdict};
pub use usage::{Credential, RunUsage, Usage};
