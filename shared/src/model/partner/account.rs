//! Partner accounts: a Salesforce record, mapped and checked.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::mapping::{FIELDS, Field, ID, NAME, Rule, columns};
use super::{ACCOUNT_TYPE, AccountId, FieldValue, Fields, SALESFORCE_ID};
use crate::{Error, Result};

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
            .get(SALESFORCE_ID)
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

    /// Maps one record of the query's reply.
    ///
    /// # Errors
    /// [`Error::Contract`] names the record and the field: an id without 18 characters or with a
    /// wrong checksum, no name, a value of the wrong type, or a field that is absent. One such
    /// record ends the run: dropping it would make its organization look abandoned, and reading an
    /// absent field as null would blank it everywhere.
    pub fn from_record(record: &Map<String, Value>, alliances: &Alliances) -> Result<Self> {
        let id = record_id(record)?;
        mapped(record, &id, alliances).map_err(|error| match error {
            Error::Contract(what) => Error::Contract(format!("salesforce: account {id}: {what}")),
            other => other,
        })
    }
}

/// The record's id, whole and with a right checksum.
fn record_id(record: &Map<String, Value>) -> Result<AccountId> {
    let raw = text(record, ID)?.unwrap_or_default();
    let id = AccountId::parse(raw).map_err(|why| {
        let harmless = raw.len() <= 18 && raw.bytes().all(|b| b.is_ascii_alphanumeric());
        let shown = if harmless {
            raw
        } else {
            "(a value that is no id)"
        };
        Error::Contract(format!(
            "salesforce: account with {ID} {shown:?}: {why}; correct the field in Salesforce, then \
             run again"
        ))
    })?;
    if raw.len() == 18 {
        Ok(id)
    } else {
        Err(Error::Contract(format!(
            "salesforce: {ID} {raw:?} has no 18 characters; its formula must be CASESAFEID(Id)"
        )))
    }
}

fn mapped(record: &Map<String, Value>, id: &AccountId, alliances: &Alliances) -> Result<Account> {
    for column in columns() {
        lookup(record, column)?;
    }
    let name = text(record, NAME)?
        .ok_or_else(|| Error::Contract(format!("{NAME} is empty; give it a name")))?;
    let mut fields = Fields::new();
    for field in FIELDS {
        let value = field_value(field, record, id, alliances)?;
        fields.insert(field.key.to_owned(), value);
    }
    Ok(Account {
        name: name.to_owned(),
        fields,
    })
}

fn field_value(
    field: &Field,
    record: &Map<String, Value>,
    id: &AccountId,
    alliances: &Alliances,
) -> Result<FieldValue> {
    let source = field.source;
    Ok(match field.rule {
        Rule::Id => FieldValue::text(Some(id.as_str())),
        Rule::ShortId => FieldValue::text(Some(id.short())),
        Rule::Text => FieldValue::text(text(record, source)?),
        Rule::Checkbox => FieldValue::Flag(checkbox(record, source)?),
        Rule::TickedIf(wanted) => FieldValue::Flag(text(record, source)? == Some(wanted)),
        Rule::AccountType => {
            let track = text(record, source)?;
            FieldValue::text(account_type(id, track, alliances))
        }
    })
}

fn account_type(
    id: &AccountId,
    track: Option<&str>,
    alliances: &Alliances,
) -> Option<&'static str> {
    match track {
        _ if alliances.0.contains(id) => Some("alliance_partner"),
        Some("Open") => Some("open_partner"),
        Some("Select") => Some("select_partner"),
        _ => None,
    }
}

/// The text of a field, trimmed; `None` if it is null or blank.
fn text<'a>(record: &'a Map<String, Value>, source: &str) -> Result<Option<&'a str>> {
    match lookup(record, source)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        _ => Err(Error::Contract(format!("{source} is no text"))),
    }
}

/// A checkbox; null is not ticked.
fn checkbox(record: &Map<String, Value>, source: &str) -> Result<bool> {
    match lookup(record, source)? {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(Error::Contract(format!("{source} is no checkbox"))),
    }
}

/// Follows a dotted source; a null lookup makes every field behind it null.
fn lookup<'a>(record: &'a Map<String, Value>, source: &str) -> Result<&'a Value> {
    let absent = || {
        Error::Contract(format!(
            "{source} is absent, though empty fields come as null: it is misspelt, or hidden from \
             the app's user; give the user read access to it"
        ))
    };
    let mut keys = source.split('.');
    let first = keys.next().unwrap_or_default();
    let mut value = record.get(first).ok_or_else(absent)?;
    for key in keys {
        value = match value {
            Value::Null => &Value::Null,
            Value::Object(parent) => parent.get(key).ok_or_else(absent)?,
            _ => return Err(Error::Contract(format!("{source} is no lookup"))),
        };
    }
    Ok(value)
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
