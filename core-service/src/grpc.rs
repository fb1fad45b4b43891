//! The gRPC edge: the contract's messages in, the domain's types out.
//!
//! Each service has a file for its RPCs and one for its messages. What a
//! failure looks like to a caller is decided in [`status`] alone.

mod access_service;
mod attribution_model_message;
mod batch;
mod call_message;
mod call_rating_message;
mod call_rating_service;
mod call_service;
mod caller;
pub mod check;
mod connection;
mod cursor;
mod event_message;
mod event_service;
mod event_stream;
mod frames;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod import;
mod installation_message;
mod installation_service;
mod lead_enrichment_message;
mod lead_enrichment_service;
mod limits;
mod notification_message;
mod page;
mod preview_message;
mod quarantine_service;
mod recorder;
mod refused_message;
mod routes;
mod salesforce_message;
mod secret;
mod status;
mod time;
mod url_token_message;
mod visit_message;
mod visit_service;

pub use attribution_model_message::built_in_attribution_models;
pub(crate) use caller::{Caller, KeyRing, make as make_key};
pub(crate) use connection::{ActivityLayer, CoreConnection};
pub(crate) use limits::LimitsLayer;
pub use recorder::Recorder;
pub(crate) use routes::{Services, add_reflection, service_names};
pub(crate) use status::ExplainLayer;

use sfbridge_values::{CallRef, Igrp, VisitorId};
use uuid::Uuid;

use crate::domain::Role;
use crate::error::Error;

/// Reads the id of a record.
fn record_id(field: &str, text: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(text.trim()).map_err(|_| Error::invalid(field, "is not the id of a record"))
}

/// Reads the installation of a request, once the caller may touch it.
fn installation(caller: &Caller, role: Role, igrp: i64) -> Result<Igrp, Error> {
    caller.require(role)?;
    let igrp = Igrp::new(igrp).map_err(|invalid| Error::invalid("igrp", invalid))?;
    caller.require_for(role, igrp)?;
    Ok(igrp)
}

/// Reads the installation of a list, which is required.
fn listed_installation(caller: &Caller, igrp: i64) -> Result<Igrp, Error> {
    installation(caller, Role::Read, igrp)
}

/// Reads a call reference that is required.
fn required_call_ref(text: &str) -> Result<String, Error> {
    let call_ref = CallRef::parse(text).map_err(|invalid| Error::invalid("call_ref", invalid))?;
    Ok(call_ref.as_str().to_owned())
}

/// Reads a visitor to filter by.
fn visitor_filter(text: &str) -> Result<Option<VisitorId>, Error> {
    filter("visitor_id", text, VisitorId::parse)
}

/// Reads a call to filter by.
fn call_filter(text: &str) -> Result<Option<CallRef>, Error> {
    filter("call_ref", text, CallRef::parse)
}

fn filter<T, E: std::fmt::Display>(
    field: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Error> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    parse(text)
        .map(Some)
        .map_err(|invalid| Error::invalid(field, invalid))
}

/// A text to filter by, unless it is empty.
fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
