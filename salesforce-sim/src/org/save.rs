//! Records made, changed, deleted and converted, by Salesforce's rules.

use serde_json::{Map, Value as Json};
use sfbridge_values::SalesforceId;
use tokio::time::Instant;

use super::{Org, Record};
use crate::failure::Operation;
use crate::outbound::Change;
use crate::refusal::Refusal;
use crate::schema::{Access, Field, Kind, ObjectType};
use crate::value::{self, Value, WrongValue};

/// Who saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// The data that the org begins with.
    Data,
    /// Somebody who works with the org.
    Person,
    /// The user of the API.
    Api,
}

/// How a save is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saving<'a> {
    pub(crate) author: Author,
    /// `Sforce-Auto-Assign`.
    pub(crate) auto_assign: bool,
    /// `Sforce-Duplicate-Rule-Header: allowSave=true`.
    pub(crate) allows_duplicates: bool,
    /// The request's text, for errors that name a place in it.
    pub(crate) request: Option<&'a str>,
}

impl Saving<'_> {
    /// A save with the defaults.
    pub(crate) fn by(author: Author) -> Self {
        Self {
            author,
            auto_assign: false,
            allows_duplicates: false,
            request: None,
        }
    }
}

/// Values to be written, by exact names.
pub(crate) type Changes = Vec<(String, Option<Value>)>;

impl Org {
    /// Makes a record; its id.
    pub(crate) fn create(
        &mut self,
        object: ObjectType,
        fields: &Map<String, Json>,
        saving: &Saving<'_>,
    ) -> Result<SalesforceId, Refusal> {
        let id = self.given_id(object, fields, saving)?;
        let changes = self.initial(object, fields, saving)?;
        self.trip(Operation::Create, None, saving)?;
        let id = match id {
            Some(id) => id,
            None => self.ids.next(object.prefix())?,
        };
        let mut record = Record::new(id.clone(), object);
        let now = Value::time(self.now());
        let user = Value::text(self.user(saving.author).as_str());
        for (name, value) in [
            ("IsDeleted", Value::Boolean(false)),
            ("CreatedDate", now),
            ("CreatedById", user),
        ] {
            record.set(name, Some(value));
        }
        self.records.add(record);
        self.write(&id, changes, saving);
        self.fire(&id, object, Change::Created, saving);
        Ok(id)
    }

    /// Checks whether a record could be made.
    pub(crate) fn check_create(
        &self,
        object: ObjectType,
        fields: &Map<String, Json>,
        saving: &Saving<'_>,
    ) -> Result<(), Refusal> {
        self.initial(object, fields, saving).map(|_| ())
    }

    /// Everything that a new record begins with.
    fn initial(
        &self,
        object: ObjectType,
        fields: &Map<String, Json>,
        saving: &Saving<'_>,
    ) -> Result<Changes, Refusal> {
        let mut changes = self.changes(object, fields, saving)?;
        for (name, value) in self.defaults(object) {
            if !changes.iter().any(|(given, _)| given == name) {
                changes.push((name.to_owned(), Some(value)));
            }
        }
        let missing = self.missing(object, |name| {
            changes
                .iter()
                .any(|(given, value)| given == name && value.is_some())
        });
        check_required(&missing)?;
        Ok(changes)
    }

    /// The id that the data says; nobody else chooses ids.
    fn given_id(
        &self,
        object: ObjectType,
        fields: &Map<String, Json>,
        saving: &Saving<'_>,
    ) -> Result<Option<SalesforceId>, Refusal> {
        let Some(text) = fields.get("Id").and_then(Json::as_str) else {
            return Ok(None);
        };
        if saving.author == Author::Api {
            return Ok(None);
        }
        let id = SalesforceId::parse(text)
            .ok()
            .filter(|id| id.as_str().starts_with(object.prefix()));
        let id = id.ok_or_else(|| {
            let message = format!("{object} ID: id value of incorrect type: {text}");
            Refusal::new("MALFORMED_ID", message).of(&["Id"])
        })?;
        if self.records.get(&id).is_some() {
            let message = format!("there is a record {id} already");
            return Err(Refusal::new("DUPLICATE_VALUE", message).of(&["Id"]));
        }
        Ok(Some(id.to_long()))
    }

    /// Changes a record.
    pub(crate) fn update(
        &mut self,
        id: &SalesforceId,
        fields: &Map<String, Json>,
        saving: &Saving<'_>,
    ) -> Result<(), Refusal> {
        let changes = self.check_update(id, fields, saving)?;
        self.commit_update(id, changes, saving);
        Ok(())
    }

