//! Queries, page by page.

use http::Method;
use serde_json::{Value as Json, json};

use super::ApiCall;
use crate::http::Response;
use crate::org::Org;
use crate::refusal::Refusal;
use crate::soql::{Cursor, Found, Query};

/// `GET /query?q=`.
pub(super) fn first_page(org: &mut Org, call: &ApiCall<'_>) -> Result<Response, Refusal> {
    check_method(call)?;
    let parameters = call.request.parameters();
    let text = parameters.get("q").unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Refusal::new(
            "MALFORMED_QUERY",
            "A query string has to be specified",
        ));
    }
    let query = Query::parse(text, &org.schema)?;
    match query.run(&org.records) {
        Found::Count(count) => Ok(Response::ok(
            &json!({ "totalSize": count, "done": true, "records": [] }),
        )),
        Found::Records(cursor) => Ok(page(org, call, cursor, 0)),
    }
}

/// `GET /query/LOCATOR`, as `nextRecordsUrl` says.
pub(super) fn next_page(
    org: &mut Org,
    call: &ApiCall<'_>,
    locator: &str,
) -> Result<Response, Refusal> {
    check_method(call)?;
    let invalid = || Refusal::new("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (id, start) = locator.rsplit_once('-').ok_or_else(invalid)?;
    let start: usize = start.parse().map_err(|_| invalid())?;
    let cursor = org.cursors.find(id).ok_or_else(invalid)?;
    Ok(page(org, call, cursor, start))
}

fn check_method(call: &ApiCall<'_>) -> Result<(), Refusal> {
    if call.is(&Method::GET) || call.is(&Method::HEAD) {
        return Ok(());
    }
    Err(Refusal::method_not_allowed(&call.method, "GET,HEAD"))
}

/// One page; the rest is kept for the next.
fn page(org: &mut Org, call: &ApiCall<'_>, cursor: Cursor, start: usize) -> Response {
    let size = batch_size(call);
    let fields = cursor.fields(&org.schema);
    let records: Vec<Json> = cursor
        .ids(start, size)
        .iter()
        .filter_map(|id| org.records.get(id))
        .map(|record| record.row(fields.iter().copied(), call.version))
        .collect();
    let total = cursor.len();
    let mut page = json!({ "totalSize": total, "done": true, "records": records });
    let next = start.saturating_add(size);
    if next < total
        && let Ok(locator) = org.ids.next("01g")
    {
        let url = format!("/services/data/{}/query/{}-{next}", call.version, locator);
        page["done"] = json!(false);
        page["nextRecordsUrl"] = json!(url);
        org.cursors.keep(locator, cursor);
    }
    Response::ok(&page)
}

/// `Sforce-Query-Options: batchSize=200`, from 200 to 2,000.
fn batch_size(call: &ApiCall<'_>) -> usize {
    let options = call
        .request
        .header("sforce-query-options")
        .unwrap_or_default();
    options
        .split([',', ';'])
        .filter_map(|option| option.trim().split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("batchSize"))
        .and_then(|(_, size)| size.trim().parse().ok())
        .map_or(2_000, |size: usize| size.clamp(200, 2_000))
}
