//! Outbound messages as an admin defines them.

use reqwest::Url;
use serde::{Deserialize, Serialize};
use sfbridge_values::SalesforceId;

use crate::schema::{Field, ObjectType, Schema};

/// An outbound message as a data file defines it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DefinitionDescription {
    /// Its name.
    pub name: String,
    /// The API name of the object.
    pub object: String,
    /// Where it is sent.
    pub endpoint: String,
    /// The fields that are sent; all of the object's unless given.
    #[serde(default)]
    pub fields: Vec<String>,
    /// What fires it.
    #[serde(default)]
    pub on: Trigger,
    /// *Add failures to failed outbound message related list*.
    #[serde(default = "yes")]
    pub keep_failures: bool,
}

fn yes() -> bool {
    true
}

/// What fires an outbound message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A new record.
    Create,
    /// A record that is saved again.
    Update,
    /// Both.
    #[default]
    CreateOrUpdate,
}

/// What has happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Created,
    Updated,
}

/// A definition whose names are known.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) action_id: SalesforceId,
    pub(crate) object: ObjectType,
    pub(crate) endpoint: Url,
    /// By their exact names, in the order in which they are sent.
    pub(crate) fields: Vec<String>,
    pub(crate) on: Trigger,
    pub(crate) keeps_failures: bool,
}

/// A definition names what is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDefinition {
    /// No such object.
    #[error("the outbound message `{0}` is of an object that is none of Lead, Opportunity, Task")]
    Object(String),
    /// No such field.
    #[error("the outbound message `{name}` has a field `{field}` that its object does not have")]
    Field {
        /// The definition.
        name: String,
        /// The field.
        field: String,
    },
    /// Not a URL. It is not repeated, for it may hold a token.
    #[error("the endpoint of the outbound message `{0}` is no http:// or https:// URL")]
    Endpoint(String),
}

impl Definition {
    /// Checks a definition against the org's fields.
    pub(crate) fn new(
        description: &DefinitionDescription,
        action_id: SalesforceId,
        schema: &Schema,
    ) -> Result<Self, InvalidDefinition> {
        let name = description.name.clone();
        let object = ObjectType::named(&description.object)
            .ok_or_else(|| InvalidDefinition::Object(name.clone()))?;
        let endpoint = Url::parse(&description.endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| InvalidDefinition::Endpoint(name.clone()))?;
        let mut fields = if description.fields.is_empty() {
            sendable(schema, object)
        } else {
            let found = description.fields.iter().map(|field| {
                let found = schema
                    .field(object, field)
                    .filter(|field| is_sendable(field));
                found
                    .map(|field| field.name.clone())
                    .ok_or_else(|| InvalidDefinition::Field {
                        name: name.clone(),
                        field: field.clone(),
                    })
            });
            found.collect::<Result<_, _>>()?
        };
        // Salesforce sends the id first and the others by their names.
        fields.retain(|field| field != "Id");
        fields.sort_unstable();
        fields.dedup();
        Ok(Self {
            name,
            action_id,
            object,
            endpoint,
            fields,
            on: description.on,
            keeps_failures: description.keep_failures,
        })
    }

    /// Whether a change of an object fires it.
    pub(crate) fn is_fired_by(&self, object: ObjectType, change: Change) -> bool {
        let is_wanted = match self.on {
            Trigger::Create => change == Change::Created,
            Trigger::Update => change == Change::Updated,
            Trigger::CreateOrUpdate => true,
        };
        self.object == object && is_wanted
    }
}

fn sendable(schema: &Schema, object: ObjectType) -> Vec<String> {
    let fields = schema
        .fields(object)
        .iter()
        .filter(|field| is_sendable(field));
    fields.map(|field| field.name.clone()).collect()
}

/// Compound fields are sent by their parts alone.
fn is_sendable(field: &Field) -> bool {
    field.kind != crate::schema::Kind::Address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(
        object: &str,
        endpoint: &str,
        fields: &[&str],
    ) -> Result<Definition, InvalidDefinition> {
        let description = DefinitionDescription {
            name: "New leads".to_owned(),
            object: object.to_owned(),
            endpoint: endpoint.to_owned(),
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            on: Trigger::Create,
            keep_failures: true,
        };
        let id = SalesforceId::parse("04k000000000001").unwrap();
        Definition::new(&description, id, &Schema::new(&[], &[]).unwrap())
    }

    #[test]
    fn fields_are_sent_in_the_order_of_their_names() {
        let fields = ["LastName", "id", "company", "CreatedDate", "Company"];
        let definition = definition("lead", "http://127.0.0.1:1/", &fields).unwrap();
        assert_eq!(definition.fields, ["Company", "CreatedDate", "LastName"]);
        assert!(definition.is_fired_by(ObjectType::Lead, Change::Created));
        assert!(!definition.is_fired_by(ObjectType::Lead, Change::Updated));
        assert!(!definition.is_fired_by(ObjectType::Task, Change::Created));
    }

    #[test]
    fn names_that_are_not_there_are_refused() {
        let name = || "New leads".to_owned();
        let refused = |object, endpoint, field| definition(object, endpoint, &[field]).err();
        let field = "Address".to_owned();
        assert_eq!(
            refused("Lead", "http://a/", "Address"),
            Some(InvalidDefinition::Field {
                name: name(),
                field
            })
        );
        assert_eq!(
            refused("Case", "http://a/", "Id"),
            Some(InvalidDefinition::Object(name()))
        );
        for endpoint in ["127.0.0.1:8080", "ftp://a/", ""] {
            let expected = Some(InvalidDefinition::Endpoint(name()));
            assert_eq!(refused("Lead", endpoint, "Id"), expected);
        }
    }
}
