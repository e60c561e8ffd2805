//! The target's organization fields, checked against the mapping before anything is compared.

use reqwest::Method;
use serde::Deserialize;

use super::client::Client;
use crate::http::{Call, CallError};
use domain::model::mapping::{FIELDS, Rule};
use domain::model::{EXPIRATION_DATE, IGNORE_DELETION, MARK_FOR_DELETION, PARTNER_TYPES};
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
const DATE: &[&str] = &["text", "date", "regexp", "textarea"];

/// The organization fields beside the mapping, with the types each may have, the best one first.
pub const UNMAPPED: [(&str, &[&str]); 2] = [(MARK_FOR_DELETION, CHECKBOX), (EXPIRATION_DATE, DATE)];
/// The organization fields that need not be there, with the types each may have.
pub const OPTIONAL: [(&str, &[&str]); 1] = [(IGNORE_DELETION, CHECKBOX)];

/// The types that the organization field of a rule may have, the best one first.
pub fn types_of(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::Id | Rule::ShortId | Rule::Text | Rule::LookedUp(_) => TEXT,
        Rule::Checkbox | Rule::TickedIf(_) => CHECKBOX,
        Rule::AccountType => DROPDOWN,
    }
}

/// Checks that every field the pipeline reads or writes exists, is active, has the right type, and
/// that the drop-down has the partners' options. An optional field that is not active is as good as
/// missing.
///
/// # Errors
/// [`Error::Contract`] names every field that does not fit, and the type wanted.
pub fn check_fields(definitions: &[FieldDefinition]) -> Result<()> {
    let managed = FIELDS.iter().map(|field| (field.key, types_of(field.rule)));
    let optional = OPTIONAL
        .into_iter()
        .filter(|(key, _)| is_there(definitions, key));
    let wrong: Vec<_> = managed
        .chain(UNMAPPED)
        .chain(optional)
        .filter_map(|(key, kinds)| wrong(definitions, key, kinds).map(|why| format!("{key} {why}")))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::Contract(format!(
        "zendesk: organization fields do not fit: {}; mend them in the admin centre, then run \
         again",
        wrong.join("; ")
    )))
}

/// True if the account has an active field of this key.
pub fn is_there(definitions: &[FieldDefinition], key: &str) -> bool {
    definitions.iter().any(|one| one.active && one.key == key)
}

fn wrong(definitions: &[FieldDefinition], key: &str, kinds: &[&str]) -> Option<String> {
    let wanted = kinds.first().copied().unwrap_or_default();
    let Some(FieldDefinition {
        key: _,
        kind,
        active,
        custom_field_options,
    }) = definitions.iter().find(|one| one.key == key)
    else {
        return Some(format!("is missing (wanted: {wanted})"));
    };
    if !active {
        return Some(format!("is not active (wanted: {wanted})"));
    }
    if !kinds.contains(&kind.as_str()) {
        return Some(format!("has the type {kind} (wanted: {wanted})"));
    }
    let options = custom_field_options.as_deref().unwrap_or_default();
    let missing: Vec<_> = PARTNER_TYPES
        .into_iter()
        .filter(|tag| kinds == DROPDOWN && !options.iter().any(|option| option.value == *tag))
        .collect();
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
        let options: Vec<_> = PARTNER_TYPES
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
