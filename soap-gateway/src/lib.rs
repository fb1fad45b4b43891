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
mod endpoint_url;
mod fault;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod gateway;
pub mod mapping;
mod mapping_service;
mod media_type;
mod message_reader;
mod metrics;
pub mod parameters;
mod rate;
mod refusals;
mod request_id;
mod route;
mod sender;
mod server;
mod shares;
pub mod soap;
mod wsdl;

pub use config::{GatewayConfig, InstallationMode, InvalidInstallationMode};
pub use core_service::{CoreService, InvalidCoreService};
pub use endpoint::Endpoint;
pub use endpoint_url::{EndpointUrl, InvalidUrl};
pub use gateway::{Gateway, StartError, bind};
pub use mapping_service::{MappingService, mapping_service};
pub use sender::{AddressHeader, InvalidAddressHeader, SenderConfig};
