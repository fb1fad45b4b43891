//! What Salesforce's errors mean: one table.
//!
//! The set of codes is open. A code that is not here is [`Unknown`], which
//! callers take for permanent after a few tries, and it is kept as it came.
//!
//! [`Unknown`]: ErrorClass::Unknown

use http::StatusCode;

use crate::client::CallKind;
use crate::error::{ErrorClass, Words};

/// A code, and what it means for one record and for a whole call.
struct Known {
    code: &'static str,
    of_row: ErrorClass,
    of_call: ErrorClass,
}

const fn both(code: &'static str, class: ErrorClass) -> Known {
    Known {
        code,
        of_row: class,
        of_call: class,
    }
}

/// What stops one record may, for all of a call, be a setting.
const fn row_or_connection(code: &'static str, of_row: ErrorClass) -> Known {
    Known {
        code,
        of_row,
        of_call: ErrorClass::Connection,
    }
}

const KNOWN: &[Known] = &[
    both("UNABLE_TO_LOCK_ROW", ErrorClass::Transient),
    both("SERVER_UNAVAILABLE", ErrorClass::Transient),
    both("REQUEST_RUNNING_TOO_LONG", ErrorClass::Transient),
    both("QUERY_TIMEOUT", ErrorClass::Transient),
    both("INVALID_QUERY_LOCATOR", ErrorClass::Transient),
    both("LOGIN_RATE_EXCEEDED", ErrorClass::Transient),
    both("UNKNOWN_EXCEPTION", ErrorClass::Unknown),
    // They come with another record's cause.
    both("PROCESSING_HALTED", ErrorClass::Unknown),
    both("ALL_OR_NONE_OPERATION_ROLLED_BACK", ErrorClass::Unknown),
    both("REQUEST_LIMIT_EXCEEDED", ErrorClass::Quota),
    both("INVALID_SESSION_ID", ErrorClass::Connection),
    both("API_DISABLED_FOR_ORG", ErrorClass::Connection),
    both("API_CURRENTLY_DISABLED", ErrorClass::Connection),
    both("URL_NOT_RESET", ErrorClass::Connection),
    row_or_connection("INSUFFICIENT_ACCESS", ErrorClass::Data),
    row_or_connection("INSUFFICIENT_ACCESS_OR_READONLY", ErrorClass::Data),
    row_or_connection(
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        ErrorClass::Data,
    ),
    // The user does not see Leads.
    row_or_connection("INVALID_TYPE", ErrorClass::Data),
    row_or_connection("NOT_FOUND", ErrorClass::RecordGone),
    both("ENTITY_IS_DELETED", ErrorClass::RecordGone),
    both("INVALID_CROSS_REFERENCE_KEY", ErrorClass::RecordGone),
    both("CANNOT_UPDATE_CONVERTED_LEAD", ErrorClass::RecordConverted),
    both("INVALID_FIELD", ErrorClass::Field),
    both("INVALID_FIELD_FOR_INSERT_UPDATE", ErrorClass::Field),
    both("INVALID_TYPE_ON_FIELD_IN_RECORD", ErrorClass::Field),
    both("STRING_TOO_LONG", ErrorClass::Field),
    both("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ErrorClass::Field),
    both("NUMBER_OUTSIDE_VALID_RANGE", ErrorClass::Field),
    both("INVALID_EMAIL_ADDRESS", ErrorClass::Field),
    both("FIELD_INTEGRITY_EXCEPTION", ErrorClass::Field),
    both("JSON_PARSER_ERROR", ErrorClass::Data),
    both("MALFORMED_ID", ErrorClass::Data),
    both("REQUIRED_FIELD_MISSING", ErrorClass::Data),
    both("FIELD_CUSTOM_VALIDATION_EXCEPTION", ErrorClass::Data),
    both("DUPLICATES_DETECTED", ErrorClass::Data),
    both("DUPLICATE_VALUE", ErrorClass::Data),
    both("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", ErrorClass::Data),
    both("CANNOT_EXECUTE_FLOW_TRIGGER", ErrorClass::Data),
    both("APEX_ERROR", ErrorClass::Data),
];

/// The customer's own automation failed. When it failed on a lock, it is no
/// fault of the automation.
const AUTOMATION: [&str; 3] = [
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "APEX_ERROR",
];
const LOCKED: [&str; 2] = ["UNABLE_TO_LOCK_ROW", "exclusive access"];

/// Of the errors of a log-in, those that pass. All others are for somebody to
/// mend.
const PASSING_LOG_IN: [&str; 4] = [
    "temporarily_unavailable",
    "server_error",
    "unknown_error",
    "rate_limit_exceeded",
];

/// What it means that one record of a call was refused.
pub(crate) fn of_row(words: &Words) -> ErrorClass {
    match find(&words.code) {
        None => ErrorClass::Unknown,
        Some(known) => settled(known.of_row, words),
    }
}

/// What it means that all of a call was refused.
pub(crate) fn of_call(call: CallKind, status: StatusCode, words: &Words) -> ErrorClass {
    if call == CallKind::LogIn {
        return of_log_in(status, words);
    }
    match find(&words.code) {
        Some(known) => settled(known.of_call, words),
        None => of_status(status),
    }
}

fn of_log_in(status: StatusCode, words: &Words) -> ErrorClass {
    let passes = PASSING_LOG_IN.contains(&words.code.as_str())
        || words.message.contains("login rate exceeded")
        || of_status(status) == ErrorClass::Transient;
    if passes {
        ErrorClass::Transient
    } else {
        ErrorClass::Connection
    }
}

/// What a status means where nothing else is known: such a body comes from what
/// stands in front of Salesforce.
pub(crate) fn of_status(status: StatusCode) -> ErrorClass {
    match status.as_u16() {
        408 | 412 | 420 | 425 | 429 | 500..=599 => ErrorClass::Transient,
        // Nobody is there, or nobody who lets us in.
        300..=399 | 401 | 403 | 404 | 407 | 421 => ErrorClass::Connection,
        _ => ErrorClass::Unknown,
    }
}

/// The fields that an error is about. An unknown one is named in the text only.
pub(crate) fn fields(words: &Words) -> Vec<String> {
    const NAMING: [&str; 2] = ["No such column '", "No such column \""];

    if !words.fields.is_empty() || find(&words.code).is_none_or(|known| !known.is_of_field()) {
        return words.fields.clone();
    }
    let named = NAMING.iter().find_map(|before| {
        let (_, rest) = words.message.split_once(before)?;
        let (name, _) = rest.split_once(['\'', '"'])?;
        Some(name.to_owned())
    });
    named.into_iter().collect()
}

/// An error of fields that names none is one of the data.
fn settled(class: ErrorClass, words: &Words) -> ErrorClass {
    let is_locked = AUTOMATION.contains(&words.code.as_str())
        && LOCKED.iter().any(|lock| words.message.contains(lock));
    if is_locked {
        return ErrorClass::Transient;
    }
    if class == ErrorClass::Field && fields(words).is_empty() {
        return ErrorClass::Data;
    }
    class
}

fn find(code: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.code == code)
}

