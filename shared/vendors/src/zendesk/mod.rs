//! The Zendesk client: one per instance, one method per endpoint. Source: Zendesk's API reference.

mod auth;
mod client;
mod examine;
mod fields;
mod jobs;
mod listing;
mod organizations;
mod rate_limit;
mod refused;
mod related;
mod times;

pub use crate::http::CallError;
pub use auth::{Credentials, Scope};
pub use client::Client;
pub use examine::Rights;
pub use fields::{UNMAPPED, check_fields, is_there, types_of};
pub use jobs::{Job, JobEnd, RecordResult, Said};
pub use listing::{ListedOrganization, OrganizationsPage, PageBody};
pub use organizations::CreatedOrganization;
