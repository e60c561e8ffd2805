//! The mapping table: from a Salesforce account to the fields of its Zendesk organization.
//!
//! Adding a field is one line in [`FIELDS`]: the query, the schema check, the comparison and every
//! document follow it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ACCOUNT_TYPE, AccountId, FieldValue, Fields};
use crate::{Error, Result};

/// How a value is made from its Salesforce fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The 18 characters of the id.
    Id,
    /// The first 15 characters of the id.
    ShortId,
    /// Text, trimmed; unset if null or blank.
    Text,
    /// A checkbox, as it is.
    Checkbox,
    /// Ticked if the picklist has exactly this value.
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

/// The managed organization fields, in the order of the query. The organization's `name` is managed
/// beside them.
///
/// Source: contract, the table under gather-accounts.
pub const FIELDS: &[Field] = &[
    Field {
        key: "salesforce_id",
        source: ID,
        rule: Rule::Id,
    },
    Field {
        key: "sfdc_short_id",
        source: ID,
        rule: Rule::ShortId,
    },
    Field {
        key: "account_owner",
        source: "Account_Owner_Calc__c",
        rule: Rule::Text,
    },
    Field {
        key: "technical_account_manager",
        source: "Technical_Account_Manager_Name__c",
        rule: Rule::Text,
    },
    Field {
        key: "restricted_account",
        source: "Restricted_Account__c",
        rule: Rule::TickedIf("Restricted Party"),
    },
    Field {
        key: "solutions_architect",
        source: "Solutions_Architect_Lookup__r.Name",
        rule: Rule::Text,
    },
    Field {
        key: ACCOUNT_TYPE,
        source: "Partner_Track__c",
        rule: Rule::AccountType,
    },
    Field {
        key: "support_hold",
        source: "Support_Hold__c",
        rule: Rule::Checkbox,
    },
    Field {
        key: "org_in_escalated_state",
        source: "Account_Risk_Level__c",
        rule: Rule::TickedIf("At Risk - Escalated"),
    },
];

const ID: &str = "Account_ID_18__c";
const NAME: &str = "Name";
/// Selected beside the mapped fields because the query filters by them.
const FILTERS: [&str; 2] = ["Type", "Partners_Partner_Status__c"];

/// The accounts that are partners by name, whatever their type and track say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alliances(pub Vec<AccountId>);

/// A partner account as the pipeline means it: mapped, validated, and never without id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The organization's name.
    pub name: String,
    /// Every other managed field by its Zendesk key, [`FIELDS`] in full.
    #[serde(flatten)]
    pub fields: Fields,
}

impl Account {
    /// The account's id.
    ///
    /// # Errors
    /// [`Error::Contract`] if the stored account has none.
    pub fn id(&self) -> Result<AccountId> {
        let text = self
            .fields
            .get("salesforce_id")
            .and_then(FieldValue::as_text)
            .unwrap_or_default();
        AccountId::parse(text).map_err(|error| {
            Error::Contract(format!(
                "accounts.json holds an account without a usable id: {error}"
            ))
        })
    }

    /// The tag of its account type; `None` if its track is neither Open nor Select.
    #[must_use]
    pub fn account_type(&self) -> Option<&str> {
        self.fields.get(ACCOUNT_TYPE).and_then(FieldValue::as_text)
    }

