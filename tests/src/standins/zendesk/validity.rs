//! Which records are refused, and in which words. One wrong value refuses the whole record: nothing
//! of it is written.

use icu_normalizer::DecomposingNormalizer;
use serde_json::{Map, Value, json};

use super::super::Response;
use super::{Zendesk, same};

/// One value that is refused.
struct Invalid {
    field: String,
    /// What people see of the field.
    title: String,
    code: &'static str,
    why: String,
}

impl Invalid {
    fn of_name(code: &'static str, why: String) -> Self {
        Self {
            field: "name".to_owned(),
            title: "Name".to_owned(),
            code,
            why,
        }
    }

    fn of_field(field: &Value) -> Self {
        let text = |key: &str| field[key].as_str().unwrap_or_default().to_owned();
        Self {
            field: text("key"),
            title: text("title"),
            code: "InvalidValue",
            why: "is invalid".to_owned(),
        }
    }
}

impl Zendesk {
    /// Why an organization is not created.
    pub(super) fn create_refusal(&self, wanted: &Value) -> Option<Response> {
        let name = wanted["name"].as_str().unwrap_or_default();
        let mut invalid = self.invalid_name(None, name);
        let external_id = wanted["external_id"].as_str();
        let mut all = self.there();
        let has = |one: &Value, id| same(&one["external_id"], id);
        let is_taken = external_id.is_some_and(|id| all.any(|(_, one)| has(one, id)));
        if is_taken {
            invalid.push(Invalid {
                field: "external_id".to_owned(),
                title: String::new(),
                code: "DuplicateValue",
                why: "External has already been taken".to_owned(),
            });
        }
        invalid.extend(self.invalid_fields(wanted));
        if invalid.is_empty() {
            return None;
        }
        let mut details = Map::new();
        for Invalid {
            field,
            title,
            code,
            why,
        } in invalid
        {
            let words = if title.is_empty() {
                why
            } else {
                format!("{title}: {why}")
            };
            details.insert(field, json!([{"description": words, "error": code}]));
        }
        Some(Response::json(
            422,
            &json!({
                "error": "RecordInvalid", "description": "Record validation errors",
                "details": details,
            }),
        ))
    }

    /// Why an update of one organization fails, in Zendesk's words.
    pub(in super::super) fn refusal(
        &self,
        id: u64,
        wanted: &Value,
    ) -> Option<(&'static str, String)> {
        if !self.organizations.contains_key(&id) {
            return Some(("OrganizationNotFound", "Organization not found".to_owned()));
        }
        let name = wanted["name"].as_str();
        let mut invalid = name.map_or_else(Vec::new, |name| self.invalid_name(Some(id), name));
        invalid.extend(self.invalid_fields(wanted));
        // The two blanks are Zendesk's.
        let words = |one: &Invalid| match one.field.as_str() {
            "name" => format!("{}:  {}", one.title, one.why),
            _ => format!("{}: {}", one.title, one.why),
        };
        let words: Vec<_> = invalid.iter().map(words).collect();
        (!words.is_empty()).then(|| ("OrganizationUpdateFailed", words.join(", ")))
    }

    /// What is wrong with the name of the organization of this id, or of a new one.
    fn invalid_name(&self, id: Option<u64>, name: &str) -> Vec<Invalid> {
        let name = name.trim();
        if name.is_empty() {
            return vec![Invalid::of_name("BlankValue", "cannot be blank".to_owned())];
        }
        let mut invalid = Vec::new();
        let mut others = self.there().filter(|(other, _)| Some(**other) != id);
        if others.any(|(_, one)| self.is_name_of(one, name)) {
            let why = format!("{name} has already been taken");
            invalid.push(Invalid::of_name("DuplicateValue", why));
        } else if self.holds_what_is_refused("name", name) {
            invalid.push(Invalid::of_name("InvalidValue", "is invalid".to_owned()));
        }
        invalid
    }

    /// The fields whose values are refused.
    fn invalid_fields(&self, wanted: &Value) -> Vec<Invalid> {
        let is_wrong = |field: &&Value| {
            let key = field["key"].as_str().unwrap_or_default();
            let value = &wanted["organization_fields"][key];
            let text = value.as_str();
            !fits(field, value) || text.is_some_and(|text| self.holds_what_is_refused(key, text))
        };
        let wrong = self.fields.iter().filter(is_wrong);
        wrong.map(Invalid::of_field).collect()
    }

