#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod control;
mod demo_key;
mod description;
mod failure;
mod http;
mod id;
mod oauth;
mod org;
mod outbound;
mod refusal;
mod rest;
mod schema;
mod sim;
mod soql;
mod state;
mod value;

pub use config::SimConfig;
pub use demo_key::{DemoKey, InvalidKey};
pub use description::{App, InvalidDataFile, MadeUp, OrgDescription, Organization, User};
pub use failure::{Dropped, Failure, InvalidFailure, Operation};
pub use org::InvalidOrg;
pub use outbound::{
    DefinitionDescription, InvalidDefinition, OutboundSettings, RetrySchedule, SoapAnswer, Trigger,
};
pub use schema::{CustomField, CustomType, InvalidField, ObjectType};
pub use sim::{Handle, OutboundCounts, Refused, Sim, StartError, bind};
