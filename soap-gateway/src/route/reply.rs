//! The HTTP answers.

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};

use super::Done;
use crate::fault::{Fault, Reason};
use crate::request_id::RequestId;
use crate::soap::answer::{self, FaultText};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The answer to a request: an acknowledgement when all of its message is
/// durable, the WSDL when that is what it asked for, else a fault.
pub(super) fn reply(
    result: &Result<Done, Fault>,
    id: RequestId,
    method: &Method,
    closes: bool,
) -> Response<Bytes> {
    let (status, body) = match result {
        Ok(Done::Recorded(_)) => (
            StatusCode::OK,
            Bytes::from_static(answer::ACKNOWLEDGEMENT.as_bytes()),
        ),
        Ok(Done::Described(wsdl)) => (StatusCode::OK, wsdl.clone()),
        Err(fault) => (fault.reason().status(), Bytes::from(fault_text(fault, id))),
    };
    let length = body.len();
    let body = if method == Method::HEAD {
        Bytes::new()
    } else {
        body
    };

    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer::CONTENT_TYPE));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(X_REQUEST_ID, id.header());
    if closes {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Err(fault) = result {
        if fault.reason() == Reason::MethodNotAllowed {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if let Some(seconds) = fault.retry_after_seconds() {
            let seconds = match status {
                StatusCode::SERVICE_UNAVAILABLE => later(seconds, rand::random()),
                _ => seconds,
            };
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    response
}

/// A time up to half as long again, and at least a second, so that those who
/// are refused at one moment do not all come back at one.
fn later(seconds: u64, random: u64) -> u64 {
    seconds + random % (seconds / 2).max(1).saturating_add(1)
}

fn fault_text(fault: &Fault, id: RequestId) -> String {
    answer::fault(&FaultText {
        code: fault.reason().code(),
        sentence: fault.sentence(),
        reason: fault.reason().name(),
        parameter: fault.parameter(),
        position: fault.position(),
        request_id: &id.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::later;

    #[track_caller]
    fn check(seconds: u64, expected: std::ops::RangeInclusive<u64>) {
        let mut spread: Vec<_> = (0..100).map(|random| later(seconds, random)).collect();
        spread.sort_unstable();
        spread.dedup();
        assert_eq!(spread, expected.collect::<Vec<_>>());
    }

    #[test]
    fn those_who_are_refused_come_back_at_several_moments() {
        check(1, 1..=2);
        check(5, 5..=7);
        check(30, 30..=45);
    }
}
