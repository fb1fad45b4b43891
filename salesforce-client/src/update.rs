//! Changes to Leads, and what came of each.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use sfbridge_values::{Decimal, FieldName, SalesforceId};

use crate::client::CallKind;
use crate::error::{Error, ErrorClass, Words};
use crate::error_table;

/// What is to be written into one Lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadUpdate {
    id: SalesforceId,
    // Invariant: no name twice, and none that is not a field's.
    fields: Vec<(FieldName, FieldValue)>,
}

/// A value for a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// A number, written with all its digits.
    Number(Decimal),
    /// A day.
    Date(NaiveDate),
    /// An instant, which Salesforce keeps to the second.
    DateTime(DateTime<Utc>),
}

/// Changes to several Leads, in one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateBatch {
    // Invariant: at most 200, no Lead twice.
    updates: Vec<LeadUpdate>,
}

/// Fields can't be written together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLeadUpdate {
    /// A record's id can't be written.
    #[error("names the record's id, which can't be written")]
    Id,
    /// A field has two values.
    #[error("names a field twice")]
    Twice,
}

/// Changes can't be made in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpdateBatch {
    /// More than Salesforce takes.
    #[error("has more than 200 Leads")]
    TooMany,
    /// Salesforce refuses the later ones.
    #[error("has a Lead twice")]
    Twice,
}

impl LeadUpdate {
    /// Puts a change together.
    ///
    /// # Errors
    ///
    /// [`InvalidLeadUpdate`] says which rule the fields break.
    pub fn new(
        id: SalesforceId,
        fields: Vec<(FieldName, FieldValue)>,
    ) -> Result<Self, InvalidLeadUpdate> {
        let mut seen = HashSet::new();
        for (name, _) in &fields {
            let name = name.as_str().to_ascii_lowercase();
            if matches!(name.as_str(), "id" | "attributes") {
                return Err(InvalidLeadUpdate::Id);
            }
            if !seen.insert(name) {
                return Err(InvalidLeadUpdate::Twice);
            }
        }
        Ok(Self { id, fields })
    }

    /// The Lead.
    pub fn id(&self) -> &SalesforceId {
        &self.id
    }
}

impl UpdateBatch {
    /// The most Leads in a call.
    pub const MOST: usize = 200;

    /// Puts a call together.
    ///
    /// # Errors
    ///
    /// [`InvalidUpdateBatch`] when it has more than 200 Leads, or one twice.
    pub fn new(updates: Vec<LeadUpdate>) -> Result<Self, InvalidUpdateBatch> {
        if updates.len() > Self::MOST {
            return Err(InvalidUpdateBatch::TooMany);
        }
        let mut seen = HashSet::new();
        if !updates.iter().all(|update| seen.insert(update.id())) {
            return Err(InvalidUpdateBatch::Twice);
        }
        Ok(Self { updates })
    }

    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.updates.is_empty()
    }

    /// The body of the request.
    pub(crate) fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Body {
            all_or_none: false,
            records: Records(&self.updates),
        })
    }

    /// What came of each change, in their order.
    pub(crate) fn results(&self, body: &[u8]) -> Result<Vec<Result<(), Error>>, Error> {
        let rows: Vec<Row> = serde_json::from_slice(body).map_err(|_| {
            let message = "the answer to the update is not in Salesforce's form";
            Error::unreadable(CallKind::Update, message)
        })?;
        if rows.len() != self.updates.len() {
            let message = format!(
                "the answer to the update has {} results for {} records",
                rows.len(),
                self.updates.len()
            );
            return Err(Error::unreadable(CallKind::Update, message));
        }
        let pairs = self.updates.iter().zip(rows);
        Ok(pairs.map(|(update, row)| row.result(update.id())).collect())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    all_or_none: bool,
    records: Records<'a>,
}

struct Records<'a>(&'a [LeadUpdate]);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut records = serializer.serialize_seq(Some(self.0.len()))?;
        for update in self.0 {
            records.serialize_element(&Record(update))?;
        }
        records.end()
    }
}

