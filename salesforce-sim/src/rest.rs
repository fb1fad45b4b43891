//! The REST API: versions, and what each has.

mod body;
mod collections;
mod queries;
mod sobjects;

use http::{HeaderName, Method, StatusCode};
use serde_json::{Map, Value as Json, json};

use sfbridge_values::OrganizationId;

use crate::http::{Request, Response};
use crate::org::{Author, Org, Saving};
use crate::refusal::Refusal;
use crate::schema::ObjectType;

/// Says in every answer how many calls were used.
pub(crate) const LIMIT_INFO: HeaderName = HeaderName::from_static("sforce-limit-info");

/// The versions that there are, with the releases that brought them.
const VERSIONS: [(&str, &str); 6] = [
    ("62.0", "Winter '25"),
    ("63.0", "Spring '25"),
    ("64.0", "Summer '25"),
    ("65.0", "Winter '26"),
    ("66.0", "Spring '26"),
    ("67.0", "Summer '26"),
];

/// A call of the API: what was asked, in which version.
#[derive(Debug)]
struct ApiCall<'a> {
    request: &'a Request,
    method: Method,
    /// Such as `v66.0`.
    version: &'a str,
}

/// Answers below `/services/data`.
pub(crate) fn answer(org: &mut Org, request: &Request, names: &[&str]) -> Response {
    let Some((version, rest)) = names.split_first() else {
        return versions();
    };
    let answer = admit(org, request, version).and_then(|call| dispatch(org, &call, rest));
    let info = org.quota.header();
    answer
        .unwrap_or_else(Response::from)
        .with(LIMIT_INFO, &info)
}

/// `GET /services/data`, which needs no session.
fn versions() -> Response {
    let versions: Vec<Json> = VERSIONS
        .iter()
        .map(|(version, label)| {
            json!({
                "label": label,
                "url": format!("/services/data/v{version}"),
                "version": version,
            })
        })
        .collect();
    Response::ok(&Json::Array(versions))
}

/// Whether a call may be made at all.
fn admit<'a>(
    org: &mut Org,
    request: &'a Request,
    version: &'a str,
) -> Result<ApiCall<'a>, Refusal> {
    let number = version.strip_prefix('v').unwrap_or_default();
    if !VERSIONS.iter().any(|(version, _)| *version == number) {
        return Err(Refusal::not_found());
    }
    let now = org.now();
    let is_open = request
        .token()
        .is_some_and(|token| org.sessions.is_open(token, now));
    if !is_open {
        return Err(Refusal::session());
    }
    if !org.switches.is_api_enabled {
        let message = "The REST API is not enabled for this Organization.";
        let status = StatusCode::FORBIDDEN;
        return Err(Refusal::with_status(
            status,
            "API_DISABLED_FOR_ORG",
            message,
        ));
    }
    if !org.quota.take() {
        let message = "TotalRequests Limit exceeded.";
        let status = StatusCode::FORBIDDEN;
        return Err(Refusal::with_status(
            status,
            "REQUEST_LIMIT_EXCEEDED",
            message,
        ));
    }
    Ok(ApiCall {
        request,
        method: request.method(),
        version,
    })
}

fn dispatch(org: &mut Org, call: &ApiCall<'_>, names: &[&str]) -> Result<Response, Refusal> {
    match names {
        [] => Ok(resources(call)),
        ["limits"] => Ok(limits(org)),
        ["sobjects"] => Ok(sobjects::list(call)),
        ["sobjects", object] => sobjects::object(org, call, named(object)?),
        ["sobjects", object, "describe"] => {
            let object = named(object)?;
            Ok(Response::ok(&org.schema.describe(object, call.version)))
        }
        ["sobjects", object, id] if object.eq_ignore_ascii_case("Organization") => {
            organization(org, call, id)
        }
        ["sobjects", object, id] => sobjects::record(org, call, named(object)?, id),
        ["composite", "sobjects"] => collections::save(org, call),
        ["composite", "sobjects", object] => collections::retrieve(org, call, named(object)?),
        ["query"] => queries::first_page(org, call),
        ["query", locator] => queries::next_page(org, call, locator),
        _ => Err(Refusal::not_found()),
    }
}

/// The organisation as a record, of which little is kept.
fn organization(org: &Org, call: &ApiCall<'_>, id: &str) -> Result<Response, Refusal> {
    let is_ours = OrganizationId::parse(id).is_ok_and(|id| id.key() == org.id.key());
    if !is_ours || !call.is(&Method::GET) {
        return Err(Refusal::not_found());
    }
    let url = format!("/services/data/{}/sobjects/Organization/{id}", call.version);
    Ok(Response::ok(&json!({
        "attributes": { "type": "Organization", "url": url },
        "Id": org.id.as_str(),
        "Name": org.name,
    })))
}

fn named(object: &str) -> Result<ObjectType, Refusal> {
    ObjectType::named(object).ok_or_else(Refusal::not_found)
}

fn resources(call: &ApiCall<'_>) -> Response {
    let names = ["composite", "limits", "query", "sobjects"];
    let resources: Map<String, Json> = names
        .into_iter()
        .map(|name| {
            let url = format!("/services/data/{}/{name}", call.version);
            (name.to_owned(), Json::from(url))
        })
        .collect();
    Response::ok(&Json::Object(resources))
}

fn limits(org: &Org) -> Response {
    let quota = org.quota;
    Response::ok(&json!({
        "DailyApiRequests": { "Max": quota.limit(), "Remaining": quota.left() },
    }))
}

impl ApiCall<'_> {
    /// How the headers want records to be saved.
    fn saving(&self) -> Saving<'_> {
        let is = |name: &str, wanted: &str| {
            let value = self.request.header(name).unwrap_or_default();
            value.replace(' ', "").eq_ignore_ascii_case(wanted)
        };
        Saving {
            // Whatever is not FALSE runs a rule: it may also name one.
            auto_assign: !is("sforce-auto-assign", "FALSE"),
            allows_duplicates: is("sforce-duplicate-rule-header", "allowSave=true"),
            ..Saving::by(Author::Api)
        }
    }

    fn is(&self, method: &Method) -> bool {
        self.method == *method
    }
}
