//! Stand-ins for Salesforce and Zendesk, believable data, and the pipeline in one process: for the
//! tests and the demo.
//!
//! - [`standins`]: Salesforce and two Zendesk instances on loopback, stateful, with faults.
//! - [`clock`]: the time of a test, which it moves.
//! - [`in_process`]: the four handlers in the state machine's order.
//! - [`memory_store`]: documents in memory, with writes at which the process dies.
//! - [`simulated_hours`]: hours of changes and faults, for the chaos test.
//! - [`sync_file`]: the mapping, as the product has it and as others would.
//! - [`known_runs`]: runs whose reports are known word for word.

pub mod clock;
pub mod in_process;
pub mod known_runs;
pub mod memory_store;
pub mod simulated_hours;
pub mod standins;
pub mod sync_file;
