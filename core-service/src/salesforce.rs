//! The installations' connections to Salesforce: how to log in, and what was
//! learnt about it.
//!
//! Secrets are opened here and nowhere else.

mod config;
mod connections;
pub(crate) mod lead_fields;
mod new_login;
mod sessions;
mod survey;

pub use config::SalesforceConfig;
pub(crate) use connections::{Connections, MappingCheck, Resealed, WhyNoLogin};
pub(crate) use new_login::{GivenFlow, NewLogin};
pub(crate) use survey::NoSurvey;
