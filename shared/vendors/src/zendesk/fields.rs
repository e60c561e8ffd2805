//! The target's organization fields, checked against the mapping before anything is compared.

use reqwest::Method;
use serde::Deserialize;

use super::client::Client;
use crate::http::{Call, CallError};
use domain::model::{
    ACCOUNT_TYPE, EXPIRATION_DATE, Field, IGNORE_DELETION, Key, MARK_FOR_DELETION, Mapping, Rule,
};
use domain::{Error, Result};

/// Pages of 100 fields, more than any account may have.
const MOST_PAGES: usize = 20;

#[derive(Deserialize)]
struct FieldsPage {
    organization_fields: Vec<FieldDefinition>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    after_cursor: Option<String>,
}

/// One custom field of the account.
#[derive(Debug, Clone, Deserialize)]
pub struct FieldDefinition {
    key: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    custom_field_options: Option<Vec<Choice>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Choice {
    value: String,
}

fn yes() -> bool {
    true
}

const TEXT: &[&str] = &["text", "textarea", "regexp"];
const CHECKBOX: &[&str] = &["checkbox"];
const DROPDOWN: &[&str] = &["dropdown", "tagger"];
const DROPDOWN_OR_TEXT: &[&str] = &["dropdown", "tagger", "text", "textarea", "regexp"];
const DATE: &[&str] = &["text", "date", "regexp", "textarea"];

/// The organization fields that no account decides about, with the types each may have, the best
/// one first, and whether it must be there.
pub const UNMAPPED: [(Key, &[&str], bool); 3] = [
    (MARK_FOR_DELETION, CHECKBOX, true),
    (EXPIRATION_DATE, DATE, true),
    (IGNORE_DELETION, CHECKBOX, false),
];

/// The types that an organization field may have, the best one first.
pub fn types_of(field: &Field) -> &'static [&'static str] {
    match field.rule {
        Rule::Id18 | Rule::Id15 | Rule::Text | Rule::LookedUp { .. } => TEXT,
        Rule::Checkbox | Rule::Equals(_) => CHECKBOX,
        // The type makes partners, so it must not take just any text.
        Rule::Table(_) if field.key == ACCOUNT_TYPE => DROPDOWN,
        Rule::Table(_) => DROPDOWN_OR_TEXT,
    }
}

/// A field that must be there, or be of a type if it is.
struct Wanted<'a> {
    /// Zendesk's key.
    key: &'a str,
    types: &'static [&'static str],
    /// The tags that a drop-down must have.
    options: Vec<&'a str>,
    must_be_there: bool,
}

impl<'a> Wanted<'a> {
    /// Every field that the pipeline reads or writes.
    fn all(mapping: &'a Mapping) -> Vec<Self> {
        let key_of = |key: Key| mapping.zendesk_key(key).map(Key::name);
        let managed = mapping.fields.iter().filter_map(|field| {
            Some(Self {
                key: key_of(field.key)?,
                types: types_of(field),
                options: options(field, mapping),
                must_be_there: true,
            })
        });
        let unmapped = UNMAPPED
            .into_iter()
            .filter_map(|(key, types, must_be_there)| {
                Some(Self {
                    key: key_of(key)?,
                    types,
                    options: Vec::new(),
                    must_be_there,
                })
            });
        managed.chain(unmapped).collect()
    }
}

