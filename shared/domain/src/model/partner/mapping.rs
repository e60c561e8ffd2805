//! The mapping table: from a Salesforce account to the fields of its Zendesk organization.
//!
//! Adding a field is one line in [`FIELDS`]: the query, the schema check, the comparison and every
//! document follow it.

use super::ACCOUNT_TYPE;

/// How a value is made from its Salesforce fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The 18 characters of the id.
    Id,
    /// The first 15 characters of the id.
    ShortId,
    /// Text, trimmed; unset if null or blank.
    Text,
    /// Text of the record that a lookup leads to. The Salesforce field with the lookup's id tells
    /// an empty lookup from one whose record the app's user may not see.
    LookedUp(&'static str),
    /// A checkbox, as it is.
    Checkbox,
    /// Ticked if the picklist has this value. Salesforce compares without regard to case.
    TickedIf(&'static str),
    /// The partner's kind, from the id and the track.
    AccountType,
}

/// One row of the mapping table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Key of the organization field in Zendesk.
    pub key: &'static str,
    /// The Salesforce field, dotted for a lookup.
    pub source: &'static str,
    /// How the one becomes the other.
    pub rule: Rule,
}

const fn row(key: &'static str, source: &'static str, rule: Rule) -> Field {
    Field { key, source, rule }
}

impl Field {
    /// The Salesforce field with the id of the lookup that this field follows.
    pub fn lookup_id(&self) -> Option<&'static str> {
        match self.rule {
            Rule::LookedUp(id) => Some(id),
            _ => None,
        }
    }
}

/// The managed organization fields, in the order of the query. The organization's `name` is managed
/// beside them.
///
/// Source: contract, section 2, the table under gather-accounts.
#[rustfmt::skip] // A table: one line a field.
pub const FIELDS: &[Field] = &[
    row("salesforce_id", ID, Rule::Id),
    row("sfdc_short_id", ID, Rule::ShortId),
    row("account_owner", "Account_Owner_Calc__c", Rule::Text),
    row("technical_account_manager", "Technical_Account_Manager_Name__c", Rule::Text),
    row("restricted_account", "Restricted_Account__c", Rule::TickedIf("Restricted Party")),
    row("solutions_architect", "Solutions_Architect_Lookup__r.Name", Rule::LookedUp(ARCHITECT)),
    row(ACCOUNT_TYPE, "Partner_Track__c", Rule::AccountType),
    row("support_hold", "Support_Hold__c", Rule::Checkbox),
    row("org_in_escalated_state", "Account_Risk_Level__c", Rule::TickedIf("At Risk - Escalated")),
];

/// Selected beside the mapped fields because the query filters by them.
pub const FILTERS: [&str; 2] = ["Type", "Partners_Partner_Status__c"];

/// Every Salesforce field that the query selects, once; the ids of lookups come last. Salesforce
/// sends each of them in every record, null where it is empty.
pub fn columns() -> Vec<&'static str> {
    let mapped = FIELDS.iter().map(|field| field.source);
    let ids = FIELDS.iter().filter_map(Field::lookup_id);
    let mut columns = Vec::new();
    for column in [ID, NAME]
        .into_iter()
        .chain(mapped)
        .chain(FILTERS)
        .chain(ids)
    {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// The Salesforce field that a value of an organization comes from: of its `name`, or of an
/// organization field; `None` if Salesforce has no say in it.
pub fn source(field: &str) -> Option<&'static str> {
    if field == "name" {
        return Some(NAME);
    }
    let mapped = FIELDS.iter().find(|row| row.key == field);
    mapped.map(|row| row.source)
}

/// The Salesforce field with the 18 characters of an account's id.
pub const ID: &str = "Account_ID_18__c";
/// The Salesforce field with the id of an account's solutions architect.
const ARCHITECT: &str = "Solutions_Architect_Lookup__c";
/// The Salesforce field with an account's name.
pub const NAME: &str = "Name";
