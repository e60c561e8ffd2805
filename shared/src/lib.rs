//! The library of partner-sync: what the four Lambdas share.
//!
//! "Contract" in a comment is `docs/CONTRACT.md`, which has the names, shapes, order and numbers.
//!
//! # Layout
//! Dependencies go one way, from the bottom of this list to its top; the functions stand above all.
//!
//! - [`error`]: the closed list of error names the state machine reacts to.
//! - [`mask`]: e-mail addresses, masked.
//! - [`model`]: what a partner is, and what a run is. Pure.
//! - [`plan`]: what has to change, and whether that may be applied unseen. Pure.
//! - [`report`]: what a person reads after a run. Pure.
//! - [`lambda`]: what the state machine passes to the stages and gets back.
//! - [`config`]: environment variables to typed settings.
//! - [`deadline`]: how long an invocation may still work.
//! - [`telemetry`]: metrics, by name.
//! - [`store`]: documents by key, in S3 or in memory.
//! - [`secrets`]: the operator's credentials.
//! - [`serve`]: the frame of every Lambda, which catches panics.
//! - [`planned`]: the one way to load a stored plan, verified.
//! - [`recall`]: what a run reads of the runs before it.
//! - [`way_out`]: the one place where a run ends.
//! - `tls` (features `aws` and `clients`): one TLS configuration for every connection.
//! - `http` (feature `clients`): one transport with retry policy, deadline and redaction.
//! - `salesforce`, `zendesk` (feature `clients`): one client each, wire types beside it.
//! - `aws` (features `aws` and `secrets`): S3 and Secrets Manager behind [`store`] and [`secrets`].

#[cfg(feature = "aws")]
pub mod aws;
pub mod config;
pub mod deadline;
pub mod error;
#[cfg(feature = "clients")]
pub mod http;
pub mod lambda;
pub mod mask;
pub mod model;
pub mod plan;
pub mod planned;
pub mod recall;
pub mod report;
#[cfg(feature = "clients")]
pub mod salesforce;
pub mod secrets;
pub mod serve;
pub mod store;
pub mod telemetry;
#[cfg(feature = "tls")]
pub mod tls;
pub mod way_out;
#[cfg(feature = "clients")]
pub mod zendesk;

pub use error::{Error, Result};

/// The version of the program, in reports and in the user agent of every call.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