/// The tags that a field can get.
fn options<'a>(field: &'a Field, mapping: &'a Mapping) -> Vec<&'a str> {
    match &field.rule {
        Rule::Table(_) if field.key == ACCOUNT_TYPE => {
            mapping.partner_types.iter().map(String::as_str).collect()
        }
        Rule::Table(choices) => choices.iter().map(|choice| choice.tag.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Checks that every field the pipeline reads or writes exists, is active, has the right type, and
/// that a drop-down has the options it needs. An optional field that is not active is as good as
/// missing.
///
/// # Errors
/// [`Error::Contract`] names every field that does not fit, and the type wanted.
pub fn check_fields(definitions: &[FieldDefinition], mapping: &Mapping) -> Result<()> {
    let wanted = Wanted::all(mapping).into_iter();
    let wanted = wanted.filter(|one| one.must_be_there || is_there(definitions, one.key));
    let wrong: Vec<_> = wanted
        .filter_map(|one| Some(format!("{} {}", one.key, wrong(definitions, &one)?)))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::Contract(format!(
        "zendesk: organization fields do not fit: {}; mend them in the admin centre, or correct \
         sync.toml, then run again",
        wrong.join("; ")
    )))
}

/// True if the account has an active field of this key.
pub fn is_there(definitions: &[FieldDefinition], key: &str) -> bool {
    definitions.iter().any(|one| one.active && one.key == key)
}

fn wrong(definitions: &[FieldDefinition], field: &Wanted<'_>) -> Option<String> {
    let Wanted {
        key,
        types,
        options: needed,
        must_be_there: _,
    } = field;
    let wanted = types.first().copied().unwrap_or_default();
    let Some(FieldDefinition {
        key: _,
        kind,
        active,
        custom_field_options,
    }) = definitions.iter().find(|one| one.key == *key)
    else {
        return Some(format!("is missing (wanted: {wanted})"));
    };
    if !active {
        return Some(format!("is not active (wanted: {wanted})"));
    }
    if !types.contains(&kind.as_str()) {
        return Some(format!("has the type {kind} (wanted: {wanted})"));
    }
    let options = custom_field_options.as_deref().unwrap_or_default();
    let is_missing = |tag: &&&str| !options.iter().any(|option| option.value == **tag);
    let has_options = DROPDOWN.contains(&kind.as_str());
    let missing = needed.iter().filter(|_| has_options).filter(is_missing);
    let missing: Vec<_> = missing.copied().collect();
    (!missing.is_empty()).then(|| format!("has no option {}", missing.join(", ")))
}

impl Client {
    /// `GET /api/v2/organization_fields`: all custom fields, one page of 100 in practice.
    ///
    /// # Errors
    /// [`CallError`], [`Error::Contract`] for a reply of another shape, [`Error::Incomplete`] for
    /// pages without end.
    pub async fn organization_fields(&mut self) -> Result<Vec<FieldDefinition>, CallError> {
        let mut definitions = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut url = self.url("/api/v2/organization_fields");
            url.query_pairs_mut()
                .append_pair("page[size]", "100")
                .extend_pairs(after.as_deref().map(|cursor| ("page[after]", cursor)));
            let request = self.request(Method::GET, url);
            let FieldsPage {
                organization_fields,
                meta,
            } = self
                .send("list organization fields", Call::Repeatable, request)
                .await?;
            definitions.extend(organization_fields);
            if !meta.has_more {
                return Ok(definitions);
            }
            if meta.after_cursor.is_none() || meta.after_cursor == after {
                return Err(endless("the cursor does not move"));
            }
            after = meta.after_cursor;
        }
        Err(endless("its pages have no end"))
    }
}

fn endless(why: &str) -> CallError {
    let text = format!("zendesk: list organization fields: {why}; the next run reads again");
    CallError::Fatal(Error::Incomplete(text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::for_tests::mapping;

    fn all() -> Vec<Value> {
        let text = [
            "salesforce_id",
            "sfdc_short_id",
            "account_owner",
            "technical_account_manager",
            "solutions_architect",
            "expiration_date",
        ];
        let boxes = [
            "restricted_account",
            "support_hold",
            "org_in_escalated_state",
            "mark_for_deletion",
        ];
        let options: Vec<_> = ["alliance_partner", "open_partner", "select_partner"]
            .iter()
            .chain(&["customer"])
            .map(|tag| json!({"id": 1, "name": tag, "value": tag}))
            .collect();
        let mut all: Vec<_> = text
            .iter()
            .map(|key| json!({"key": key, "type": "text", "active": true}))
            .collect();
        all.extend(
            boxes
                .iter()
                .map(|key| json!({"key": key, "type": "checkbox", "active": true})),
        );
        all.push(json!({
            "key": "account_type", "type": "dropdown", "active": true,
            "custom_field_options": options,
        }));
        all
    }

    fn check(definitions: Vec<Value>) -> Result<()> {
        check_fields(
            &serde_json::from_value::<Vec<FieldDefinition>>(Value::Array(definitions)).unwrap(),
            &mapping(),
        )
    }

    #[test]
    fn accepts_the_fields_of_the_mapping() {
        check(all()).unwrap();
    }

    #[test]
    fn ignore_deletion_may_be_missing_and_is_a_checkbox_if_it_is_there() {
        let with = |kind: &str, active: bool| {
            let mut fields = all();
            fields.push(json!({"key": "ignore_deletion", "type": kind, "active": active}));
            check(fields)
        };
        check(all()).unwrap();
        with("checkbox", true).unwrap();
        with("text", false).unwrap();
        let error = with("text", true).unwrap_err();
        assert_eq!(error.name(), "Sync.Contract");
        let why = "ignore_deletion has the type text (wanted: checkbox)";
        assert!(error.to_string().contains(why), "{error}");
    }

    #[test]
    fn names_every_field_that_does_not_fit_and_the_type_wanted() {
        let mut broken = all();
        broken.retain(|field| field["key"] != "account_owner");
        for field in &mut broken {
            match field["key"].as_str().unwrap() {
                "support_hold" => field["type"] = json!("text"),
                "salesforce_id" => field["active"] = json!(false),
                "account_type" => {
                    field["custom_field_options"] = json!([{"value": "open_partner"}]);
                }
                _ => {}
            }
        }
        let error = check(broken).unwrap_err();
        assert_eq!(error.name(), "Sync.Contract");
        let text = error.to_string();
        for part in [
            "account_owner is missing (wanted: text)",
            "support_hold has the type text (wanted: checkbox)",
            "salesforce_id is not active",
            "account_type has no option alliance_partner, select_partner",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
