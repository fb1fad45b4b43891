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
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    response
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
