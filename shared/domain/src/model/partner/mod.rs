//! What a partner is: an account in Salesforce, an organization in Zendesk.

mod account;
mod account_id;
mod complete;
mod field;
mod fields;
mod folded_id;
#[cfg(test)]
pub(crate) mod for_tests;
mod former;
mod gathered;
mod key;
mod mapping;
mod name;
mod organization;
mod outline;
mod purge;
mod seen_ids;

pub use account::Account;
pub use account_id::{AccountId, InvalidAccountId};
pub use complete::{Complete, Reading, Seen};
pub use field::{FieldValue, Text, trimmed};
pub use fields::{Fields, known_fields};
pub use folded_id::{FoldedId, FoldedIds, Meaning};
pub use former::{Allowed, Condition, Fate, Filter, Former, Values};
pub use gathered::{Accounts, Formers, Instance, Organizations};
pub use key::{
    ACCOUNT_TYPE, EXPIRATION_DATE, IGNORE_DELETION, Key, MARK_FOR_DELETION, ROLES, SALESFORCE_ID,
};
pub use mapping::{Choice, Field, Mapping, Named, Rule, Site, Spelling, file_digest};
pub use name::{is_one_name, name_key};
pub use organization::Organization;
pub use outline::{Difference, Outline};
pub use purge::PurgeTime;
pub use seen_ids::SeenIds;
