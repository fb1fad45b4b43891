//! Why a message was refused, and how that is said.

use std::time::Duration;

use http::StatusCode;
use sfbridge_values::OrganizationId;

use crate::core_client::CoreFailure;
use crate::soap::FaultCode;

/// A refusal: one answer that is not an acknowledgement.
#[derive(Debug)]
pub(crate) struct Fault {
    reason: Reason,
    sentence: String,
    parameter: Option<Box<str>>,
    position: Option<(u64, u64)>,
    retry_after: Option<Duration>,
    limit: Option<Limit>,
    cause: Option<String>,
    organization_id: Option<Box<OrganizationId>>,
}

/// The limits whose end is an overload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Bodies that arrive at once.
    Arrivals,
    /// Bytes of bodies that are held.
    Bytes,
    /// Messages of an organisation that are worked on at once.
    Work,
    /// What the core takes on.
    Core,
}

impl Limit {
    /// The name in the log and in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arrivals => "arrivals",
            Self::Bytes => "bytes",
            Self::Work => "work",
            Self::Core => "core",
        }
    }
}

/// The kinds of refusal. Their names are stable: people and monitors know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    /// No endpoint has this path.
    UnknownPath,
    /// The endpoint takes only POST.
    MethodNotAllowed,
    /// A query parameter is invalid.
    InvalidParameter,
    /// The request does not say by which host it came, where that is needed.
    InvalidHost,
    /// The content type is not one of XML.
    UnsupportedMediaType,
    /// The content encoding is not gzip.
    UnsupportedContentEncoding,
    /// The characters are in an encoding that nobody knows.
    UnknownCharset,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The body took too long.
    SlowBody,
    /// The body broke off, or is not what its framing or its encoding says.
    BrokenBody,
    /// The body is not a well-formed outbound message.
    InvalidMessage,
    /// The envelope is not one of SOAP 1.1.
    VersionMismatch,
    /// A header block must be understood, and is not.
    MustUnderstand,
    /// The sender's address is not an allowed one.
    AddressNotAllowed,
    /// A client certificate is needed, and there is none.
    ClientCertificateNeeded,
    /// The client certificate is not an allowed one.
    ClientCertificateNotAllowed,
    /// A token is needed in the URL, and there is none.
    TokenNeeded,
    /// The token in the URL is not a valid one for this message.
    TokenNotAllowed,
    /// The organisation is linked to no installation.
    OrganizationNotLinked,
    /// The organisation sends more in a second than it may.
    RateLimited,
    /// Too much is going on already.
    Overloaded,
    /// The core can't be reached, or says that it can't work now.
    CoreUnavailable,
    /// The time for the answer is over.
    Late,
    /// The fault is ours.
    Internal,
}

impl Reason {
    /// The stable name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UnknownPath => "UNKNOWN_PATH",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::InvalidParameter => "INVALID_PARAMETER",
            Self::InvalidHost => "INVALID_HOST",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::UnsupportedContentEncoding => "UNSUPPORTED_CONTENT_ENCODING",
            Self::UnknownCharset => "UNKNOWN_CHARSET",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::SlowBody => "SLOW_BODY",
            Self::BrokenBody => "BROKEN_BODY",
            Self::InvalidMessage => "INVALID_MESSAGE",
            Self::VersionMismatch => "VERSION_MISMATCH",
            Self::MustUnderstand => "MUST_UNDERSTAND",
            Self::AddressNotAllowed => "ADDRESS_NOT_ALLOWED",
            Self::ClientCertificateNeeded => "CLIENT_CERTIFICATE_NEEDED",
            Self::ClientCertificateNotAllowed => "CLIENT_CERTIFICATE_NOT_ALLOWED",
            Self::TokenNeeded => "TOKEN_NEEDED",
            Self::TokenNotAllowed => "TOKEN_NOT_ALLOWED",
            Self::OrganizationNotLinked => "ORGANIZATION_NOT_LINKED",
            Self::RateLimited => "RATE_LIMITED",
            Self::Overloaded => "OVERLOADED",
            Self::CoreUnavailable => "CORE_UNAVAILABLE",
            Self::Late => "DEADLINE_EXCEEDED",
            Self::Internal => "INTERNAL",
        }
    }

    /// The HTTP status that it is answered with.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidParameter
            | Self::InvalidHost
            | Self::BrokenBody
            | Self::InvalidMessage
            | Self::VersionMismatch
            | Self::MustUnderstand => StatusCode::BAD_REQUEST,
            Self::UnsupportedMediaType
            | Self::UnsupportedContentEncoding
            | Self::UnknownCharset => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::AddressNotAllowed
            | Self::ClientCertificateNeeded
            | Self::ClientCertificateNotAllowed
            | Self::TokenNeeded
            | Self::TokenNotAllowed
            | Self::OrganizationNotLinked => StatusCode::FORBIDDEN,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded | Self::CoreUnavailable | Self::Late => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The SOAP fault code.
    pub(crate) fn code(self) -> FaultCode {
        match self {
            Self::VersionMismatch => FaultCode::VersionMismatch,
            Self::MustUnderstand => FaultCode::MustUnderstand,
            other if other.status().is_server_error() => FaultCode::Server,
            _ => FaultCode::Client,
        }
    }
}

