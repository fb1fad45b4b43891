//! Up to 200 records at once.

use std::collections::HashSet;

use http::Method;
use serde_json::{Map, Value as Json, json};
use sfbridge_values::SalesforceId;

use super::{ApiCall, body, sobjects};
use crate::http::Response;
use crate::org::{Org, Saving};
use crate::refusal::Refusal;
use crate::schema::ObjectType;

/// Records that one call saves.
const MOST_SAVED: usize = 200;
/// Records that one call reads: fewer fit into a URL than into a body.
const MOST_READ_BY_GET: usize = 800;
const MOST_READ_BY_POST: usize = 2_000;

/// `PATCH /composite/sobjects` changes records, `POST` makes them.
pub(super) fn save(org: &mut Org, call: &ApiCall<'_>) -> Result<Response, Refusal> {
    let is_update = call.is(&Method::PATCH);
    if !is_update && !call.is(&Method::POST) {
        return Err(Refusal::method_not_allowed(
            &call.method,
            "DELETE,PATCH,POST",
        ));
    }
    let mut body = body::object(call.request)?;
    let all_or_none = match body.get("allOrNone") {
        None | Some(Json::Null) => false,
        Some(Json::Bool(all_or_none)) => *all_or_none,
        Some(_) => {
            return Err(Refusal::new(
                "JSON_PARSER_ERROR",
                "allOrNone is not a boolean",
            ));
        }
    };
    let Some(Json::Array(records)) = body.remove("records") else {
        let message = "The request needs an array of records";
        return Err(Refusal::new("INVALID_INPUT", message));
    };
    if records.len() > MOST_SAVED {
        let message = format!(
            "record limit reached. cannot submit more than {MOST_SAVED} records into this call"
        );
        return Err(Refusal::new("EXCEEDED_ID_LIMIT", message));
    }
    let rows: Vec<Row> = records
        .into_iter()
        .map(Row::read)
        .collect::<Result<_, _>>()?;
    check_chunks(&rows)?;
    let saving = call.saving();
    let results = if is_update {
        update(org, rows, all_or_none, &saving)
    } else {
        create(org, &rows, all_or_none, &saving)
    };
    let results = results.into_iter().map(|result| match result {
        Ok(id) => json!({ "id": id.as_str(), "success": true, "errors": [] }),
        Err(refusal) => refusal.row(),
    });
    Ok(Response::ok(&Json::Array(results.collect())))
}

/// One record of a request.
struct Row {
    object: ObjectType,
    fields: Map<String, Json>,
}

impl Row {
    fn read(record: Json) -> Result<Self, Refusal> {
        let Json::Object(fields) = record else {
            return Err(Refusal::new(
                "JSON_PARSER_ERROR",
                "A record is not a JSON object",
            ));
        };
        let name = fields
            .get("attributes")
            .and_then(|attributes| attributes.get("type"))
            .and_then(Json::as_str);
        let Some(name) = name else {
            let message = "The attributes of a record need a type";
            return Err(Refusal::new("INVALID_INPUT", message));
        };
        let object = ObjectType::named(name).ok_or_else(|| {
            let message = format!("sObject type '{name}' is not supported.");
            Refusal::new("INVALID_TYPE", message)
        })?;
        Ok(Self { object, fields })
    }

    /// Takes the id out of the fields.
    fn take_id(&mut self) -> Result<SalesforceId, Refusal> {
        let name = self
            .fields
            .keys()
            .find(|name| name.eq_ignore_ascii_case("Id"))
            .cloned();
        let id = name.and_then(|name| self.fields.remove(&name));
        let Some(text) = id.as_ref().and_then(Json::as_str) else {
            let message = "Id not specified in an update call";
            return Err(Refusal::new("MISSING_ARGUMENT", message));
        };
        SalesforceId::parse(text)
            .ok()
            .filter(|id| id.is_checked() && id.as_str().starts_with(self.object.prefix()))
            .map(|id| id.to_long())
            .ok_or_else(|| {
                let message = format!("{} ID: id value of incorrect type: {text}", self.object);
                Refusal::new("MALFORMED_ID", message).of(&["Id"])
            })
    }
}

/// Records are worked on by runs of one type, of which a call has at most 10.
fn check_chunks(rows: &[Row]) -> Result<(), Refusal> {
    const MOST_CHUNKS: usize = 10;

    if rows.chunk_by(|one, next| one.object == next.object).count() > MOST_CHUNKS {
        let message = format!(
            "Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange \
             the data to reduce chunking."
        );
        return Err(Refusal::new("INVALID_INPUT", message));
    }
    Ok(())
}

