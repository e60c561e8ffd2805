//! What can be looked at before the first run, without writing: `make doctor`. Source: Zendesk's
//! API reference, Users, Custom Roles, Organizations and Job Statuses.

use reqwest::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::client::Client;
use crate::http::{Call, CallError};
use domain::Error;

/// What the role of the credentials' user allows, as far as a read can show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// An administrator: everything.
    Admin,
    /// A role of the account's own that may edit organizations, or may not.
    Custom {
        /// True if it may create and edit organizations.
        edits_organizations: bool,
    },
    /// A role of the account's own that this user may not look at.
    Unseen,
    /// An agent without such a role: may edit the notes of an organization, and nothing else.
    Agent,
    /// Nobody: the call was answered for an anonymous user or an end user.
    Nobody,
}

#[derive(Deserialize)]
struct Me {
    user: User,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    role: String,
    #[serde(default)]
    custom_role_id: Option<u64>,
}

#[derive(Deserialize)]
struct RoleReply {
    custom_role: CustomRole,
}

#[derive(Deserialize)]
struct CustomRole {
    configuration: Configuration,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    organization_editing: bool,
}

#[derive(Deserialize)]
struct CountReply {
    count: Count,
}

#[derive(Deserialize)]
struct Count {
    value: u64,
}

impl Client {
    /// `GET /api/v2/users/me`, and for a custom role `GET /api/v2/custom_roles/{id}`: what the
    /// user may do.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn rights(&mut self) -> Result<Rights, CallError> {
        let Me {
            user: User {
                role,
                custom_role_id,
            },
        } = self.get("show the own user", "/api/v2/users/me").await?;
        match (role.as_str(), custom_role_id) {
            ("admin", _) => Ok(Rights::Admin),
            ("agent", Some(role)) => self.custom_role(role).await,
            ("agent", None) => Ok(Rights::Agent),
            // A request without credentials is answered too, as if for an end user.
            _ => Ok(Rights::Nobody),
        }
    }

    async fn custom_role(&mut self, id: u64) -> Result<Rights, CallError> {
        let path = format!("/api/v2/custom_roles/{id}");
        match self.get("show the own role", &path).await {
            Ok(RoleReply {
                custom_role: CustomRole { configuration },
            }) => Ok(Rights::Custom {
                edits_organizations: configuration.organization_editing,
            }),
            // Not everybody may look at roles.
            Err(CallError::Fatal(Error::Auth(_)) | CallError::Refused { .. }) => Ok(Rights::Unseen),
            Err(other) => Err(other),
        }
    }

    /// `GET /api/v2/organizations/count`: how many organizations there are, roughly.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn organization_count(&mut self) -> Result<u64, CallError> {
        let what = "count organizations";
        let CountReply {
            count: Count { value },
        } = self.get(what, "/api/v2/organizations/count").await?;
        Ok(value)
    }

    /// `GET /api/v2/job_statuses`: proves that bulk jobs may be read, which a granular scope does
    /// not allow.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn list_job_statuses(&mut self) -> Result<(), CallError> {
        let _: IgnoredAny = self
            .get("list job statuses", "/api/v2/job_statuses")
            .await?;
        Ok(())
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &mut self,
        what: &str,
        path: &str,
    ) -> Result<T, CallError> {
        let request = self.request(Method::GET, self.url(path));
        self.send(what, Call::Repeatable, request).await
    }
}
