//! Objects and single records.

use chrono::DateTime;
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};
use sfbridge_values::SalesforceId;

use super::{ApiCall, body};
use crate::http::{Request, Response};
use crate::org::{Org, Record};
use crate::refusal::Refusal;
use crate::schema::{Field, ObjectType, Schema};
use crate::soql;
use crate::value::Value;

/// `GET /sobjects`.
pub(super) fn list(call: &ApiCall<'_>) -> Response {
    let objects: Vec<Json> = ObjectType::ALL
        .into_iter()
        .map(|object| Schema::summary(object, call.version))
        .collect();
    Response::ok(&json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects }))
}

/// `GET /sobjects/Lead`, and `POST` to make one.
pub(super) fn object(
    org: &mut Org,
    call: &ApiCall<'_>,
    object: ObjectType,
) -> Result<Response, Refusal> {
    if call.is(&Method::GET) {
        let described = Schema::summary(object, call.version);
        return Ok(Response::ok(
            &json!({ "objectDescribe": described, "recentItems": [] }),
        ));
    }
    if !call.is(&Method::POST) {
        return Err(Refusal::method_not_allowed(&call.method, "GET,HEAD,POST"));
    }
    let fields = body::object(call.request)?;
    refuse_id(&fields)?;
    let text = String::from_utf8_lossy(&call.request.body);
    let mut saving = call.saving();
    saving.request = Some(&text);
    let id = org.create(object, &fields, &saving)?;
    let made = json!({ "id": id.as_str(), "success": true, "errors": [] });
    Ok(Response::json(StatusCode::CREATED, &made))
}

/// One record: read, changed or deleted.
pub(super) fn record(
    org: &mut Org,
    call: &ApiCall<'_>,
    object: ObjectType,
    id: &str,
) -> Result<Response, Refusal> {
    let id = find(org, object, id)?;
    if call.is(&Method::GET) || call.is(&Method::HEAD) {
        return read(org, call, object, &id);
    }
    check_unmodified(org, call.request, &id)?;
    if call.is(&Method::DELETE) {
        org.delete(&id, &call.saving())?;
        return Ok(Response::empty(StatusCode::NO_CONTENT));
    }
    if !call.is(&Method::PATCH) {
        let allowed = "DELETE,GET,HEAD,PATCH";
        return Err(Refusal::method_not_allowed(&call.method, allowed));
    }
    let fields = body::object(call.request)?;
    refuse_id(&fields)?;
    let text = String::from_utf8_lossy(&call.request.body);
    let mut saving = call.saving();
    saving.request = Some(&text);
    org.update(&id, &fields, &saving)?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

fn read(
    org: &Org,
    call: &ApiCall<'_>,
    object: ObjectType,
    id: &SalesforceId,
) -> Result<Response, Refusal> {
    let record = org.records.get(id).ok_or_else(Refusal::not_found)?;
    if record.is_deleted() {
        return Err(Refusal::deleted());
    }
    let parameters = call.request.parameters();
    let row = match parameters.get("fields") {
        Some(names) => {
            let fields = fields(&org.schema, object, names)?;
            record.row(fields, call.version)
        }
        None => record.row(org.schema.fields(object), call.version),
    };
    Ok(Response::ok(&row))
}

/// The fields of these names, which commas separate.
pub(super) fn fields<'a>(
    schema: &'a Schema,
    object: ObjectType,
    names: &str,
) -> Result<Vec<&'a Field>, Refusal> {
    let mut found: Vec<&Field> = Vec::new();
    for name in names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        let field = schema.field(object, name);
        let field = field.ok_or_else(|| soql::no_such_column(names, 0, name, object.name()))?;
        // A field that is asked for twice is answered once.
        if !found.iter().any(|other| other.name == field.name) {
            found.push(field);
        }
    }
    Ok(found)
}

/// The id of a record that is there or once was.
fn find(org: &Org, object: ObjectType, id: &str) -> Result<SalesforceId, Refusal> {
    let found = SalesforceId::parse(id)
        .ok()
        .and_then(|id| org.records.get(&id))
        .filter(|record| record.object == object);
    found.map(|record| record.id.clone()).ok_or_else(|| {
        let message =
            format!("Provided external ID field does not exist or is not accessible: {id}");
        Refusal::with_status(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    })
}

/// An id stands in the URL alone.
fn refuse_id(fields: &serde_json::Map<String, Json>) -> Result<(), Refusal> {
    if fields.keys().any(|name| name.eq_ignore_ascii_case("Id")) {
        let message = "The Id field should not be specified in the sobject data.";
        return Err(Refusal::new("INVALID_FIELD", message).of(&["Id"]));
    }
    Ok(())
}

/// `If-Unmodified-Since`.
fn check_unmodified(org: &Org, request: &Request, id: &SalesforceId) -> Result<(), Refusal> {
    let since = request.header("if-unmodified-since");
    let since = since.and_then(|since| DateTime::parse_from_rfc2822(since).ok());
    let modified = org.records.get(id).and_then(modified);
    match (since, modified) {
        (Some(since), Some(modified)) if modified > since => {
            let message = "The record was modified since the time that was given";
            let status = StatusCode::PRECONDITION_FAILED;
            Err(Refusal::with_status(status, "PRECONDITION_FAILED", message))
        }
        _ => Ok(()),
    }
}

fn modified(record: &Record) -> Option<DateTime<chrono::Utc>> {
    match record.get("LastModifiedDate") {
        Some(Value::DateTime(time)) => Some(time),
        _ => None,
    }
}