type Results = Vec<Result<SalesforceId, Refusal>>;

fn update(org: &mut Org, rows: Vec<Row>, all_or_none: bool, saving: &Saving<'_>) -> Results {
    let mut seen = HashSet::new();
    let mut results = Vec::with_capacity(rows.len());
    let mut ready = Vec::new();
    for mut row in rows {
        let checked = row.take_id().and_then(|id| {
            if !seen.insert(id.clone()) {
                let message = format!("Duplicate id in list: {id}");
                return Err(Refusal::new("DUPLICATE_VALUE", message).of(&["Id"]));
            }
            if org.records.get(&id).is_none() {
                let message = "invalid cross reference id";
                return Err(Refusal::new("INVALID_CROSS_REFERENCE_KEY", message));
            }
            let changes = org.check_update(&id, &row.fields, saving)?;
            Ok((id, changes))
        });
        results.push(checked.map(|(id, changes)| {
            ready.push((id.clone(), changes));
            id
        }));
    }
    if all_or_none && results.iter().any(Result::is_err) {
        return roll_back(results);
    }
    for (id, changes) in ready {
        org.commit_update(&id, changes, saving);
    }
    results
}

fn create(org: &mut Org, rows: &[Row], all_or_none: bool, saving: &Saving<'_>) -> Results {
    let is_good = |org: &mut Org, row: &Row| org.check_create(row.object, &row.fields, saving);
    let checked: Vec<_> = rows.iter().map(|row| is_good(org, row)).collect();
    if all_or_none && checked.iter().any(Result::is_err) {
        let nobody = |()| SalesforceId::parse("000000000000000").map_err(Refusal::from);
        return roll_back(
            checked
                .into_iter()
                .map(|row| row.and_then(nobody))
                .collect(),
        );
    }
    let rows = rows.iter().zip(checked);
    rows.map(|(row, checked)| {
        checked?;
        org.create(row.object, &row.fields, saving)
    })
    .collect()
}

/// What was good is not kept, because the rest was not.
fn roll_back(results: Results) -> Results {
    let results = results.into_iter().map(|result| {
        Err(result.err().unwrap_or_else(|| {
            let message = "Record rolled back because not all records were valid and the request \
                           was using AllOrNone header";
            Refusal::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", message)
        }))
    });
    results.collect()
}

/// `GET` or `POST /composite/sobjects/Lead`: many records by their ids, null
/// for those that are not there.
pub(super) fn retrieve(
    org: &Org,
    call: &ApiCall<'_>,
    object: ObjectType,
) -> Result<Response, Refusal> {
    let (ids, names, most) = if call.is(&Method::POST) {
        let body = body::object(call.request)?;
        (
            strings(&body, "ids")?,
            strings(&body, "fields")?,
            MOST_READ_BY_POST,
        )
    } else if call.is(&Method::GET) {
        let parameters = call.request.parameters();
        let list = |name: &str| -> Result<Vec<String>, Refusal> {
            let text = parameters.get(name).ok_or_else(|| missing(name))?;
            Ok(text.split(',').map(|part| part.trim().to_owned()).collect())
        };
        (list("ids")?, list("fields")?, MOST_READ_BY_GET)
    } else {
        return Err(Refusal::method_not_allowed(&call.method, "GET,POST"));
    };
    if ids.len() > most {
        let message = format!("record limit reached. cannot retrieve more than {most} records");
        return Err(Refusal::new("EXCEEDED_ID_LIMIT", message));
    }
    let fields = sobjects::fields(&org.schema, object, &names.join(","))?;
    let rows = ids.iter().map(|text| {
        let id = SalesforceId::parse(text)
            .ok()
            .filter(SalesforceId::is_checked);
        let Some(id) = id.filter(|id| id.as_str().starts_with(object.prefix())) else {
            let message = format!("{object} ID: id value of incorrect type: {text}");
            return Err(Refusal::new("MALFORMED_ID", message).of(&["Id"]));
        };
        let record = org.records.get(&id).filter(|record| !record.is_deleted());
        Ok(record.map_or(Json::Null, |record| {
            record.row(fields.iter().copied(), call.version)
        }))
    });
    Ok(Response::ok(&Json::Array(rows.collect::<Result<_, _>>()?)))
}

fn strings(body: &Map<String, Json>, name: &str) -> Result<Vec<String>, Refusal> {
    let list = body.get(name).and_then(Json::as_array);
    let list = list.ok_or_else(|| missing(name))?;
    let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refusal {
    Refusal::new("INVALID_INPUT", format!("The request needs {name}"))
}
