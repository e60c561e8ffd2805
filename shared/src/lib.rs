//! The library of partner-sync: everything the four Lambdas share.
//!
//! # Layout
//! Dependencies go one way: `model` <- `plan`; `http` <- clients; functions on top.
//!
//! - [`model`]: accounts, organizations, the mapping table, the documents in S3. Pure.
//! - [`plan`]: what has to change, and whether that may be applied unseen. Pure.
//! - [`error`]: the closed list of error names the state machine reacts to.
//! - [`config`]: environment variables to typed settings.
//! - [`deadline`]: how long an invocation may still work.
//! - [`lambda`]: the stages' inputs and outputs, and the only other code that knows Lambda.
//! - [`store`]: documents in S3, or in memory for tests.
//! - [`secrets`]: the operator's credentials.
//! - `http` (feature `clients`): one transport with retry policy, deadline and redaction.
//! - `salesforce`, `zendesk` (feature `clients`): one client each, wire types beside it.
//! - [`telemetry`]: metrics, by name.
//! - [`report`]: what a person reads after a run.

#[cfg(feature = "aws")]
pub mod aws;
pub mod config;
pub mod deadline;
pub mod error;
#[cfg(feature = "clients")]
pub mod http;
pub mod lambda;
pub mod model;
pub mod plan;
pub mod report;
#[cfg(feature = "clients")]
pub mod salesforce;
pub mod secrets;
pub mod store;
pub mod telemetry;
#[cfg(feature = "clients")]
pub mod zendesk;

pub use error::{Error, Result};
