//! The control API under `/__sim/`, which is not Salesforce's: it looks at the
//! org, changes it as a person would, and makes things go wrong.

mod orders;

use std::time::Duration;

use chrono::TimeDelta;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use sfbridge_values::SalesforceId;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::http::{Request, Response};
use crate::org::{Author, Org, Record, Saving};
use crate::outbound::OutboundSettings;
use crate::refusal::Refusal;
use crate::schema::ObjectType;
use crate::state::Shared;
use orders::{ClockOrder, QuotaOrder, SessionOrder, SettingsOrder};

/// What there is, for people who look.
const ROUTES: &[(&str, &str)] = &[
    ("GET /__sim/state", "the org at a glance"),
    (
        "GET /__sim/calls",
        "the latest API calls, without what logs in",
    ),
    ("DELETE /__sim/calls", "forget them and the counters"),
    (
        "GET /__sim/counters",
        "how many calls there were, by method and status",
    ),
    (
        "GET /__sim/records/Lead",
        "all Leads; likewise Opportunity and Task",
    ),
    ("POST /__sim/records/Lead", "make one as a person would"),
    ("GET /__sim/records/Lead/ID", "one record"),
    (
        "PATCH /__sim/records/Lead/ID",
        "set fields as a person would, also read-only ones",
    ),
    ("DELETE /__sim/records/Lead/ID", "delete it"),
    ("POST /__sim/records/Lead/ID/convert", "convert the Lead"),
    ("GET /__sim/failures", "what is still to go wrong"),
    ("POST /__sim/failures", "let something go wrong"),
    ("DELETE /__sim/failures", "let nothing more go wrong"),
    ("POST /__sim/sessions/expire", "end all sessions"),
    (
        "PUT /__sim/sessions",
        "{\"seconds\": 10}: how long new sessions last unused",
    ),
    (
        "PUT /__sim/quota",
        "{\"limit\": 15000, \"used\": 14999}: either or both",
    ),
    (
        "PUT /__sim/clock",
        "{\"skew_seconds\": -300}: how far the org's clock is off",
    ),
    (
        "PUT /__sim/settings",
        "api_enabled, assignment_rule, send_outbound_messages, delay_ms",
    ),
    (
        "GET /__sim/outbound",
        "what waits to be sent, and what was given up",
    ),
    ("PUT /__sim/outbound", "duplicates, shuffle, time_factor"),
    ("POST /__sim/outbound/retry", "send again what was given up"),
    ("POST /__sim/outbound/hurry", "send all that waits now"),
];

/// The page at `/`.
pub(crate) fn welcome() -> Response {
    index()
}

fn index() -> Response {
    let routes: Map<String, Json> = ROUTES
        .iter()
        .map(|&(route, meaning)| (route.to_owned(), Json::from(meaning)))
        .collect();
    Response::ok(&json!({
        "this_is": "a pretend Salesforce org (sfbridge simulate); nothing in it is real",
        "control_api": routes,
    }))
}

/// Answers a request of the control API.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Response {
    // A browser says which page asks; no page has any business here.
    if request.header("origin").is_some() {
        let message = "the control API answers no web pages";
        return Wrong::new(StatusCode::FORBIDDEN, message).into_response();
    }
    let segments = request.segments();
    let names: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let mut org = shared.org();
    control(&mut org, request, &names).unwrap_or_else(Wrong::into_response)
}

fn control(org: &mut Org, request: &Request, names: &[&str]) -> Result<Response, Wrong> {
    let now = Instant::now();
    match (request.method.as_str(), names) {
        ("GET", []) => Ok(index()),
        ("GET", ["state"]) => Ok(Response::ok(&state(org))),
        ("GET", ["calls"]) => Ok(Response::ok(&json!(org.journal.calls()))),
        ("DELETE", ["calls"]) => {
            org.journal.clear();
            Ok(done())
        }
        ("GET", ["counters"]) => Ok(Response::ok(&json!(org.journal.counters()))),
        (_, ["records", object, rest @ ..]) => {
            let object = ObjectType::named(object).ok_or_else(nothing_here)?;
            records(org, request, object, rest)
        }
        ("GET", ["failures"]) => Ok(Response::ok(&json!(org.failures.coming()))),
        ("POST", ["failures"]) => {
            let failure: Failure = read(request)?;
            failure
                .check()
                .map_err(|wrong| Wrong::bad(format!("the failure {wrong}")))?;
            org.failures.add(failure);
            Ok(done())
        }
        ("DELETE", ["failures"]) => {
            org.failures.clear();
            Ok(done())
        }
        ("POST", ["sessions", "expire"]) => {
            Ok(Response::ok(&json!({ "ended": org.sessions.end_all() })))
        }
        ("PUT", ["sessions"]) => {
            let order: SessionOrder = read(request)?;
            org.sessions
                .set_lifetime(TimeDelta::seconds(i64::from(order.seconds)));
            Ok(done())
        }
        ("PUT", ["quota"]) => {
            let order: QuotaOrder = read(request)?;
            org.quota.set(order.limit, order.used);
            Ok(done())
        }
        ("PUT", ["clock"]) => {
            let order: ClockOrder = read(request)?;
            org.set_clock(Clock::skewed(order.skew_seconds));
            Ok(done())
        }
        ("PUT", ["settings"]) => {
            set(org, &read(request)?);
            Ok(done())
        }
        ("GET", ["outbound"]) => Ok(Response::ok(&org.outbox.json(now))),
        ("PUT", ["outbound"]) => {
            let settings = outbound_settings(org, request)?;
            org.outbox.set(settings);
            Ok(done())
        }
        ("POST", ["outbound", "retry"]) => Ok(Response::ok(
            &json!({ "sent_again": org.outbox.retry_failed(now) }),
        )),
        ("POST", ["outbound", "hurry"]) => {
            org.outbox.hurry(now);
            Ok(done())
        }
        _ => Err(nothing_here()),
    }
}

