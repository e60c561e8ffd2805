//! Stand-ins for Salesforce and Zendesk, believable data, and the pipeline in one process: for the
//! tests and the demo.

pub mod chaos;
pub mod pipeline;
pub mod reports;
pub mod standins;
pub mod store;