impl Known {
    fn is_of_field(&self) -> bool {
        self.of_row == ErrorClass::Field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(code: &str, message: &str, fields: &[&str]) -> Words {
        Words {
            code: code.to_owned(),
            message: message.to_owned(),
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
        }
    }

    #[track_caller]
    fn row(code: &str, message: &str, fields: &[&str], expected: ErrorClass) {
        assert_eq!(of_row(&words(code, message, fields)), expected, "{code}");
    }

    #[track_caller]
    fn call(code: &str, status: u16, expected: ErrorClass) {
        let status = StatusCode::from_u16(status).unwrap();
        let class = of_call(CallKind::Query, status, &words(code, "", &["F__c"]));
        assert_eq!(class, expected, "{code} {status}");
    }

    #[track_caller]
    fn log_in(code: &str, message: &str, status: u16, expected: ErrorClass) {
        let status = StatusCode::from_u16(status).unwrap();
        let class = of_call(CallKind::LogIn, status, &words(code, message, &[]));
        assert_eq!(class, expected, "{code} {status}");
    }

    #[test]
    fn a_code_stands_in_the_table_once() {
        for (place, known) in KNOWN.iter().enumerate() {
            assert_eq!(
                KNOWN.iter().position(|other| other.code == known.code),
                Some(place)
            );
        }
    }

    #[test]
    fn a_lock_passes_also_inside_the_customers_automation() {
        row("UNABLE_TO_LOCK_ROW", "", &[], ErrorClass::Transient);
        for code in AUTOMATION {
            row(
                code,
                "caused by: System.NullPointerException",
                &[],
                ErrorClass::Data,
            );
            let locked = "process failed: unable to obtain exclusive access to this record";
            row(code, locked, &[], ErrorClass::Transient);
            row(
                code,
                "UNABLE_TO_LOCK_ROW, again",
                &[],
                ErrorClass::Transient,
            );
        }
        let rule = "exclusive access needs a manager";
        row(
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            rule,
            &[],
            ErrorClass::Data,
        );
    }

    #[test]
    fn what_is_gone_or_converted_is_told_apart() {
        row("ENTITY_IS_DELETED", "", &[], ErrorClass::RecordGone);
        row("NOT_FOUND", "", &[], ErrorClass::RecordGone);
        row(
            "INVALID_CROSS_REFERENCE_KEY",
            "",
            &[],
            ErrorClass::RecordGone,
        );
        row(
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "",
            &[],
            ErrorClass::RecordConverted,
        );
    }

    #[test]
    fn an_error_of_fields_names_them() {
        row("STRING_TOO_LONG", "", &["A__c"], ErrorClass::Field);
        row("STRING_TOO_LONG", "", &[], ErrorClass::Data);
        let unknown = "\nERROR at Row:1:Column:12\nNo such column 'A__c' on entity 'Lead'. If you";
        row("INVALID_FIELD", unknown, &[], ErrorClass::Field);
        assert_eq!(fields(&words("INVALID_FIELD", unknown, &[])), ["A__c"]);
        assert_eq!(fields(&words("DUPLICATE_VALUE", unknown, &[])), [""; 0]);
    }

    #[test]
    fn what_stops_a_record_may_be_a_setting_for_a_whole_call() {
        row("INSUFFICIENT_ACCESS_OR_READONLY", "", &[], ErrorClass::Data);
        call(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            403,
            ErrorClass::Connection,
        );
        call("NOT_FOUND", 404, ErrorClass::Connection);
        call("API_DISABLED_FOR_ORG", 403, ErrorClass::Connection);
        call("REQUEST_LIMIT_EXCEEDED", 403, ErrorClass::Quota);
        call("INVALID_FIELD", 400, ErrorClass::Field);
    }

    #[test]
    fn a_code_that_nobody_knows_is_judged_by_its_status() {
        row("NEW_THING", "", &[], ErrorClass::Unknown);
        call("NEW_THING", 400, ErrorClass::Unknown);
        call("NEW_THING", 503, ErrorClass::Transient);
        call("NEW_THING", 403, ErrorClass::Connection);
        call("UNKNOWN_EXCEPTION", 500, ErrorClass::Unknown);
    }

    #[test]
    fn a_log_in_that_is_refused_is_for_somebody_to_mend() {
        log_in(
            "invalid_grant",
            "audience is invalid",
            400,
            ErrorClass::Connection,
        );
        log_in("invalid_client", "", 401, ErrorClass::Connection);
        log_in("brand_new", "", 400, ErrorClass::Connection);
        log_in(
            "invalid_grant",
            "login rate exceeded",
            400,
            ErrorClass::Transient,
        );
        log_in(
            "unknown_error",
            "retry your request",
            400,
            ErrorClass::Transient,
        );
        log_in("invalid_grant", "", 503, ErrorClass::Transient);
        log_in("", "", 429, ErrorClass::Transient);
    }
}
