//! Stand-ins for Salesforce and Zendesk, believable data, and the pipeline in one process: for the tests and the demo.

#![expect(clippy::indexing_slicing, reason = "JSON values answer a missing key with null")]

pub mod chaos;
pub mod pipeline;
pub mod standins;
pub mod store;
