//! The org's records.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json, json};
use sfbridge_values::SalesforceId;

use crate::schema::{Field, Kind, ObjectType};
use crate::value::Value;

/// A record: an object and the fields that are not null.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: SalesforceId,
    pub(crate) object: ObjectType,
    values: BTreeMap<String, Value>,
}

/// All records, also deleted ones, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Records {
    all: Vec<Record>,
    by_id: HashMap<SalesforceId, usize>,
}

impl Record {
    pub(crate) fn new(id: SalesforceId, object: ObjectType) -> Self {
        Self {
            id,
            object,
            values: BTreeMap::new(),
        }
    }

    /// A field's value by its exact name; what is made from others is made now.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        match (name, self.object) {
            ("Id", _) => Some(Value::text(self.id.as_str())),
            ("Name", ObjectType::Lead) => self.full_name(),
            _ => self.values.get(name).cloned(),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Option<Value>) {
        match value {
            Some(value) => {
                self.values.insert(name.to_owned(), value);
            }
            None => {
                self.values.remove(name);
            }
        }
    }

    /// Whether a box is ticked.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.values.get(name) == Some(&Value::Boolean(true))
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.is("IsDeleted")
    }

    /// A field as the REST API writes it.
    pub(crate) fn json(&self, field: &Field) -> Json {
        if field.kind == Kind::Address {
            return self.address();
        }
        self.get(&field.name)
            .map_or(Json::Null, |value| value.json())
    }

    /// The record with these fields as the REST API writes it.
    pub(crate) fn row<'a>(
        &self,
        fields: impl IntoIterator<Item = &'a Field>,
        version: &str,
    ) -> Json {
        let object = self.object.name();
        let url = format!("/services/data/{version}/sobjects/{object}/{}", self.id);
        let mut row = Map::new();
        row.insert(
            "attributes".to_owned(),
            json!({ "type": object, "url": url }),
        );
        for field in fields {
            row.insert(field.name.clone(), self.json(field));
        }
        Json::Object(row)
    }

    fn full_name(&self) -> Option<Value> {
        let parts: Vec<String> = ["Salutation", "FirstName", "LastName"]
            .into_iter()
            .filter_map(|name| Some(self.values.get(name)?.soap()))
            .collect();
        (!parts.is_empty()).then(|| Value::Text(parts.join(" ")))
    }

    fn address(&self) -> Json {
        let part = |name: &str| self.values.get(name).map_or(Json::Null, Value::json);
        let address = json!({
            "city": part("City"),
            "country": part("Country"),
            "geocodeAccuracy": null,
            "latitude": part("Latitude"),
            "longitude": part("Longitude"),
            "postalCode": part("PostalCode"),
            "state": part("State"),
            "street": part("Street"),
        });
        let is_empty = address
            .as_object()
            .is_some_and(|parts| parts.values().all(Json::is_null));
        if is_empty { Json::Null } else { address }
    }
}

impl Records {
    pub(crate) fn get(&self, id: &SalesforceId) -> Option<&Record> {
        self.by_id.get(id).and_then(|&index| self.all.get(index))
    }

    pub(crate) fn get_mut(&mut self, id: &SalesforceId) -> Option<&mut Record> {
        let index = *self.by_id.get(id)?;
        self.all.get_mut(index)
    }

    pub(crate) fn add(&mut self, record: Record) {
        self.by_id.insert(record.id.clone(), self.all.len());
        self.all.push(record);
    }

    /// The records of an object, deleted ones too.
    pub(crate) fn of(&self, object: ObjectType) -> impl DoubleEndedIterator<Item = &Record> {
        self.all
            .iter()
            .filter(move |record| record.object == object)
    }
}
