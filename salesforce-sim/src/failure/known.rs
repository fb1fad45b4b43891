//! The errors whose status and text are known.

use http::StatusCode;

/// An error that Salesforce is known to answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) code: &'static str,
    pub(super) status: StatusCode,
    /// `{id}` stands for the record's id.
    pub(super) message: &'static str,
    /// Whether it is about one record of a call.
    pub(super) is_of_record: bool,
}

/// An error of a call as a whole.
const fn call(code: &'static str, status: StatusCode, message: &'static str) -> Known {
    Known {
        code,
        status,
        message,
        is_of_record: false,
    }
}

/// An error of one record.
const fn record(code: &'static str, message: &'static str) -> Known {
    Known {
        code,
        status: StatusCode::BAD_REQUEST,
        message,
        is_of_record: true,
    }
}

const KNOWN: &[Known] = &[
    call(
        "INVALID_SESSION_ID",
        StatusCode::UNAUTHORIZED,
        "Session expired or invalid",
    ),
    call(
        "REQUEST_LIMIT_EXCEEDED",
        StatusCode::FORBIDDEN,
        "TotalRequests Limit exceeded.",
    ),
    call(
        "API_DISABLED_FOR_ORG",
        StatusCode::FORBIDDEN,
        "The REST API is not enabled for this Organization.",
    ),
    call(
        "API_CURRENTLY_DISABLED",
        StatusCode::FORBIDDEN,
        "API is currently disabled for this Organization.",
    ),
    call(
        "SERVER_UNAVAILABLE",
        StatusCode::SERVICE_UNAVAILABLE,
        "We are down for maintenance. Sorry for the inconvenience. We'll be back shortly.",
    ),
    call(
        "UNKNOWN_EXCEPTION",
        StatusCode::INTERNAL_SERVER_ERROR,
        "An unexpected error occurred. Please include this ErrorId if you contact support: \
         1234567890-12345 (-1234567890)",
    ),
    call(
        "REQUEST_RUNNING_TOO_LONG",
        StatusCode::BAD_REQUEST,
        "Your request was running for too long, and has been stopped.",
    ),
    call(
        "QUERY_TIMEOUT",
        StatusCode::BAD_REQUEST,
        "Your query request was running for too long.",
    ),
    call(
        "URL_NOT_RESET",
        StatusCode::BAD_REQUEST,
        "Destination URL not reset. The URL returned from login must be set",
    ),
    call(
        "invalid_grant",
        StatusCode::BAD_REQUEST,
        "user hasn't approved this consumer",
    ),
    call(
        "invalid_client",
        StatusCode::BAD_REQUEST,
        "invalid client credentials",
    ),
    call(
        "invalid_client_id",
        StatusCode::BAD_REQUEST,
        "client identifier invalid",
    ),
    call(
        "invalid_app_access",
        StatusCode::BAD_REQUEST,
        "user is not admin approved to access this app",
    ),
    record(
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access to this record or 1 records: {id}",
    ),
    record("ENTITY_IS_DELETED", "entity is deleted"),
    record(
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "cannot reference converted lead",
    ),
    record(
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "insufficient access rights on object id",
    ),
    record(
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "insufficient access rights on cross-reference id",
    ),
    record("DUPLICATES_DETECTED", "Use one of these records?"),
    record(
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "The phone number must begin with a country code.",
    ),
    record(
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "LeadTrigger: execution of BeforeUpdate\n\ncaused by: System.NullPointerException: \
         Attempt to de-reference a null object\n\nTrigger.LeadTrigger: line 7, column 1",
    ),
    record(
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "We can't save this record because the \u{201c}Lead Routing\u{201d} process failed. Give \
         your Salesforce admin these details. UNABLE_TO_LOCK_ROW: unable to obtain exclusive \
         access to this record",
    ),
    record(
        "APEX_ERROR",
        "Apex trigger LeadTrigger caused an unexpected exception",
    ),
    record("PROCESSING_HALTED", "Processing was halted"),
];

/// The error of a code.
pub(super) fn find(code: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.code == code)
}
