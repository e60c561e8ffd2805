#![doc = env!("CARGO_PKG_DESCRIPTION")]

pub mod http;
mod keys;
mod oauth;
pub mod salesforce;
pub mod zendesk;

#[cfg(test)]
mod for_tests;
