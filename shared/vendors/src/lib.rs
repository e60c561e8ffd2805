#![doc = env!("CARGO_PKG_DESCRIPTION")]

pub mod http;
mod keys;
pub mod salesforce;
pub mod zendesk;
