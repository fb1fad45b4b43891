//! The gateway that Salesforce posts outbound messages to.
//!
//! It speaks HTTP and SOAP in front and the core's generated client behind,
//! and keeps no state.

mod admission;
mod arrival;
mod body;
mod config;
mod core_client;
mod core_service;
pub mod encoding;
mod endpoint;
mod fault;
mod gateway;
pub mod mapping;
mod media_type;
mod metrics;
pub mod parameters;
mod rate;
mod request_id;
mod route;
mod server;
mod shares;
pub mod soap;
mod wsdl;

pub use config::{GatewayConfig, InstallationMode, InvalidInstallationMode};
pub use core_service::{CoreService, InvalidCoreService};
pub use endpoint::Endpoint;
pub use gateway::{Gateway, StartError, bind};