impl Fault {
    /// When to come back where nothing better is known.
    const RETRY_AFTER: Duration = Duration::from_secs(5);

    /// A refusal for a reason. The sentence is for the admin who reads it in
    /// Salesforce: what is wrong, and what to do about it.
    pub(crate) fn new(reason: Reason, sentence: impl Into<String>) -> Self {
        let is_temporary = reason.status() == StatusCode::SERVICE_UNAVAILABLE;
        Self {
            reason,
            sentence: sentence.into(),
            parameter: None,
            position: None,
            retry_after: is_temporary.then_some(Self::RETRY_AFTER),
            limit: None,
            cause: None,
            organization_id: None,
        }
    }

    /// Names the query parameter at fault, if it has a name.
    pub(crate) fn of_parameter(mut self, name: &str) -> Self {
        self.parameter = (!name.is_empty()).then(|| name.into());
        self
    }

    /// Says where in the body, both from 1 on.
    pub(crate) fn at(mut self, line: u64, column: u64) -> Self {
        self.position = Some((line, column));
        self
    }

    /// Says when to come back, if that is known.
    pub(crate) fn retry_after(mut self, time: Option<Duration>) -> Self {
        self.retry_after = time.or(self.retry_after);
        self
    }

    /// Says what lies behind it, for the log alone.
    pub(crate) fn because(mut self, cause: &impl ToString) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Says which organisation the message claims to be from, for the log and the
    /// list of refused messages alone.
    pub(crate) fn of_organization(mut self, id: Option<&OrganizationId>) -> Self {
        self.organization_id = id.cloned().map(Box::new);
        self
    }

    /// What went wrong is ours and in the log.
    pub(crate) fn internal() -> Self {
        Self::new(
            Reason::Internal,
            "The message could not be processed because of a fault in the receiving system; it \
             is safe to send it again, and its operator finds the cause by the request id.",
        )
    }

    /// The time for the answer is over.
    pub(crate) fn late() -> Self {
        Self::new(
            Reason::Late,
            "The message could not be processed in time; Salesforce will send it again.",
        )
    }

    /// Too much is going on already.
    pub(crate) fn overloaded(limit: Limit) -> Self {
        let fault = Self::new(
            Reason::Overloaded,
            "The receiving system is busy; Salesforce will send the message again.",
        );
        Self {
            limit: Some(limit),
            ..fault
        }
    }

    /// The kind of refusal.
    pub(crate) fn reason(&self) -> Reason {
        self.reason
    }

    /// One sentence for the admin.
    pub(crate) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The query parameter at fault, if it is one.
    pub(crate) fn parameter(&self) -> Option<&str> {
        self.parameter.as_deref()
    }

    /// Line and column in the body, if it is the body.
    pub(crate) fn position(&self) -> Option<(u64, u64)> {
        self.position
    }