    /// Checks a change without making it, so that several can be made together.
    pub(crate) fn check_update(
        &mut self,
        id: &SalesforceId,
        fields: &Map<String, Json>,
        saving: &Saving<'_>,
    ) -> Result<Changes, Refusal> {
        let record = self.records.get(id).ok_or_else(Refusal::not_found)?;
        let object = record.object;
        let (is_deleted, is_converted) = (record.is_deleted(), record.is("IsConverted"));
        let changes = self.changes(object, fields, saving)?;
        if is_deleted {
            return Err(Refusal::deleted());
        }
        if is_converted && saving.author == Author::Api {
            return Err(Refusal::converted());
        }
        self.trip(Operation::Update, Some(id), saving)?;
        let cleared = self.missing(object, |name| {
            !changes
                .iter()
                .any(|(given, value)| given == name && value.is_none())
        });
        check_required(&cleared)?;
        Ok(changes)
    }

    /// Makes a change that was checked.
    pub(crate) fn commit_update(
        &mut self,
        id: &SalesforceId,
        changes: Changes,
        saving: &Saving<'_>,
    ) {
        let Some(object) = self.records.get(id).map(|record| record.object) else {
            return;
        };
        self.write(id, changes, saving);
        self.fire(id, object, Change::Updated, saving);
    }

    /// Puts a record into the recycle bin. It fires nothing, as in Salesforce.
    pub(crate) fn delete(&mut self, id: &SalesforceId, saving: &Saving<'_>) -> Result<(), Refusal> {
        self.trip(Operation::Delete, Some(id), saving)?;
        let record = self.records.get_mut(id).ok_or_else(Refusal::not_found)?;
        if record.is_deleted() {
            return Err(Refusal::deleted());
        }
        record.set("IsDeleted", Some(Value::Boolean(true)));
        self.stamp(id, saving.author);
        Ok(())
    }

    /// Converts a Lead, after which nothing changes it any more.
    pub(crate) fn convert(&mut self, id: &SalesforceId) -> Result<(), Refusal> {
        let date = self.now().date_naive();
        let record = self
            .records
            .get_mut(id)
            .filter(|record| record.object == ObjectType::Lead);
        let record = record.ok_or_else(Refusal::not_found)?;
        record.set("IsConverted", Some(Value::Boolean(true)));
        record.set("ConvertedDate", Some(Value::Date(date)));
        record.set("Status", Some(Value::text("Closed - Converted")));
        self.stamp(id, Author::Person);
        Ok(())
    }

    /// Reads the fields of a request.
    fn changes(
        &self,
        object: ObjectType,
        fields: &Map<String, Json>,
        saving: &Saving<'_>,
    ) -> Result<Changes, Refusal> {
        let is_given = |name: &String| !name.eq_ignore_ascii_case("attributes");
        let mut found = Vec::with_capacity(fields.len());
        for (name, json) in fields.iter().filter(|(name, _)| is_given(name)) {
            let field = self.schema.field(object, name);
            let field = field.ok_or_else(|| Refusal::no_such_column(name, object.name()))?;
            found.push((field, name, json));
        }
        let read_only: Vec<&str> = found
            .iter()
            .filter(|(field, _, _)| field.access == Access::ReadOnly)
            .map(|(field, _, _)| field.name.as_str())
            .collect();
        if !read_only.is_empty() && saving.author == Author::Api {
            let message = format!(
                "Unable to create/update fields: {}. Please check the security settings of this \
                 field and verify that it is read/write for your profile or permission set.",
                read_only.join(", ")
            );
            return Err(Refusal::new("INVALID_FIELD_FOR_INSERT_UPDATE", message).of(&read_only));
        }
        found
            .into_iter()
            .map(|(field, name, json)| {
                let value = value::read(field, json)
                    .map_err(|wrong| refusal(field, name, wrong, saving.request))?;
                // A box is ticked or not.
                let value = match (value, &field.kind) {
                    (None, Kind::Boolean) => Some(Value::Boolean(false)),
                    (value, _) => value,
                };
                Ok((field.name.clone(), value))
            })
            .collect()
    }

