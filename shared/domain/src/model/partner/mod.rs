//! What a partner is: an account in Salesforce, an organization in Zendesk.

mod account;
mod account_id;
mod complete;
mod field;
mod fields;
mod folded_id;
mod former;
mod gathered;
pub mod mapping;
mod name;
mod organization;
mod seen_ids;

pub use account::{Account, Alliances};
pub use account_id::{AccountId, InvalidAccountId};
pub use complete::{Complete, Reading, Seen};
pub use field::{FieldValue, Text, trimmed};
pub use fields::{Fields, known_fields};
pub use folded_id::{FoldedId, FoldedIds, Meaning};
pub use former::{Condition, Fate, Former, PARTNER, unmet};
pub use gathered::{Accounts, Formers, Instance, Organizations};
pub use name::{is_one_name, name_key};
pub use organization::{
    ACCOUNT_TYPE, EXPIRATION_DATE, IGNORE_DELETION, MARK_FOR_DELETION, Organization, PARTNER_TYPES,
    SALESFORCE_ID, TARGET,
};
pub use seen_ids::SeenIds;
