//! Refusals of the core, in words.

use std::fmt;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::tls::doubt;
use crate::failure::Failure;
use crate::output::printable;

/// The core refused a request, or could not be asked.
///
/// Its text says what happened, the details, and what to do next.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Status);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(status) = self;
        let message = if status.message().is_empty() {
            status.code().description()
        } else {
            status.message()
        };
        write!(f, "{}", printable(message))?;
        let details = status.get_error_details();
        if let Some(bad_request) = details.bad_request() {
            for violation in &bad_request.field_violations {
                let (field, description) = (&violation.field, &violation.description);
                if description == message {
                    // One violation is the whole message already.
                } else if description.starts_with(field.as_str()) {
                    write!(f, "\n  {}", printable(description))?;
                } else {
                    write!(f, "\n  {}: {}", printable(field), printable(description))?;
                }
            }
        }
        if let Some(doubt) = doubt(status) {
            write!(f, "\n  {doubt}")?;
        } else if let Some(next) = next_step(status.code()) {
            write!(f, "\n  {next}")?;
        }
        let delay = details.retry_info().and_then(|info| info.retry_delay);
        if let Some(delay) = delay {
            write!(
                f,
                "\n  The core asks to wait for {} s.",
                delay.as_secs_f64()
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Failed(anyhow::Error::new(refused))
    }
}

/// What to do about a code, where the message alone may not say it.
fn next_step(code: Code) -> Option<&'static str> {
    match code {
        Code::Unauthenticated => Some(
            "Give an API key with SFBRIDGE_CORE_API_KEY_FILE or SFBRIDGE_CORE_API_KEY; \
             `sfbridge keys create --offline` makes one when all are lost.",
        ),
        Code::PermissionDenied => {
            Some("Use an API key that has the role and the installation for this.")
        }
        Code::Unavailable | Code::ResourceExhausted => {
            Some("Nothing may have been changed; try again in a moment.")
        }
        Code::DeadlineExceeded => Some("The core did not answer in time; see its log."),
        Code::Unimplemented => {
            Some("The core is of another release than this program; use the same one.")
        }
        Code::Internal | Code::Unknown | Code::DataLoss => Some("The core's log says more."),
        Code::InvalidArgument | Code::OutOfRange => Some("Mend what is named and try again."),
        Code::Aborted => Some("Try again."),
        // What is not there, is there already or is in the way is said by the
        // message.
        Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Cancelled
        | Code::Ok => None,
    }
}

/// Whether another stream may do better than one that ended so.
pub(crate) fn is_passing(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::DeadlineExceeded
        | Code::Cancelled
        | Code::Aborted => true,
        // A connection that broke; the core's own failures come without a cause.
        Code::Unknown | Code::Internal => std::error::Error::source(status).is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_refusal_says_what_happened_the_details_and_what_to_do_next() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("installation.currency", "is not an ISO 4217 code");
        let status = Status::with_error_details(
            Code::InvalidArgument,
            "the installation is not valid",
            details,
        );
        assert_eq!(
            Refused(status).to_string(),
            "the installation is not valid\n  \
             installation.currency: is not an ISO 4217 code\n  \
             Mend what is named and try again."
        );
    }

    #[test]
    fn what_the_core_says_is_not_obeyed_by_the_terminal() {
        let text = Refused(Status::not_found("no \u{1b}[2J")).to_string();
        assert_eq!(text, "no \\u{1b}[2J");
    }
}