struct Record<'a>(&'a LeadUpdate);

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Attributes {
            r#type: &'static str,
        }

        let Self(update) = self;
        let mut record = serializer.serialize_map(Some(update.fields.len() + 2))?;
        record.serialize_entry("attributes", &Attributes { r#type: "Lead" })?;
        record.serialize_entry("id", update.id.as_str())?;
        for (name, value) in &update.fields {
            record.serialize_entry(name.as_str(), value)?;
        }
        record.end()
    }
}

impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            // A binary number would not hold all digits.
            Self::Number(number) => RawValue::from_string(number.to_string())
                .map_err(S::Error::custom)?
                .serialize(serializer),
            Self::Date(date) => serializer.collect_str(&date.format("%Y-%m-%d")),
            Self::DateTime(time) => {
                serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
            }
        }
    }
}

/// What came of one record.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    id: Option<String>,
    success: bool,
    #[serde(default)]
    errors: Vec<RowError>,
}

#[derive(Deserialize)]
struct RowError {
    #[serde(rename = "statusCode")]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    fields: Vec<String>,
}

impl Row {
    fn result(self, id: &SalesforceId) -> Result<(), Error> {
        let is_other = self
            .id
            .as_deref()
            .is_some_and(|text| SalesforceId::parse(text).as_ref() != Ok(id));
        if is_other {
            let message = "the answer to the update is about another record";
            return Err(Error::unreadable(CallKind::Update, message));
        }
        if self.success {
            return Ok(());
        }
        Err(error(self.errors))
    }
}

