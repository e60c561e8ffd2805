//! Zendesk organizations, as far as the pipeline cares.

use serde::{Deserialize, Serialize};

use super::{AccountId, FieldValue, Fields};

/// The instance that is written to.
pub const TARGET: &str = "global";
/// The unifying key, an organization field.
pub const SALESFORCE_ID: &str = "salesforce_id";
/// The drop-down that makes an organization a partner's.
pub const ACCOUNT_TYPE: &str = "account_type";
/// The checkbox that leads to deletion on the next Saturday.
pub const MARK_FOR_DELETION: &str = "mark_for_deletion";
/// Text, `YYYY-MM-DD`: the end of the last subscription.
pub const EXPIRATION_DATE: &str = "expiration_date";
/// Tags of [`ACCOUNT_TYPE`] that mean a partner.
pub const PARTNER_TYPES: [&str; 3] = ["alliance_partner", "open_partner", "select_partner"];

/// An organization with the fields the comparison needs: the managed ones, the mark, and the
/// expiration date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The Zendesk instance it lives on, `global` or `us-government`.
    pub instance: String,
    /// Zendesk's id; above 2^32.
    pub id: u64,
    /// The name as Zendesk has it.
    pub name: String,
    /// Set when we create, never touched afterwards.
    pub external_id: Option<String>,
    /// ISO 8601, to the second; tells whether somebody changed the organization since it was read.
    pub updated_at: String,
    /// Organization fields as Zendesk has them, untrimmed; absent keys are unset.
    pub organization_fields: Fields,
}

impl Organization {
    /// A field's value, unset if Zendesk does not name it.
    pub fn field(&self, key: &str) -> &FieldValue {
        self.organization_fields
            .get(key)
            .unwrap_or(&FieldValue::UNSET)
    }

    /// True if its account type is a partner's.
    pub fn is_partner(&self) -> bool {
        self.field(ACCOUNT_TYPE)
            .as_text()
            .is_some_and(|tag| PARTNER_TYPES.contains(&tag))
    }

    /// True if it is marked for deletion.
    pub fn is_marked(&self) -> bool {
        self.field(MARK_FOR_DELETION).is_true()
    }

    /// The Salesforce id as text, `None` if blank.
    pub fn salesforce_id(&self) -> Option<&str> {
        self.field(SALESFORCE_ID).as_text()
    }

    /// The account it belongs to; `None` if neither its Salesforce id nor its external id is an
    /// account id.
    pub fn account_id(&self) -> Option<AccountId> {
        AccountId::of_organization(self.salesforce_id(), self.external_id.as_deref())
    }
}