    /// What Salesforce writes where nobody says anything.
    fn defaults(&self, object: ObjectType) -> Vec<(&'static str, Value)> {
        let owner = ("OwnerId", Value::text(self.users.owner.as_str()));
        match object {
            ObjectType::Lead => vec![
                owner,
                ("Status", Value::text("Open - Not Contacted")),
                ("IsConverted", Value::Boolean(false)),
                ("IsUnreadByOwner", Value::Boolean(true)),
                ("HasOptedOutOfEmail", Value::Boolean(false)),
                ("DoNotCall", Value::Boolean(false)),
            ],
            ObjectType::Opportunity => vec![owner],
            ObjectType::Task => vec![
                owner,
                ("Status", Value::text("Not Started")),
                ("Priority", Value::text("Normal")),
            ],
        }
    }

    /// The fields that people have to fill in and that are not there.
    fn missing(&self, object: ObjectType, is_there: impl Fn(&str) -> bool) -> Vec<String> {
        let fields = self.schema.fields(object).iter();
        fields
            .filter(|field| field.is_required && field.access == Access::Editable)
            .filter(|field| !is_there(&field.name))
            .map(|field| field.name.clone())
            .collect()
    }

    /// Lets a failure happen that is to happen.
    fn trip(
        &mut self,
        operation: Operation,
        id: Option<&SalesforceId>,
        saving: &Saving<'_>,
    ) -> Result<(), Refusal> {
        if saving.author != Author::Api {
            return Ok(());
        }
        match self
            .failures
            .for_record(operation, id, saving.allows_duplicates)
        {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    fn write(&mut self, id: &SalesforceId, changes: Changes, saving: &Saving<'_>) {
        let queue = Value::text(self.users.queue.as_str());
        let assigns = self.switches.has_assignment_rule && saving.auto_assign;
        if let Some(record) = self.records.get_mut(id) {
            for (name, value) in changes {
                record.set(&name, value);
            }
            if assigns && record.object == ObjectType::Lead {
                record.set("OwnerId", Some(queue));
            }
        }
        self.stamp(id, saving.author);
    }

    /// Writes who changed a record last, and when.
    fn stamp(&mut self, id: &SalesforceId, author: Author) {
        let now = Value::time(self.now());
        let user = Value::text(self.user(author).as_str());
        if let Some(record) = self.records.get_mut(id) {
            record.set("LastModifiedDate", Some(now.clone()));
            record.set("LastModifiedById", Some(user));
            record.set("SystemModstamp", Some(now));
        }
    }

    fn user(&self, author: Author) -> &SalesforceId {
        match author {
            Author::Data | Author::Person => &self.users.owner,
            Author::Api => &self.users.api,
        }
    }

    fn fire(&mut self, id: &SalesforceId, object: ObjectType, change: Change, saving: &Saving<'_>) {
        let fires = match saving.author {
            Author::Data => false,
            Author::Person => true,
            Author::Api => self.switches.api_sends_outbound_messages,
        };
        if fires {
            self.outbox
                .fire(object, id, change, Instant::now(), &mut self.ids);
        }
    }
}

fn check_required(missing: &[String]) -> Result<(), Refusal> {
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("Required fields are missing: [{}]", missing.join(", "));
    let fields: Vec<&str> = missing.iter().map(String::as_str).collect();
    Err(Refusal::new("REQUIRED_FIELD_MISSING", message).of(&fields))
}

/// A value that can't be kept, in the words of the API that brought it: where
/// the request as a whole is read into the record, its reader complains; where
/// it is one record of several, the record is refused.
fn refusal(field: &Field, name: &str, wrong: WrongValue, request: Option<&str>) -> Refusal {
    match (wrong, request) {
        (WrongValue::Rule(refusal), _) => refusal,
        (
            WrongValue::Type {
                wanted,
                token,
                shown,
            },
            Some(request),
        ) => {
            let (line, column) = place(request, name);
            let message = format!(
                "Cannot deserialize instance of {wanted} from {token} value {shown} or request \
                 may be missing a required field at [line:{line}, column:{column}]"
            );
            Refusal::new("JSON_PARSER_ERROR", message)
        }
        (WrongValue::Type { shown, .. }, None) => {
            let message = format!("{}: value not of required type: {shown}", field.label);
            Refusal::new("INVALID_TYPE_ON_FIELD_IN_RECORD", message).of(&[&field.name])
        }
    }
}

/// Where a field's value begins, near enough.
fn place(request: &str, name: &str) -> (usize, usize) {
    let quoted = format!("\"{name}\"");
    let before = match request.find(&quoted) {
        Some(start) => &request[..start + quoted.len()],
        None => "",
    };
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 2;
    (line, column)
}
