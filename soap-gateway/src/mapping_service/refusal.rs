//! What the gateway would refuse, as statuses.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::fault::{Fault, Reason};

/// Names the system in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "sfbridge";

/// A refusal of the gateway, in the words of the SOAP fault. `field` is that of
/// the request that is at fault.
pub(super) fn of_fault(field: &str, fault: &Fault) -> Status {
    let code = match fault.reason() {
        Reason::Internal => Code::Internal,
        _ => Code::InvalidArgument,
    };
    let mut metadata = HashMap::new();
    if let Some(parameter) = fault.parameter() {
        metadata.insert("parameter".to_owned(), parameter.to_owned());
    }
    if let Some((line, column)) = fault.position() {
        metadata.insert("line".to_owned(), line.to_string());
        metadata.insert("column".to_owned(), column.to_string());
    }
    let mut details = ErrorDetails::with_error_info(fault.reason().name(), DOMAIN, metadata);
    if code == Code::InvalidArgument {
        details.add_bad_request_violation(field, fault.sentence());
    }
    Status::with_error_details(code, fault.sentence(), details)
}

/// A field of the request breaks a rule; the sentence starts with its name.
pub(super) fn of_field(field: &str, why: &str) -> Status {
    let sentence = format!("{field} {why}");
    let mut details = ErrorDetails::with_error_info("INVALID_REQUEST", DOMAIN, HashMap::new());
    details.add_bad_request_violation(field, &sentence);
    Status::with_error_details(Code::InvalidArgument, sentence, details)
}

/// The fault is ours. What it was is in the log.
pub(super) fn of_defect(cause: &(dyn std::error::Error + 'static)) -> Status {
    tracing::error!(error = cause, "a notification could not be mapped");
    let details = ErrorDetails::with_error_info("INTERNAL", DOMAIN, HashMap::new());
    let message = "the mapping failed; the core's log says why";
    Status::with_error_details(Code::Internal, message, details)
}
