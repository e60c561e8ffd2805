//! Organizations: list, show, search, create.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::listing::{ListedOrganization, PageBody};
use super::refused::list_not_read;
use crate::http::{Call, CallError};
use domain::model::Organization;
use domain::plan::Create;
use domain::{Result, json};

#[derive(Deserialize)]
struct OrganizationsReply<'a> {
    #[serde(borrow)]
    organizations: Vec<ListedOrganization<'a>>,
}

#[derive(Deserialize)]
struct OrganizationReply {
    organization: CreatedOrganization,
}

/// What Zendesk answers to a create.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct CreatedOrganization {
    pub id: u64,
}

impl Client {
    /// `GET /api/v2/organizations`: a page of at most 100, after a cursor. `page[size]` is what
    /// selects cursor mode.
    ///
    /// # Errors
    /// [`CallError`], [`domain::Error::Contract`] for a reply of another shape, if that can be told
    /// without reading all of it.
    pub async fn organizations(&mut self, after: Option<&str>) -> Result<PageBody, CallError> {
        self.page(after, PageBody::of).await
    }

    /// As [`Client::organizations`], for a page that turned out to be broken: asked for again until
    /// all of it can be read.
    ///
    /// # Errors
    /// [`CallError`], [`domain::Error::Contract`] for a reply of another shape.
    pub async fn whole_organizations(
        &mut self,
        after: Option<&str>,
    ) -> Result<PageBody, CallError> {
        self.page(after, PageBody::of_whole).await
    }

    async fn page(
        &mut self,
        after: Option<&str>,
        read: impl Fn(&[u8]) -> serde_json::Result<PageBody>,
    ) -> Result<PageBody, CallError> {
        let mut url = self.url("/api/v2/organizations");
        url.query_pairs_mut()
            .append_pair("page[size]", "100")
            .extend_pairs(after.map(|cursor| ("page[after]", cursor)));
        let request = self.request(Method::GET, url);
        self.send_and_read("list organizations", Call::Repeatable, request, read)
            .await
    }

    /// `GET /api/v2/organizations/show_many`: at most 100 organizations by id; those that are gone
    /// are left out.
    ///
    /// # Errors
    /// [`CallError`], [`domain::Error::Contract`] for a reply of another shape.
    pub async fn show_many(&mut self, ids: &[u64]) -> Result<Vec<Organization>, CallError> {
        let ids: Vec<_> = ids.iter().map(u64::to_string).collect();
        let mut url = self.url("/api/v2/organizations/show_many");
        url.query_pairs_mut().append_pair("ids", &ids.join(","));
        self.several("show organizations", url).await
    }

    /// `GET /api/v2/organizations/search`: by `external_id` or by `name`: an exact match,
    /// except for upper and lower case.
    ///
    /// # Errors
    /// [`CallError`], [`domain::Error::Contract`] for a reply of another shape.
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
        let (instance, mapping) = (self.name.clone(), Arc::clone(&self.mapping));
        let read = |body: &[u8]| {
            let reply: OrganizationsReply<'_> = json::from_bytes(body)?;
            let all = reply.organizations.into_iter();
            let there = all.filter(ListedOrganization::is_there);
            Ok(there
                .map(|listed| listed.into_organization(&instance, &mapping))
                .collect::<Result<_>>())
        };
        match self
            .send_and_read(what, Call::Repeatable, request, read)
            .await
        {
            Err(error) => Err(list_not_read(error)),
            Ok(all) => Ok(all?),
        }
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
        let fields = fields.iter().filter_map(|(key, value)| {
            let key = self.mapping.zendesk_key(key)?;
            Some((key.name(), value))
        });
        let fields: BTreeMap<_, _> = fields.collect();
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
