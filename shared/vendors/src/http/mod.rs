//! One transport for both vendors: retry policy, time-outs, no redirects, nothing secret in an
//! error.

mod base_url;
mod broken;
mod call_error;
mod connections;
pub mod meter;
mod reply;
pub mod retry;
mod transport;
mod wire;

pub use base_url::{base_url, host_of, is_loopback};
pub use call_error::CallError;
#[cfg(test)]
pub(crate) use connections::CONNECT;
pub use meter::Meter;
pub use reply::{Answer, Reply, as_json};
pub use retry::Call;
pub use transport::Http;
pub use wire::Wire;
