//! One transport for both vendors: retry policy, time-outs, no redirects, nothing secret in an
//! error.

mod base_url;
mod call_error;
pub mod meter;
mod reply;
pub mod retry;
mod transport;
mod wire;

pub use base_url::{base_url, host_of, is_loopback};
pub use call_error::CallError;
pub use meter::Meter;
pub use reply::{Answer, Reply, as_json};
pub use retry::Call;
pub use transport::Http;
pub use wire::Wire;
