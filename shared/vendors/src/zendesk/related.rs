//! How many users and tickets an organization has.

use reqwest::Method;
use serde::Deserialize;

use super::client::Client;
use crate::http::{Call, CallError};
use domain::model::Related;

#[derive(Deserialize)]
struct RelatedReply {
    organization_related: RelatedCounts,
}

#[derive(Deserialize)]
struct RelatedCounts {
    users_count: u64,
    tickets_count: u64,
}

impl Client {
    /// `GET /api/v2/organizations/{id}/related`: how many users and tickets an organization has;
    /// `None` if it is gone.
    ///
    /// # Errors
    /// [`CallError`], [`domain::Error::Contract`] for a reply of another shape.
    pub async fn related(&mut self, id: u64) -> Result<Option<Related>, CallError> {
        let url = self.url(&format!("/api/v2/organizations/{id}/related"));
        let request = self.request(Method::GET, url);
        // An explanation only: it is not worth a second try.
        let answer = self.send("organization's users and tickets", Call::Once, request);
        let RelatedCounts {
            users_count,
            tickets_count,
        } = match answer.await {
            Err(CallError::Refused { status: 404, .. }) => return Ok(None),
            other => {
                let RelatedReply {
                    organization_related,
                } = other?;
                organization_related
            }
        };
        Ok(Some(Related {
            id,
            users: users_count,
            tickets: tickets_count,
        }))
    }
}
