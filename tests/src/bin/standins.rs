//! The stand-ins as a process of their own, for the demo and the end-to-end tests.
//!
//! `standins PORT`: control on PORT, the hosts on the ports after it. It starts with the demo's
//! world and runs until it is ended.

use partner_sync_tests::standins::{Running, demo};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let port: u16 = port.ok_or_else(|| std::io::Error::other("usage: standins PORT"))?;
    let _running = Running::start(demo(), Some(port)).await?;
    tokio::signal::ctrl_c().await
}
