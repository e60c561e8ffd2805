//! Organizations: list, show, search, create.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{CallError, Client};
use crate::http::Call;
use crate::model::{
    ACCOUNT_TYPE, AccountId, EXPIRATION_DATE, FieldValue, Fields, MARK_FOR_DELETION, Organization,
    PARTNER_TYPES, SALESFORCE_ID, mapping,
};
use crate::plan::Create;
use crate::{Error, Result};

/// One page of the walk over all organizations.
#[derive(Deserialize)]
pub struct OrganizationsPage {
    /// The organizations as Zendesk sends them.
    pub organizations: Vec<ListedOrganization>,
    meta: PageMeta,
}

#[derive(Deserialize)]
struct PageMeta {
    has_more: bool,
    #[serde(default)]
    after_cursor: Option<String>,
}

impl OrganizationsPage {
    /// The cursor of the next page, `None` on the last one; an error text if there is a next page
    /// without a new cursor.
    ///
    /// The last page carries a cursor too, so only `has_more` counts.
    ///
    /// # Errors
    /// Why the walk cannot go on.
    pub fn next(&self, current: Option<&str>) -> Result<Option<&str>, &'static str> {
        let PageMeta {
            has_more,
            after_cursor,
        } = &self.meta;
        match after_cursor.as_deref() {
            _ if !has_more => Ok(None),
            None | Some("") => Err("a page says it is not the last, and has no cursor"),
            Some(next) if Some(next) == current => Err("the cursor does not move"),
            Some(next) => Ok(Some(next)),
        }
    }
}

/// An organization as Zendesk sends it; unknown keys are ignored.
#[derive(Deserialize)]
pub struct ListedOrganization {
    /// The organization's id.
    pub id: u64,
    /// Its name.
    pub name: String,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    organization_fields: Option<Map<String, Value>>,
}

impl ListedOrganization {
    fn raw(&self, key: &str) -> Option<&str> {
        self.organization_fields.as_ref()?.get(key)?.as_str()
    }

    /// True if its account type is a partner's.
    #[must_use]
    pub fn is_partner(&self) -> bool {
        self.raw(ACCOUNT_TYPE)
            .is_some_and(|tag| PARTNER_TYPES.contains(&tag.trim()))
    }

    /// The account it belongs to.
    #[must_use]
    pub fn account_id(&self) -> Option<AccountId> {
        AccountId::of_organization(self.raw(SALESFORCE_ID), self.external_id.as_deref())
    }

    /// The account that its external id names, whatever account it belongs to.
    #[must_use]
    pub fn external_account_id(&self) -> Option<AccountId> {
        AccountId::of_external_id(self.external_id.as_deref()?)
    }

    /// The organization as the pipeline means it, with the managed fields, the mark and the
    /// expiration date.
    ///
    /// # Errors
    /// [`Error::Contract`] names the organization and the field whose value is neither text nor
    /// checkbox.
    pub fn into_organization(self, instance: &str) -> Result<Organization> {
        let Self {
            id,
            name,
            external_id,
            updated_at,
            organization_fields,
        } = self;
        let mut raw = organization_fields.unwrap_or_default();
        let keys = mapping::FIELDS
            .iter()
            .map(|field| field.key)
            .chain([MARK_FOR_DELETION, EXPIRATION_DATE]);
        let mut fields = Fields::new();
        for key in keys {
            let value = match raw.remove(key) {
                None | Some(Value::Null) => continue,
                Some(Value::Bool(flag)) => FieldValue::Flag(flag),
                Some(Value::String(text)) => FieldValue::Text(Some(text)),
                Some(_) => {
                    return Err(Error::Contract(format!(
                        "zendesk {instance}: organization {id}: field {key} is neither text nor \
                         checkbox; correct the field's type"
                    )));
                }
            };
            fields.insert(key.to_owned(), value);
        }
        Ok(Organization {
            instance: instance.to_owned(),
            id,
            name,
            external_id,
            updated_at: updated_at.unwrap_or_default(),
            organization_fields: fields,
        })
    }
}

#[derive(Deserialize)]
struct OrganizationsReply {
    organizations: Vec<ListedOrganization>,
}

#[derive(Deserialize)]
struct OrganizationReply {
    organization: CreatedOrganization,
}

/// What Zendesk answers to a create.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct CreatedOrganization {
    /// The new organization's id.
    pub id: u64,
}