/// The error that decides: what is only said because of another comes last, and
/// errors of fields count together.
fn error(errors: Vec<RowError>) -> Error {
    let words = errors.into_iter().map(|error| Words {
        code: error.code,
        message: error.message,
        fields: error.fields,
    });
    let mut words: Vec<Words> = words.collect();
    words.sort_by_key(|words| match error_table::of_row(words) {
        ErrorClass::Field => 1,
        ErrorClass::Unknown => 2,
        _ => 0,
    });
    let mut words = words.into_iter();
    let Some(mut first) = words.next() else {
        let message = "Salesforce refused the record without a reason";
        return Error::new(CallKind::Update, ErrorClass::Unknown, message);
    };
    if error_table::of_row(&first) == ErrorClass::Field {
        let fields = |words: &Words| error_table::fields(words);
        let others = words.filter(|words| error_table::of_row(words) == ErrorClass::Field);
        let all: Vec<String> = others.flat_map(|words| fields(&words)).collect();
        let mut own = fields(&first);
        for field in all {
            if !own.contains(&field) {
                own.push(field);
            }
        }
        first.fields = own;
    }
    Error::of_row(&first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn id(number: usize) -> SalesforceId {
        SalesforceId::parse(&format!("00Q{number:012}")).unwrap()
    }

    fn name(text: &str) -> FieldName {
        FieldName::parse(text).unwrap()
    }

    fn batch(count: usize) -> UpdateBatch {
        let update = |number| LeadUpdate::new(id(number), Vec::new()).unwrap();
        UpdateBatch::new((0..count).map(update).collect()).unwrap()
    }

    #[test]
    fn values_are_written_as_salesforce_reads_them() {
        let time = DateTime::parse_from_rfc3339("2024-05-01T10:20:30Z")
            .unwrap()
            .to_utc();
        let fields = vec![
            (name("Text__c"), FieldValue::Text("a \"b\" ü".to_owned())),
            (
                name("Number__c"),
                FieldValue::Number(Decimal::read("123456789012345678.25").unwrap().decimal),
            ),
            (name("Date__c"), FieldValue::Date(time.date_naive())),
            (name("Time__c"), FieldValue::DateTime(time)),
        ];
        let update = LeadUpdate::new(id(1), fields).unwrap();
        let body = UpdateBatch::new(vec![update]).unwrap().body().unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            "{\"allOrNone\":false,\"records\":[{\"attributes\":{\"type\":\"Lead\"},\
             \"id\":\"00Q000000000001\",\"Text__c\":\"a \\\"b\\\" ü\",\
             \"Number__c\":123456789012345678.25,\"Date__c\":\"2024-05-01\",\
             \"Time__c\":\"2024-05-01T10:20:30.000Z\"}]}"
        );
    }

    #[test]
    fn a_call_has_each_lead_once_and_each_field_once() {
        let text = FieldValue::Text(String::new());
        let twice = vec![(name("A__c"), text.clone()), (name("a__C"), text.clone())];
        assert_eq!(LeadUpdate::new(id(1), twice), Err(InvalidLeadUpdate::Twice));
        for other in ["Id", "ID", "attributes"] {
            let fields = vec![(name(other), text.clone())];
            assert_eq!(LeadUpdate::new(id(1), fields), Err(InvalidLeadUpdate::Id));
        }
        let update =
            |text: &str| LeadUpdate::new(SalesforceId::parse(text).unwrap(), Vec::new()).unwrap();
        let both = vec![update("00Q000000000001EAA"), update("00Q000000000001")];
        assert_eq!(UpdateBatch::new(both), Err(InvalidUpdateBatch::Twice));
        let many = (0..201).map(|number| LeadUpdate::new(id(number), Vec::new()).unwrap());
        assert_eq!(
            UpdateBatch::new(many.collect()),
            Err(InvalidUpdateBatch::TooMany)
        );
    }

    #[track_caller]
    fn check(errors: &Json, class: ErrorClass, code: &str, fields: &[&str]) {
        let row = json!([{ "success": false, "errors": errors }]);
        let results = batch(1).results(row.to_string().as_bytes()).unwrap();
        let error = results[0].as_ref().unwrap_err();
        assert_eq!((error.class(), error.code()), (class, Some(code)));
        assert_eq!(error.fields(), fields);
    }

    #[test]
    fn of_several_errors_the_one_that_decides_counts() {
        let too_long = json!({"statusCode": "STRING_TOO_LONG", "fields": ["A__c"]});
        let pick = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST";
        let picklist = json!({"statusCode": pick, "fields": ["A__c", "B__c"]});
        let gone = json!({"statusCode": "ENTITY_IS_DELETED"});
        let halted = json!({"statusCode": "PROCESSING_HALTED"});
        let both = json!([halted, too_long, picklist]);
        check(
            &both,
            ErrorClass::Field,
            "STRING_TOO_LONG",
            &["A__c", "B__c"],
        );
        let all = json!([halted, too_long, gone]);
        check(&all, ErrorClass::RecordGone, "ENTITY_IS_DELETED", &[]);
        check(
            &json!([halted]),
            ErrorClass::Unknown,
            "PROCESSING_HALTED",
            &[],
        );
    }

    #[test]
    fn an_answer_that_does_not_fit_is_no_answer() {
        for body in [
            "",
            "{}",
            "[]",
            "<html>",
            r#"[{"success":true},{"success":true}]"#,
        ] {
            let error = batch(1).results(body.as_bytes()).unwrap_err();
            assert!(error.is_outcome_unknown(), "{body}");
        }
        let other = json!([{ "id": id(2).as_str(), "success": true }]).to_string();
        let results = batch(1).results(other.as_bytes()).unwrap();
        assert_eq!(
            results[0].as_ref().unwrap_err().class(),
            ErrorClass::Unknown
        );
    }

    proptest! {
        #[test]
        fn each_result_belongs_to_its_lead(outcomes in proptest::collection::vec(any::<bool>(), 0..200)) {
            let rows = outcomes.iter().enumerate().map(|(number, success)| {
                if *success {
                    json!({ "id": id(number).to_long().as_str(), "success": true, "errors": [] })
                } else {
                    let error = json!({
                        "statusCode": "ENTITY_IS_DELETED",
                        "message": format!("lead {number}"),
                        "fields": [],
                    });
                    json!({ "success": false, "errors": [error] })
                }
            });
            let body = Json::Array(rows.collect()).to_string();
            let results = batch(outcomes.len()).results(body.as_bytes()).unwrap();
            prop_assert_eq!(results.len(), outcomes.len());
            for (number, (result, success)) in results.iter().zip(&outcomes).enumerate() {
                match result {
                    Ok(()) => prop_assert!(*success),
                    Err(error) => {
                        prop_assert!(!success);
                        prop_assert_eq!(error.message(), format!("lead {number}"));
                    }
                }
            }
        }
    }
}
