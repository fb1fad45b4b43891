//! The core: the gRPC service that owns events, call ratings and lead
//! enrichments.
//!
//! # Layout
//!
//! - [`domain`]: what the core knows about, in its own words.
//! - [`recording`]: what is to be written for each item of a batch.
//! - `salesforce`: the installations' connections to Salesforce.
//! - [`sealing`]: secrets that are kept sealed.
//! - [`store`]: where everything is kept.
//! - `enriching`: the work that writes into Salesforce.
//! - `expiring`: the work that deletes what was kept long enough.
//! - `grpc`: the contract's messages in, the domain's types out.
//! - [`bind`] and [`Core`]: the life of the process.

mod clock;
mod config;
mod core;
pub mod domain;
mod enriching;
mod error;
mod expiring;
mod grpc;
mod metrics;
pub mod offline;
pub mod recording;
mod salesforce;
pub mod sealing;
pub mod store;

pub use config::{CoreConfig, InstallationMode};
pub use core::{Core, CoreHealth, RunError, StartError, bind};
pub use enriching::EnrichingConfig;
pub use expiring::ExpiringConfig;
#[cfg(any(test, feature = "fuzzing"))]
pub use grpc::fuzzing;
pub use grpc::{Recorder, built_in_attribution_models, check};
pub use metrics::StoreMetrics;
pub use salesforce::SalesforceConfig;
pub use store::{InvalidStoreUrl, PostgresConfig, StoreConfig, StoreError};
