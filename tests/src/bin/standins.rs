//! The stand-ins as a process of their own, for the demo and the end-to-end tests.
//!
//! `standins FILE`: each server on a free port of its own; host to address is written to FILE as
//! JSON, `control` included. It starts with the demo's world and runs until it is ended.

use std::io::Error;

use partner_sync_tests::standins::{Running, demo};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let file = std::env::args().nth(1);
    let file = file.ok_or_else(|| Error::other("usage: standins FILE"))?;
    let running = Running::start(demo()).await?;
    // In one step: nobody reads half of it.
    let written = format!("{file}.new");
    std::fs::write(&written, serde_json::to_vec(&running.urls)?)?;
    std::fs::rename(written, file)?;
    tokio::signal::ctrl_c().await
}
