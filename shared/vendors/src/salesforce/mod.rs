//! The Salesforce client: one token, one query with its pages, one question about former accounts.
//! Source: Salesforce's REST and OAuth documentation.

mod auth;
mod client;
mod examine;
mod former;
mod jwt;
mod query;
mod refused;

pub use auth::Credentials;
pub use client::{Client, QUERY_TIMEOUT, TOKEN_TIMEOUT};
pub use examine::{DescribedField, check_columns};
