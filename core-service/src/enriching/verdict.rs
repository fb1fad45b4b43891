//! What Salesforce's refusals mean for a job.

use salesforce_client::{Error, ErrorClass};

use crate::domain::{RunResult, SalesforceRefusal};

/// How many times in a row a code that nobody knows is tried.
const TRIES_OF_UNKNOWN: u32 = 3;

/// What an error means for a job that was refused so many times in a row
/// before. `chance`, a random number, spreads retries.
pub(super) fn of_error(error: &Error, refusals: u32, chance: u64) -> RunResult {
    match error.class() {
        ErrorClass::Transient | ErrorClass::Quota => refused(error, chance),
        ErrorClass::Unknown if refusals.saturating_add(1) < TRIES_OF_UNKNOWN => {
            refused(error, chance)
        }
        ErrorClass::Connection => RunResult::NoConnection(error.to_string()),
        ErrorClass::RecordGone
        | ErrorClass::RecordConverted
        | ErrorClass::Field
        | ErrorClass::Data
        | ErrorClass::Unknown => RunResult::Failed(refusal(error)),
    }
}

/// An error after which the job is tried again.
pub(super) fn refused(error: &Error, chance: u64) -> RunResult {
    RunResult::Refused {
        refusal: refusal(error),
        retry_after: error.retry_after(),
        chance,
    }
}

/// The Lead was not among those that were read.
pub(super) fn gone() -> RunResult {
    failed("The Lead was deleted, or Salesforce does not show it to the integration user.")
}

/// The Lead was read, and is converted.
pub(super) fn converted() -> RunResult {
    failed("The Lead was converted, and Salesforce lets nobody change it any more.")
}

/// A failure that is told in our own words.
pub(super) fn failed(description: impl Into<String>) -> RunResult {
    RunResult::Failed(SalesforceRefusal {
        code: String::new(),
        description: description.into(),
    })
}

fn refusal(error: &Error) -> SalesforceRefusal {
    let said = error.message();
    let description = match error.class() {
        ErrorClass::RecordGone => format!(
            "The Lead was deleted, or Salesforce does not show it to the integration user: {said}"
        ),
        ErrorClass::RecordConverted => {
            format!("The Lead was converted, and Salesforce lets nobody change it any more: {said}")
        }
        _ => said.to_owned(),
    };
    SalesforceRefusal {
        code: error.code().unwrap_or_default().to_owned(),
        description,
    }
}