impl Client {
    /// `GET /api/v2/organizations`: a page of at most 100, after a cursor. `page[size]` is what
    /// selects cursor mode.
    ///
    /// # Errors
    /// [`CallError`], [`Error::Contract`] for a reply of another shape.
    pub async fn organizations(
        &mut self,
        after: Option<&str>,
    ) -> Result<OrganizationsPage, CallError> {
        let mut url = self.url("/api/v2/organizations");
        url.query_pairs_mut()
            .append_pair("page[size]", "100")
            .extend_pairs(after.map(|cursor| ("page[after]", cursor)));
        let request = self.request(Method::GET, url);
        self.send("list organizations", Call::Repeatable, request)
            .await
    }

    /// `GET /api/v2/organizations/show_many`: at most 100 organizations by id; those that are gone
    /// are left out.
    ///
    /// # Errors
    /// [`CallError`], [`Error::Contract`] for a reply of another shape.
    pub async fn show_many(&mut self, ids: &[u64]) -> Result<Vec<Organization>, CallError> {
        let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
        let mut url = self.url("/api/v2/organizations/show_many");
        url.query_pairs_mut().append_pair("ids", &ids.join(","));
        self.several("show organizations", url).await
    }

    /// `GET /api/v2/organizations/search`: by `external_id` or by `name`, exact but for case.
    ///
    /// # Errors
    /// [`CallError`], [`Error::Contract`] for a reply of another shape.
    pub async fn search(
        &mut self,
        key: &'static str,
        value: &str,
    ) -> Result<Vec<Organization>, CallError> {
        let mut url = self.url("/api/v2/organizations/search");
        url.query_pairs_mut().append_pair(key, value);
        self.several("search organizations", url).await
    }

    async fn several(
        &mut self,
        what: &str,
        url: reqwest::Url,
    ) -> Result<Vec<Organization>, CallError> {
        let request = self.request(Method::GET, url);
        let OrganizationsReply { organizations } =
            match self.send(what, Call::Repeatable, request).await {
                Err(CallError::Refused { status: 404, .. }) => return Ok(Vec::new()),
                other => other?,
            };
        Ok(organizations
            .into_iter()
            .map(|listed| listed.into_organization(&self.name))
            .collect::<Result<_>>()?)
    }

    /// `POST /api/v2/organizations`. Never repeated blindly: Zendesk has no idempotency key.
    ///
    /// # Errors
    /// [`CallError::Doubt`] if the reply was lost; the organization may exist.
    pub async fn create(&mut self, create: &Create) -> Result<CreatedOrganization, CallError> {
        let Create {
            salesforce_id,
            name,
            fields,
        } = create;
        let body = json!({
            "organization": {"name": name, "external_id": salesforce_id,
            "organization_fields": fields},
        });
        let request = self
            .request(Method::POST, self.url("/api/v2/organizations"))
            .json(&body);
        let OrganizationReply { organization } = self
            .send("create organization", Call::Once, request)
            .await?;
        Ok(organization)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(meta: &Value, organizations: &Value) -> OrganizationsPage {
        serde_json::from_value(
            json!({"organizations": organizations, "meta": meta, "links": {"next": "x"}}),
        )
        .unwrap()
    }

    #[test]
    fn only_has_more_ends_the_walk() {
        let some = json!([{"id": 1, "name": "a"}]);
        assert_eq!(
            page(&json!({"has_more": false, "after_cursor": "c"}), &some).next(None),
            Ok(None)
        );
        assert_eq!(
            page(&json!({"has_more": true, "after_cursor": "c"}), &some).next(Some("b")),
            Ok(Some("c"))
        );
        assert!(
            page(&json!({"has_more": true, "after_cursor": "c"}), &some)
                .next(Some("c"))
                .is_err()
        );
        assert!(
            page(&json!({"has_more": true, "after_cursor": null}), &some)
                .next(None)
                .is_err()
        );
        assert!(page(&json!({"has_more": true}), &some).next(None).is_err());
        let empty = json!([]);
        assert_eq!(
            page(&json!({"has_more": true, "after_cursor": "c"}), &empty).next(None),
            Ok(Some("c")),
            "an empty page that moves the cursor is gone through"
        );
        assert!(
            serde_json::from_value::<OrganizationsPage>(json!({"organizations": []})).is_err(),
            "a page that does not say whether it is the last"
        );
    }

    #[test]
    fn a_field_of_an_unknown_type_names_the_organization() {
        let found: ListedOrganization = serde_json::from_value(
            json!({"id": 7, "name": "a", "organization_fields": {"account_owner": 3}}),
        )
        .unwrap();
        let error = found.into_organization("global").unwrap_err().to_string();
        assert!(
            error.contains("organization 7") && error.contains("account_owner"),
            "{error}"
        );
    }
}