    /// The limit that was reached, if that is it.
    pub(crate) fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// What lies behind it, for the log alone.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The organisation that the message claims to be from, if that was read.
    pub(crate) fn organization_id(&self) -> Option<&OrganizationId> {
        self.organization_id.as_deref()
    }

    /// Whole seconds to wait before the next try, where waiting helps.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        const HOUR: u64 = 3_600;

        self.retry_after.map(|time| {
            let part = u64::from(time.subsec_nanos() > 0);
            time.as_secs().saturating_add(part).clamp(1, HOUR)
        })
    }
}

impl From<CoreFailure> for Fault {
    fn from(failure: CoreFailure) -> Self {
        let unavailable = || {
            Self::new(
                Reason::CoreUnavailable,
                "The receiving system can't keep the message at the moment; Salesforce will send \
                 it again.",
            )
        };
        let fault = match &failure {
            CoreFailure::Unavailable { retry_after, .. } => unavailable().retry_after(*retry_after),
            CoreFailure::KeyRefused(_) => unavailable(),
            CoreFailure::Overloaded { retry_after } => {
                Self::overloaded(Limit::Core).retry_after(*retry_after)
            }
            CoreFailure::Late => Self::late(),
            CoreFailure::Refused(_)
            | CoreFailure::Unpaired { .. }
            | CoreFailure::Lost(_)
            | CoreFailure::UnknownOutcome(_) => Self::internal(),
        };
        fault.because(&failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: CoreFailure, reason: Reason, retry_after: Option<u64>) {
        let fault = Fault::from(failure);
        assert_eq!(fault.reason(), reason);
        assert_eq!(fault.retry_after_seconds(), retry_after);
        assert!(fault.cause().is_some());
    }

    #[test]
    fn a_failure_of_the_core_is_temporary_or_ours() {
        let retry_after = Some(Duration::from_secs(9));
        let what = "connection refused".to_owned();
        let unavailable = CoreFailure::Unavailable { what, retry_after };
        check(unavailable, Reason::CoreUnavailable, Some(9));
        check(
            CoreFailure::Overloaded { retry_after: None },
            Reason::Overloaded,
            Some(5),
        );
        check(CoreFailure::Late, Reason::Late, Some(5));
        check(
            CoreFailure::KeyRefused("UNAUTHENTICATED"),
            Reason::CoreUnavailable,
            Some(5),
        );
        check(CoreFailure::Refused("INTERNAL"), Reason::Internal, None);
        check(
            CoreFailure::Lost("REJECTION_REASON_MISSING_IGRP"),
            Reason::Internal,
            None,
        );
        check(CoreFailure::UnknownOutcome(9), Reason::Internal, None);
        let unpaired = CoreFailure::Unpaired {
            items: 2,
            results: 1,
        };
        check(unpaired, Reason::Internal, None);
    }

    #[test]
    fn what_is_temporary_says_when_to_come_back() {
        let overloaded = Fault::overloaded(Limit::Work);
        assert_eq!(overloaded.retry_after_seconds(), Some(5));
        assert_eq!(Fault::internal().retry_after_seconds(), None);

        let told = Fault::late().retry_after(Some(Duration::from_millis(1_001)));
        assert_eq!(told.retry_after_seconds(), Some(2));
        let at_once = Fault::late().retry_after(Some(Duration::ZERO));
        assert_eq!(at_once.retry_after_seconds(), Some(1));
        let never = Fault::late().retry_after(Some(Duration::MAX));
        assert_eq!(never.retry_after_seconds(), Some(3_600));
    }

    #[test]
    fn faults_of_ours_are_server_faults_and_others_client_faults() {
        assert_eq!(Reason::Internal.code(), FaultCode::Server);
        assert_eq!(Reason::Overloaded.code(), FaultCode::Server);
        assert_eq!(Reason::RateLimited.code(), FaultCode::Client);
        assert_eq!(Reason::UnknownPath.code(), FaultCode::Client);
        assert_eq!(Reason::VersionMismatch.code(), FaultCode::VersionMismatch);
        assert_eq!(Reason::MustUnderstand.code(), FaultCode::MustUnderstand);
    }
}