    fn holds_what_is_refused(&self, field: &str, value: &str) -> bool {
        let refused = self.refused_values.get(field);
        refused.is_some_and(|text| value.contains(text.as_str()))
    }

    /// True if an organization's name is this one, as this Zendesk compares names.
    pub(super) fn is_name_of(&self, organization: &Value, name: &str) -> bool {
        let own = &organization["name"];
        let is_folded = || own.as_str().is_some_and(|own| folded(own) == folded(name));
        same(own, name) || (self.folds_names && is_folded())
    }
}

/// True if a value may stand in a field of this type. Any field may be emptied.
fn fits(field: &Value, value: &Value) -> bool {
    let is_option = |value: &Value| {
        let mut options = field["custom_field_options"]
            .as_array()
            .into_iter()
            .flatten();
        options.any(|option| option["value"] == *value)
    };
    match field["type"].as_str() {
        _ if value.is_null() => true,
        Some("checkbox") => value.is_boolean(),
        Some("dropdown") => value == "" || is_option(value),
        _ => value.is_string(),
    }
}

/// A name without accents, case and width, as the collations of databases compare it.
fn folded(name: &str) -> String {
    let parts = DecomposingNormalizer::new_nfkd().normalize(name.trim());
    let is_accent = |one: &char| ('\u{300}'..='\u{36f}').contains(one);
    let plain = parts.chars().filter(|one| !is_accent(one));
    let lower = plain.flat_map(char::to_lowercase);
    // The capital I with a dot becomes an i and an accent in lower case.
    lower
        .filter(|one| !is_accent(one))
        .map(|one| if one == 'ı' { 'i' } else { one })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(names: &[&str]) -> Zendesk {
        let mut zendesk = Zendesk::default();
        for name in names {
            zendesk.insert(&json!({"name": name}));
        }
        zendesk
    }

    #[test]
    fn names_are_folded_only_if_that_is_switched_on() {
        for (there, new) in [
            ("Café", "Cafe"),
            ("Ｗｉｄｅ", "wide"),
            ("Kapı", "Kapi"),
            ("İzmir", "izmir"),
        ] {
            let mut zendesk = with(&[there]);
            let wanted = json!({"name": new});
            assert!(zendesk.create_refusal(&wanted).is_none(), "{new}");
            zendesk.folds_names = true;
            let refusal = zendesk.create_refusal(&wanted).map(|reply| reply.status);
            assert_eq!(refusal, Some(422), "{new}");
        }
    }

    #[test]
    fn a_value_that_is_refused_keeps_the_whole_record_from_being_written() {
        let mut zendesk = with(&["Acme"]);
        let refused = ("account_owner".to_owned(), "(left)".to_owned());
        zendesk.refused_values.extend([refused]);
        let id = *zendesk.organizations.keys().next().unwrap();
        let wanted = json!({"name": "Other", "organization_fields":
            {"account_owner": "Jo (left)", "mark_for_deletion": false}});
        let words = "Account Owner: is invalid".to_owned();
        let expected = Some(("OrganizationUpdateFailed", words));
        assert_eq!(zendesk.refusal(id, &wanted), expected);
        let reply = zendesk.create_refusal(&wanted).unwrap();
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let details = json!({"account_owner": [
            {"description": "Account Owner: is invalid", "error": "InvalidValue"}]});
        assert_eq!(body["details"], details);
    }

    #[test]
    fn values_of_a_wrong_type_are_refused() {
        let zendesk = with(&["Acme"]);
        let id = *zendesk.organizations.keys().next().unwrap();
        let refusal = |field: &str, value: Value| {
            let wanted =
                json!({"organization_fields": Map::from_iter([(field.to_owned(), value)])});
            zendesk.refusal(id, &wanted).map(|(_, words)| words)
        };
        let wrong = Some("Support Hold: is invalid".to_owned());
        assert_eq!(refusal("support_hold", json!("yes")), wrong);
        assert_eq!(refusal("support_hold", json!(true)), None);
        let wrong = Some("Account Owner: is invalid".to_owned());
        assert_eq!(refusal("account_owner", json!(7)), wrong);
        assert_eq!(refusal("account_owner", Value::Null), None);
        let wrong = Some("Account Type: is invalid".to_owned());
        assert_eq!(refusal("account_type", json!("gold")), wrong);
    }
}