    /// Maps one record of the query's reply, an object with the fields of [`query`]. Absent and
    /// null are the same.
    ///
    /// # Errors
    /// [`Error::Contract`] names the record and the field: an id without 18 characters or with a
    /// wrong checksum, no name, or a value of the wrong type. One such record ends the run:
    /// dropping it would make its organization look abandoned.
    pub fn from_record(record: &Map<String, Value>, alliances: &Alliances) -> Result<Self> {
        let text = |source: &'static str| lookup(record, source)?.text();
        let raw = text(ID)?.unwrap_or_default();
        let id = AccountId::parse(raw).map_err(|why| {
            let shown = if raw.len() <= 18 && raw.bytes().all(|b| b.is_ascii_alphanumeric()) {
                raw
            } else {
                "(a value that is no id)"
            };
            Error::Contract(format!(
                "salesforce: account with {ID} {shown:?}: {why}; correct the \
                                     field in Salesforce, then run again"
            ))
        })?;
        if raw.len() != 18 {
            return Err(Error::Contract(format!(
                "salesforce: {ID} {raw:?} has no 18 characters; its formula must be CASESAFEID(Id)"
            )));
        }
        let of_this = |error: Error| match error {
            Error::Contract(what) => Error::Contract(format!("salesforce: account {id}: {what}")),
            other => other,
        };
        let name = text(NAME)
            .map_err(of_this)?
            .ok_or_else(|| of_this(Error::Contract(format!("{NAME} is empty; give it a name"))))?;
        let value = |field: &Field| -> Result<FieldValue> {
            Ok(match field.rule {
                Rule::Id => FieldValue::text(Some(id.as_str())),
                Rule::ShortId => FieldValue::text(Some(id.short())),
                Rule::Text => FieldValue::text(text(field.source)?),
                Rule::Checkbox => FieldValue::Flag(lookup(record, field.source)?.flag()?),
                Rule::TickedIf(wanted) => FieldValue::Flag(text(field.source)? == Some(wanted)),
                Rule::AccountType => {
                    FieldValue::text(account_type(&id, text(field.source)?, alliances))
                }
            })
        };
        let fields = FIELDS
            .iter()
            .map(|field| Ok((field.key.to_owned(), value(field)?)))
            .collect::<Result<_>>()
            .map_err(of_this)?;
        Ok(Self {
            name: name.to_owned(),
            fields,
        })
    }
}

fn account_type(
    id: &AccountId,
    track: Option<&str>,
    Alliances(alliances): &Alliances,
) -> Option<&'static str> {
    match track {
        _ if alliances.contains(id) => Some("alliance_partner"),
        Some("Open") => Some("open_partner"),
        Some("Select") => Some("select_partner"),
        _ => None,
    }
}

/// A value of the reply with the field it came from.
struct Cell<'a> {
    source: &'static str,
    value: &'a Value,
}

/// Follows a dotted source; a null lookup makes every field behind it null.
fn lookup<'a>(record: &'a Map<String, Value>, source: &'static str) -> Result<Cell<'a>> {
    let mut parts = source.split('.');
    let mut value = parts
        .next()
        .and_then(|key| record.get(key))
        .unwrap_or(&Value::Null);
    for key in parts {
        value = match value {
            Value::Null => &Value::Null,
            Value::Object(parent) => parent.get(key).unwrap_or(&Value::Null),
            _ => return Err(Error::Contract(format!("{source} is no lookup"))),
        };
    }
    Ok(Cell { source, value })
}

impl<'a> Cell<'a> {
    fn text(self) -> Result<Option<&'a str>> {
        match self.value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            _ => Err(Error::Contract(format!("{} is no text", self.source))),
        }
    }

    fn flag(self) -> Result<bool> {
        match self.value {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            _ => Err(Error::Contract(format!("{} is no checkbox", self.source))),
        }
    }
}

/// The one query of a run. Its field list follows [`FIELDS`], each Salesforce field once.
///
/// Source: contract, gather-accounts. [`AccountId`]s are letters and digits, so nothing needs
/// escaping.
#[must_use]
pub fn query(Alliances(alliances): &Alliances) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for column in [ID, NAME]
        .into_iter()
        .chain(FIELDS.iter().map(|field| field.source))
        .chain(FILTERS)
    {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    let quoted: Vec<String> = alliances.iter().map(|id| format!("'{id}'")).collect();
    let by_id = match quoted.as_slice() {
        [] => String::new(),
        [one] => format!("{ID} = {one} OR "),
        many => format!("{ID} IN ({}) OR ", many.join(", ")),
    };
    format!(
        "SELECT {} FROM Account WHERE {by_id}(Type = 'Partner' AND Partners_Partner_Status__c IN \
         ('Authorized') \
         AND Partner_Track__c IN ('Open', 'Select'))",
        columns.join(", ")
    )
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
