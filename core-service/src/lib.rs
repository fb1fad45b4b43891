//! The core: the gRPC service that owns events, call ratings and lead
//! enrichments.
//!
//! # Layout
//!
//! - [`domain`]: what the core knows about, in its own words.
//! - [`recording`]: what is to be written for each item of a batch.
//! - [`store`]: where everything is kept.

mod clock;
mod metrics;

pub mod domain;
pub mod recording;
pub mod store;
