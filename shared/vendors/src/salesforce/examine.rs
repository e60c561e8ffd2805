//! What can be looked at before the first run, without writing: `make doctor`. Source: Salesforce's
//! REST guide, the resources Versions and sObject Describe.

use serde::Deserialize;

use super::client::Client;
use super::refused::ReadError;
use crate::http::host_of;
use domain::model::{Mapping, Rule};
use domain::{Error, Result};

/// A field of an object, as its description has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribedField {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    /// The name by which a query follows a lookup.
    #[serde(default)]
    relationship_name: Option<String>,
}

#[derive(Deserialize)]
struct Description {
    fields: Vec<DescribedField>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

/// Types whose values are text.
const TEXT: [&str; 11] = [
    "string",
    "picklist",
    "textarea",
    "combobox",
    "multipicklist",
    "email",
    "phone",
    "url",
    "id",
    "reference",
    "encryptedstring",
];
const CHECKBOX: [&str; 1] = ["boolean"];

/// Checks that the app's user sees every field of the query, and that each has the right type.
///
/// # Errors
/// [`Error::Contract`] names every field that does not fit.
pub fn check_columns(fields: &[DescribedField], mapping: &Mapping) -> Result<()> {
    let columns = mapping.columns().into_iter();
    let wrong = columns
        .filter_map(|column| wrong(fields, column, mapping).map(|why| format!("{column} {why}")));
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::Contract(format!(
        "salesforce: fields of {} do not fit: {}; give the app's user read access to what is \
         missing, create it, or correct sync.toml, then run again",
        mapping.object,
        wrong.join("; ")
    )))
}

fn wrong(fields: &[DescribedField], column: &str, mapping: &Mapping) -> Option<String> {
    let hidden = || Some("is missing, or hidden from the app's user".to_owned());
    if let Some((lookup, _)) = column.split_once('.') {
        let leads_there =
            |field: &DescribedField| field.relationship_name.as_deref() == Some(lookup);
        return if fields.iter().any(leads_there) {
            None
        } else {
            hidden()
        };
    }
    let Some(field) = fields.iter().find(|field| field.name == column) else {
        return hidden();
    };
    let is_checkbox = mapping
        .fields
        .iter()
        .any(|row| row.source == column && row.rule == Rule::Checkbox);
    let (kinds, wanted): (&[&str], _) = if is_checkbox {
        (&CHECKBOX, "a checkbox")
    } else {
        (&TEXT, "text or a picklist")
    };
    let fits = kinds.contains(&field.kind.as_str());
    (!fits).then(|| format!("has the type {} (wanted: {wanted})", field.kind))
}

impl Client {
    /// Gets a token, and reads nothing. Returns the host it is good for.
    ///
    /// # Errors
    /// [`Error::Auth`] or [`Error::Config`] if it is refused.
    pub async fn sign_in(&mut self) -> Result<String> {
        Ok(host_of(&self.access().await?.instance))
    }

    /// `GET /services/data`: the versions of the data API that are served, such as `v67.0`, the
    /// oldest first.
    ///
    /// # Errors
    /// As for [`Client::partner_accounts`].
    pub async fn api_versions(&mut self) -> Result<Vec<String>> {
        let mut url = self.access().await?.instance.clone();
        url.set_path("/services/data");
        let versions: Vec<Version> = self.send("list versions", url).await?;
        let versions = versions.into_iter();
        Ok(versions.map(|one| format!("v{}", one.version)).collect())
    }

    /// `GET /services/data/{version}/sobjects/{object}/describe`: the fields of an account that the
    /// app's user may see.
    ///
    /// # Errors
    /// [`Error::Auth`] if the user may not see accounts at all; otherwise as for
    /// [`Client::partner_accounts`].
    pub async fn account_fields(&mut self, object: &str) -> Result<Vec<DescribedField>> {
        let path = format!("sobjects/{object}/describe");
        let url = self.data_url(&path).await?;
        let what = format!("describe {object}");
        let described: Result<Description, _> = self.send(&what, url).await;
        match described {
            Ok(Description { fields }) => Ok(fields),
            // The version was checked before, so it is the object that was not found.
            Err(ReadError::Fatal(Error::Config(_))) => Err(Error::Auth(format!(
                "salesforce: {what}: the app's user may not read {object}; give it read access"
            ))),
            Err(refused) => Err(refused.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::for_tests::mapping;

    fn field(name: &str, kind: &str) -> DescribedField {
        let relationship_name = (kind == "reference").then(|| name.replace("__c", "__r"));
        DescribedField {
            name: name.to_owned(),
            kind: kind.to_owned(),
            relationship_name,
        }
    }

    fn all() -> Vec<DescribedField> {
        let text = [
            "Account_ID_18__c",
            "Name",
            "Account_Owner_Calc__c",
            "Technical_Account_Manager_Name__c",
            "Restricted_Account__c",
            "Partner_Track__c",
            "Account_Risk_Level__c",
            "Type",
            "Partners_Partner_Status__c",
        ];
        let mut all: Vec<_> = text.iter().map(|name| field(name, "string")).collect();
        all.push(field("Support_Hold__c", "boolean"));
        all.push(field("Solutions_Architect_Lookup__c", "reference"));
        all
    }

    #[test]
    fn accepts_the_fields_of_the_query() {
        check_columns(&all(), &mapping()).unwrap();
    }

    #[test]
    fn names_every_field_that_is_hidden_or_has_another_type() {
        let mut broken = all();
        broken.retain(|field| !field.name.starts_with("Solutions") && field.name != "Name");
        for field in &mut broken {
            match field.name.as_str() {
                "Support_Hold__c" => "picklist".clone_into(&mut field.kind),
                "Type" => "boolean".clone_into(&mut field.kind),
                _ => {}
            }
        }
        let error = check_columns(&broken, &mapping()).unwrap_err();
        assert_eq!(error.name(), "Sync.Contract");
        for words in [
            "Name is missing",
            "Solutions_Architect_Lookup__c is missing",
            "Solutions_Architect_Lookup__r.Name is missing",
            "Support_Hold__c has the type picklist (wanted: a checkbox)",
            "Type has the type boolean (wanted: text or a picklist)",
        ] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