fn records(
    org: &mut Org,
    request: &Request,
    object: ObjectType,
    names: &[&str],
) -> Result<Response, Wrong> {
    let saving = Saving::by(Author::Person);
    match (request.method.as_str(), names) {
        ("GET", []) => {
            let records = org.records.of(object).map(|record| row(org, record));
            Ok(Response::ok(&Json::Array(records.collect())))
        }
        ("POST", []) => {
            let fields: Map<String, Json> = read(request)?;
            let id = org.create(object, &fields, &saving)?;
            let made = json!({ "id": id.as_str() });
            Ok(Response::json(StatusCode::CREATED, &made))
        }
        ("GET", [id]) => {
            let id = find(org, object, id)?;
            let record = org.records.get(&id).ok_or_else(nothing_here)?;
            Ok(Response::ok(&row(org, record)))
        }
        ("PATCH", [id]) => {
            let id = find(org, object, id)?;
            let fields: Map<String, Json> = read(request)?;
            org.update(&id, &fields, &saving)?;
            Ok(done())
        }
        ("DELETE", [id]) => {
            let id = find(org, object, id)?;
            org.delete(&id, &saving)?;
            Ok(done())
        }
        ("POST", [id, "convert"]) => {
            let id = find(org, object, id)?;
            org.convert(&id)?;
            Ok(done())
        }
        _ => Err(nothing_here()),
    }
}

fn find(org: &Org, object: ObjectType, id: &str) -> Result<SalesforceId, Wrong> {
    let record = SalesforceId::parse(id)
        .ok()
        .and_then(|id| org.records.get(&id));
    let record = record.filter(|record| record.object == object);
    record
        .map(|record| record.id.clone())
        .ok_or_else(nothing_here)
}

/// A record with all its fields, deleted or not.
pub(crate) fn row(org: &Org, record: &Record) -> Json {
    let version = "v66.0";
    record.row(org.schema.fields(record.object), version)
}

fn state(org: &Org) -> Json {
    let counts: Map<String, Json> = ObjectType::ALL
        .into_iter()
        .map(|object| {
            (
                object.name().to_owned(),
                Json::from(org.records.of(object).count()),
            )
        })
        .collect();
    json!({
        "organization_id": org.id.as_str(),
        "name": org.name,
        "sandbox": org.is_sandbox,
        "username": org.users.username,
        "client_id": org.app.client_id,
        "records": counts,
        "sessions": org.sessions.count(),
        "quota": { "limit": org.quota.limit(), "used": org.quota.used() },
        "clock": { "now": org.now().to_rfc3339(), "skew_seconds": org.clock().skew_seconds() },
        "settings": {
            "api_enabled": org.switches.is_api_enabled,
            "assignment_rule": org.switches.has_assignment_rule,
            "send_outbound_messages": org.switches.api_sends_outbound_messages,
            "delay_ms": org.switches.delay.as_secs_f64() * 1_000.0,
        },
        "failures": org.failures.coming().len(),
        "outbound": org.outbox.counts(),
    })
}

fn set(org: &mut Org, order: &SettingsOrder) {
    let switches = &mut org.switches;
    if let Some(value) = order.api_enabled {
        switches.is_api_enabled = value;
    }
    if let Some(value) = order.assignment_rule {
        switches.has_assignment_rule = value;
    }
    if let Some(value) = order.send_outbound_messages {
        switches.api_sends_outbound_messages = value;
    }
    if let Some(milliseconds) = order.delay_ms {
        switches.delay = Duration::from_millis(u64::from(milliseconds));
    }
}

/// The settings with those changed that the request names.
fn outbound_settings(org: &Org, request: &Request) -> Result<OutboundSettings, Wrong> {
    let mut merged = json!(org.outbox.settings());
    let given: Map<String, Json> = read(request)?;
    for (name, value) in given {
        merged[name] = value;
    }
    let settings: OutboundSettings =
        serde_json::from_value(merged).map_err(|wrong| Wrong::bad(wrong.to_string()))?;
    settings.check().map_err(Wrong::bad)?;
    Ok(settings)
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Wrong> {
    serde_json::from_slice(&request.body).map_err(|wrong| {
        let message = format!("the body is not what is wanted here: {wrong}");
        Wrong::bad(message)
    })
}

fn done() -> Response {
    Response::empty(StatusCode::NO_CONTENT)
}

fn nothing_here() -> Wrong {
    let message = "nothing is here; GET /__sim/ lists what there is";
    Wrong::new(StatusCode::NOT_FOUND, message)
}

/// An order that can't be followed.
#[derive(Debug)]
struct Wrong {
    status: StatusCode,
    message: String,
}

impl Wrong {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    fn into_response(self) -> Response {
        Response::json(self.status, &json!({ "error": self.message }))
    }
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self::bad(format!("{}: {}", refusal.code, refusal.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_begins_with_a_method_and_the_prefix() {
        for (route, meaning) in ROUTES {
            let (method, path) = route.split_once(' ').unwrap();
            assert!(
                method.parse::<http::Method>().is_ok() && path.starts_with("/__sim/"),
                "{route}"
            );
            assert!(!meaning.is_empty());
        }
    }
}
