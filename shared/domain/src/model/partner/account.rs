//! Partner accounts: a Salesforce record, mapped and checked.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

use super::fields::InOrder;
use super::{
    ACCOUNT_TYPE, AccountId, Choice, Field, FieldValue, Fields, Mapping, Rule, SALESFORCE_ID, Text,
};
use crate::{Error, Result};

/// A partner account as the pipeline understands it: mapped, checked, never without id and name.
///
/// In JSON one flat object. Read and written by hand: serde's `flatten` buffers every value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    /// Every other managed field by its key. Of the mapping's only those are absent whose value is
    /// not known: the organization's are left as they are.
    pub fields: Fields,
}

/// The key of an account's name in JSON.
const NAME_KEY: &str = "name";

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, fields } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(NAME_KEY, name)?;
        for (key, value) in fields.iter() {
            map.serialize_entry(key.name(), value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Account;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an account: its name, and its organization fields by their keys")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Account, M::Error> {
        let mut name = None;
        let mut fields = Fields::default();
        let mut keys = InOrder::default();
        while let Some(Text(key)) = map.next_key()? {
            if key == NAME_KEY {
                name = Some(map.next_value()?);
            } else {
                fields.set(keys.find_or_name(&key)?, map.next_value()?);
            }
        }
        let name = name.ok_or_else(|| M::Error::missing_field(NAME_KEY))?;
        Ok(Account { name, fields })
    }
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

    /// The tag of its account type; `None` if it has none.
    pub fn account_type(&self) -> Option<&str> {
        self.fields.get(ACCOUNT_TYPE).and_then(FieldValue::as_text)
    }

    /// The managed fields whose value is not known: the organization's are left as they are.
    pub fn unseen<'a>(&'a self, mapping: &'a Mapping) -> impl Iterator<Item = &'a Field> {
        let lookups = mapping
            .fields
            .iter()
            .filter(|field| field.lookup_id().is_some());
        lookups.filter(|field| self.fields.get(field.key).is_none())
    }

    /// Maps one record of the query's reply.
    ///
    /// # Errors
    /// [`Error::Contract`] names the record and the field: an id without 18 characters or with a
    /// wrong checksum, no name, a value of the wrong type, or a field that is absent. One such
    /// record ends the run: dropping it would make its organization look abandoned, and reading an
    /// absent field as null would blank it everywhere.
    pub fn from_record(record: &Map<String, Value>, mapping: &Mapping) -> Result<Self> {
        let id = record_id(record, &mapping.id)?;
        mapped(record, &id, mapping).map_err(|error| match error {
            Error::Contract(what) => Error::Contract(format!("salesforce: account {id}: {what}")),
            other => other,
        })
    }
}

/// The record's id, whole and with a right checksum.
fn record_id(record: &Map<String, Value>, column: &str) -> Result<AccountId> {
    let raw = text(record, column)?.unwrap_or_default();
    let id = AccountId::parse(raw).map_err(|why| {
        let harmless = raw.len() <= 18 && raw.bytes().all(|b| b.is_ascii_alphanumeric());
        let shown = if harmless {
            raw
        } else {
            "(a value that is no id)"
        };
        Error::Contract(format!(
            "salesforce: account with {column} {shown:?}: {why}; correct the field in Salesforce, \
             then run again"
        ))
    })?;
    if raw.len() == 18 {
        Ok(id)
    } else {
        Err(Error::Contract(format!(
            "salesforce: {column} {raw:?} has no 18 characters; its formula must be CASESAFEID(Id)"
        )))
    }
}

fn mapped(record: &Map<String, Value>, id: &AccountId, mapping: &Mapping) -> Result<Account> {
    for column in mapping.columns() {
        lookup(record, column)?;
    }
    let column = &mapping.name;
    let name = text(record, column)?
        .ok_or_else(|| Error::Contract(format!("{column} is empty; give it a name")))?;
    let mut fields = Fields::default();
    for field in &mapping.fields {
        if !is_unseen(field, record)? {
            fields.set(field.key, field_value(field, record, id, mapping)?);
        }
    }
    Ok(Account {
        name: name.to_owned(),
        fields,
    })
}

/// True if a lookup leads to a record that the app's user may not see: it has an id, and its record
/// comes as null. An empty one has no id.
fn is_unseen(field: &Field, record: &Map<String, Value>) -> Result<bool> {
    let Some(id) = field.lookup_id() else {
        return Ok(false);
    };
    let followed = field.source.split('.').next().unwrap_or_default();
    Ok(text(record, id)?.is_some() && lookup(record, followed)?.is_null())
}

fn field_value(
    field: &Field,
    record: &Map<String, Value>,
    id: &AccountId,
    mapping: &Mapping,
) -> Result<FieldValue> {
    let source = &field.source;
    Ok(match &field.rule {
        Rule::Id18 => FieldValue::text(Some(id.as_str())),
        Rule::Id15 => FieldValue::text(Some(id.short())),
        Rule::Text | Rule::LookedUp { .. } => FieldValue::text(text(record, source)?),
        Rule::Checkbox => FieldValue::Flag(checkbox(record, source)?),
        Rule::Equals(wanted) => {
            let text = text(record, source)?;
            FieldValue::Flag(text.is_some_and(|text| text.eq_ignore_ascii_case(wanted)))
        }
        Rule::Table(choices) => {
            let tag = tag(choices, text(record, source)?);
            let named = mapping.named_type(id).filter(|_| field.key == ACCOUNT_TYPE);
            FieldValue::text(named.or(tag))
        }
    })
}

/// The tag beside a text. Compared as the query compares: SOQL does so without regard to case.
fn tag<'a>(choices: &'a [Choice], text: Option<&str>) -> Option<&'a str> {
    let is_it = |choice: &&Choice| text.is_some_and(|text| text.eq_ignore_ascii_case(&choice.text));
    choices.iter().find(is_it).map(|choice| choice.tag.as_str())
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

/// Follows a dotted source; a null lookup makes every field reached through it null.
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
