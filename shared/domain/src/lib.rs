#![doc = env!("CARGO_PKG_DESCRIPTION")]
//!
//! "Contract" in a comment is `docs/CONTRACT.md`, which has the names, shapes, order and numbers.

pub mod error;
pub mod json;
pub mod mask;
pub mod model;
pub mod plan;

pub use error::{Error, Result};

/// The version of the program, in reports and in the user agent of every call.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
