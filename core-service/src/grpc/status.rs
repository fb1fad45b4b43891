//! What each failure looks like to a gRPC caller.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};

use crate::error::Error;
use crate::store::StoreError;

/// Names the system in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "sfbridge";

/// An error travels in HTTP/2 headers, and clients refuse those that are large:
/// the most violations that it names, and the most characters of its message.
const MAX_VIOLATIONS: usize = 20;
const MAX_MESSAGE_CHARS: usize = 1_000;

impl From<Error> for Status {
    /// Tells the caller what to do next, and logs the cause of what is ours.
    fn from(error: Error) -> Self {
        // Every variant is named: a new one must be decided here.
        let (code, reason) = match &error {
            Error::Invalid(_) => (Code::InvalidArgument, "INVALID_REQUEST"),
            Error::NotFound { .. } => (Code::NotFound, "NOT_FOUND"),
            Error::InstallationExists(_) => (Code::AlreadyExists, "INSTALLATION_EXISTS"),
            Error::InstallationHasRecords(_) => {
                (Code::FailedPrecondition, "INSTALLATION_HAS_RECORDS")
            }
            Error::AttributionModelInUse(_) => {
                (Code::FailedPrecondition, "ATTRIBUTION_MODEL_IN_USE")
            }
            Error::LastMasterKey => (Code::FailedPrecondition, "LAST_ADMIN_KEY"),
            Error::TooManyUrlTokens => (Code::FailedPrecondition, "TOO_MANY_URL_TOKENS"),
            Error::OtherEnrichmentOpen(_) => {
                (Code::FailedPrecondition, "OTHER_LEAD_ENRICHMENT_OPEN")
            }
            Error::EnrichmentEnded(_) => (Code::FailedPrecondition, "LEAD_ENRICHMENT_ENDED"),
            Error::TooManyImports => (Code::ResourceExhausted, "TOO_MANY_IMPORTS"),
            Error::SilentImport => (Code::DeadlineExceeded, "SILENT_IMPORT"),
            Error::TooManyStreams => (Code::ResourceExhausted, "TOO_MANY_STREAMS"),
            Error::StreamDeadline => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            Error::LostCursor => (Code::FailedPrecondition, "CURSOR_LOST"),
            Error::NoLogin(_) => (Code::FailedPrecondition, "NO_SALESFORCE_LOGIN"),
            Error::Sealing(_) => (Code::Internal, "SEALING_FAILED"),
            Error::Unauthenticated => (Code::Unauthenticated, "API_KEY_NEEDED"),
            Error::PermissionDenied(_) => (Code::PermissionDenied, "NOT_ALLOWED"),
            Error::Store(StoreError::Overloaded) => (Code::ResourceExhausted, "OVERLOADED"),
            Error::Store(StoreError::Full(_)) => (Code::Unavailable, "STORE_FULL"),
            Error::Store(StoreError::Failed(_)) => (Code::Unavailable, "STORE_FAILED"),
            Error::Store(StoreError::Unreachable(_)) => (Code::Unavailable, "STORE_UNREACHABLE"),
            Error::Store(StoreError::Contended(_)) => (Code::Unavailable, "CONTENDED"),
            Error::Store(StoreError::Closed) => (Code::Unavailable, "SHUTTING_DOWN"),
            Error::Store(
                StoreError::Refused(_)
                | StoreError::Defect
                | StoreError::Unreadable { .. }
                | StoreError::InUse { .. }
                | StoreError::Open { .. }
                | StoreError::Connect { .. }
                | StoreError::TooOld { .. }
                | StoreError::TooNew { .. }
                | StoreError::HalfMoved { .. }
                | StoreError::Encoding { .. }
                | StoreError::Migrate(_),
            ) => (Code::Internal, "STORE_ERROR"),
        };

        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
        if let Some(delay) = error.retry_after() {
            details.set_retry_info(Some(later(delay)));
        }
        let mut message = error.to_string();
        if let Error::Invalid(violations) = &error {
            let named = &violations[..violations.len().min(MAX_VIOLATIONS)];
            for violation in named {
                details.add_bad_request_violation(&violation.field, &violation.description);
            }
            let sentences: Vec<_> = named.iter().map(|v| v.description.as_str()).collect();
            message = sentences.join("; ");
        }
        if code == Code::Internal {
            // The cause is for the operator; the caller learns that it is ours.
            tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
            "the core failed; its log says why".clone_into(&mut message);
        }

        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
            message.truncate(end);
            message.push('…');
        }

