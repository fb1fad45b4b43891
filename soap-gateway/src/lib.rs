//! The gateway that Salesforce posts outbound messages to.
//!
//! It speaks HTTP and SOAP in front and the core's generated client behind,
//! and keeps no state.

pub mod encoding;
mod endpoint;
pub mod mapping;
pub mod parameters;
pub mod soap;

pub use endpoint::Endpoint;
