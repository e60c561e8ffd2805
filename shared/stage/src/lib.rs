#![doc = env!("CARGO_PKG_DESCRIPTION")]

pub mod clock;
pub mod deadline;
pub mod events;
pub mod loader;
pub mod logs;
pub mod metrics;
pub mod recall;
pub mod secrets;
pub mod serve;
pub mod settings;
pub mod store;
pub mod way_out;