        let mut status = Self::with_error_details(code, message, details);
        status.set_source(Arc::new(error));
        status
    }
}

/// A time up to half as long again, so that those who are refused at one
/// moment do not all come back at one.
fn later(delay: Duration) -> Duration {
    delay.mul_f64(rand::random_range(1.0..1.5))
}

/// Gives errors that the framework makes (an unknown method, a message too
/// large) the details that our own have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExplainLayer;

impl<S> Layer<S> for ExplainLayer {
    type Service = Explain<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Explain { inner }
    }
}

/// See [`ExplainLayer`].
#[derive(Clone, Debug)]
pub(crate) struct Explain<S> {
    inner: S,
}

impl<S, Request, Body> Service<Request> for Explain<S>
where
    S: Service<Request, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<
        Box<dyn Future<Output = Result<http::Response<Body>, S::Error>> + Send + 'static>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            explain(response.headers_mut());
            Ok(response)
        })
    }
}

fn explain(headers: &mut http::HeaderMap) {
    if headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return;
    }
    let Some(status) = Status::from_header_map(headers) else {
        return;
    };
    if status.code() == Code::Ok {
        return;
    }
    // What can't be written stays as the framework made it.
    let _ = explained(&status).add_header(headers);
}

/// An error of the framework with the details that our own have.
pub(super) fn explained(status: &Status) -> Status {
    let reason = match status.code() {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_REQUEST",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "NOT_ALLOWED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "MESSAGE_TOO_LARGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "API_KEY_NEEDED",
    };
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    if matches!(status.code(), Code::ResourceExhausted | Code::Unavailable) {
        details.set_retry_info(Some(Duration::from_secs(1)));
    }
    let message = match status.message() {
        "" => "there is no such method; server reflection lists those that there are",
        message => message,
    };
    Status::with_error_details(status.code(), message, details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Violation;

    #[track_caller]
    fn check(error: Error, code: Code, message: &str) {
        let status = Status::from(error);
        assert_eq!((status.code(), status.message()), (code, message));
        assert!(status.get_error_details().error_info().is_some());
    }

    #[test]
    fn every_error_says_what_to_do_next() {
        check(
            Error::invalid("igrp", "is missing"),
            Code::InvalidArgument,
            "igrp is missing",
        );
        check(
            Error::NotFound {
                kind: "event",
                id: "1".to_owned(),
            },
            Code::NotFound,
            "there is no event 1",
        );
        check(
            Error::Store(StoreError::Overloaded),
            Code::ResourceExhausted,
            "the store has more work queued than it can do now",
        );
    }

    #[test]
    fn a_full_or_failed_store_invites_a_retry_and_an_invalid_request_does_not() {
        let full = Status::from(Error::Store(StoreError::Failed("disk".to_owned())));
        assert_eq!(full.code(), Code::Unavailable);
        assert!(full.get_error_details().retry_info().is_some());
        let violation = Violation {
            field: "a".to_owned(),
            description: "b".to_owned(),
        };
        let invalid = Status::from(Error::Invalid(vec![violation]));
        assert!(invalid.get_error_details().retry_info().is_none());
        let violations = invalid
            .get_error_details()
            .bad_request()
            .unwrap()
            .field_violations
            .len();
        assert_eq!(violations, 1);
    }

    #[test]
    fn those_who_are_refused_come_back_at_several_moments() {
        let delay = || {
            let status = Status::from(Error::Store(StoreError::Overloaded));
            let details = status.get_error_details();
            details.retry_info().unwrap().retry_delay.unwrap()
        };
        let mut delays: Vec<_> = (0..20).map(|_| delay()).collect();
        delays.sort_unstable();
        delays.dedup();
        assert!(delays.len() > 1);
        let bounds = Duration::from_secs(1)..Duration::from_millis(1_500);
        assert!(delays.iter().all(|delay| bounds.contains(delay)));
    }

    #[test]
    fn errors_of_the_framework_get_details_too() {
        let mut headers = http::HeaderMap::new();
        Status::unimplemented("no such method")
            .add_header(&mut headers)
            .unwrap();
        explain(&mut headers);
        let status = Status::from_header_map(&headers).unwrap();
        assert_eq!(status.code(), Code::Unimplemented);
        assert_eq!(
            status.get_error_details().error_info().unwrap().reason,
            "UNIMPLEMENTED"
        );
    }
}
