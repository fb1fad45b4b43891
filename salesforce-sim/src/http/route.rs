//! Which part answers a request, and what may befall it before.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use hyper::body::Incoming;

use super::{Form, Html, Request, Response};
use crate::failure::{Dropped, Failure, Operation};
use crate::org::{Call, Org};
use crate::refusal::Refusal;
use crate::state::Shared;
use crate::{control, oauth, rest};

/// How a request ends.
#[derive(Debug)]
pub(crate) enum Answer {
    Response(Response),
    /// The connection is closed instead.
    Dropped,
}

/// Answers a request and remembers it, unless it is one of the control API.
pub(crate) async fn route(shared: &Shared, request: http::Request<Incoming>) -> Answer {
    let Ok(request) = Request::read(request).await else {
        return Answer::Response(Html(StatusCode::PAYLOAD_TOO_LARGE).into());
    };
    let segments = request.segments();
    let takes_gzip = request.takes_gzip();
    let answer = match segments.first().map(String::as_str) {
        Some("__sim") => Answer::Response(control::answer(shared, &request)),
        None => Answer::Response(control::welcome()),
        Some(_) => {
            let answer = befallen(shared, &request, &segments).await;
            remember(&mut shared.org(), &request, &segments, &answer);
            answer
        }
    };
    shared.changed.notify_one();
    match answer {
        Answer::Response(response) if takes_gzip => Answer::Response(response.gzip()),
        answer => answer,
    }
}

/// Answers a request of Salesforce's API, unless something is to go wrong.
async fn befallen(shared: &Shared, request: &Request, segments: &[String]) -> Answer {
    let operation = operation(request, segments);
    let (failure, delay) = {
        let mut org = shared.org();
        (org.failures.for_call(operation), org.switches.delay)
    };
    let more = failure
        .as_ref()
        .and_then(|failure| failure.delay_ms)
        .unwrap_or(0);
    let delay = delay + Duration::from_millis(u64::from(more));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let mut org = shared.org();
    let dropped = failure.as_ref().and_then(|failure| failure.drop);
    if dropped == Some(Dropped::Before) {
        return Answer::Dropped;
    }
    if let Some(response) = failure.and_then(|failure| failed(&failure, operation, &mut org)) {
        return Answer::Response(response);
    }
    let response = answered(&mut org, request, segments);
    if dropped == Some(Dropped::After) {
        return Answer::Dropped;
    }
    Answer::Response(response)
}

fn answered(org: &mut Org, request: &Request, segments: &[String]) -> Response {
    let names: Vec<&str> = segments.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["services", "oauth2", "token"] => oauth::token(org, request),
        ["services", "oauth2", "revoke"] => oauth::revoke(org, request),
        ["services", "oauth2", "userinfo"] => with_session(org, request, |org| {
            oauth::user_info(org, &request.base_url())
        }),
        ["id", _, _] => with_session(org, request, |org| {
            oauth::identity(org, &request.base_url())
        }),
        ["services", "data", rest @ ..] => rest::answer(org, request, rest),
        _ => Html(StatusCode::NOT_FOUND).into(),
    }
}

fn with_session(
    org: &mut Org,
    request: &Request,
    answer: impl FnOnce(&Org) -> serde_json::Value,
) -> Response {
    let now = org.now();
    let is_open = request
        .token()
        .is_some_and(|token| org.sessions.is_open(token, now));
    if is_open {
        Response::ok(&answer(org))
    } else {
        Response::from(Refusal {
            status: StatusCode::FORBIDDEN,
            ..Refusal::session()
        })
    }
}

/// The answer that a failure gives; none when it only takes time.
fn failed(failure: &Failure, operation: Operation, org: &mut Org) -> Option<Response> {
    let response = match failure.refusal() {
        Some(refusal) if operation == Operation::Token => {
            let body = serde_json::json!({
                "error": refusal.code,
                "error_description": refusal.message,
            });
            Response::json(refusal.status, &body)
        }
        Some(refusal) => {
            if refusal.code == "INVALID_SESSION_ID" {
                org.sessions.end_all();
            }
            let info = org.quota.header();
            Response::from(refusal).with(rest::LIMIT_INFO, &info)
        }
        None => {
            let status = StatusCode::from_u16(failure.status?).ok()?;
            Html(status).into()
        }
    };
    Some(match failure.retry_after {
        Some(seconds) => response.with(RETRY_AFTER, &seconds.to_string()),
        None => response,
    })
}

/// What a request is about.
fn operation(request: &Request, segments: &[String]) -> Operation {
    let names: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = request.method();
    let is_get = method == http::Method::GET;
    match names.as_slice() {
        ["services", "oauth2", "token"] => Operation::Token,
        ["services", "data", _, "query", ..] => Operation::Query,
        ["services", "data", _, .., "describe"] => Operation::Describe,
        // Many ids are read by POST, because they may not fit into a URL.
        ["services", "data", _, "composite", "sobjects", _] => Operation::Read,
        ["services", "data", _, "sobjects" | "composite", ..] if is_get => Operation::Read,
        ["services", "data", _, ..] if method == http::Method::PATCH => Operation::Update,
        ["services", "data", _, ..] if method == http::Method::DELETE => Operation::Delete,
        ["services", "data", _, ..] if method == http::Method::POST => Operation::Create,
        _ => Operation::Any,
    }
}

fn remember(org: &mut Org, request: &Request, segments: &[String], answer: &Answer) {
    /// As much of a body as is kept.
    const LONGEST: usize = 64 * 1024;

    let is_login = segments.get(1).is_some_and(|segment| segment == "oauth2");
    let body = if is_login {
        Form::of(request).without_secrets()
    } else {
        let kept = request.body.get(..LONGEST).unwrap_or(&request.body);
        String::from_utf8_lossy(kept).into_owned()
    };
    let status = match answer {
        Answer::Response(response) => Some(response.status.as_u16()),
        Answer::Dropped => None,
    };
    let call = Call {
        number: org.journal.number(),
        time: org.now(),
        method: request.method.to_string(),
        path: request.path.clone(),
        query: request.parameters().without_secrets(),
        headers: request.harmless_headers(),
        body,
        status,
    };
    org.journal.add(call);
}
