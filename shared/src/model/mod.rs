//! What the pipeline knows: accounts, organizations, and how one becomes the other. Pure: nothing here awaits.

mod account_id;
mod complete;
mod documents;
mod field;
pub mod mapping;
mod name;
mod organization;
mod results;
mod run_id;

pub use account_id::{AccountId, InvalidAccountId};
pub use complete::{Complete, Reading};
pub use documents::{
    Accounts, Applied, Counts, Guarded, Header, Held, Instance, LastGood, Mode, Organizations, Reference, Report, SCHEMA_VERSION, Summary, Verdict,
};
pub use field::{FieldValue, Fields};
pub use mapping::{Account, Alliances};
pub use name::name_key;
pub use organization::{ACCOUNT_TYPE, EXPIRATION_DATE, MARK_FOR_DELETION, Organization, PARTNER_TYPES, SALESFORCE_ID};
pub use results::{Action, Outcome, RecordOutcome, Results};
pub use run_id::RunId;
