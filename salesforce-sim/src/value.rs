//! What a field of a record holds.

mod read;

use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};
use serde_json::Value as Json;

pub(crate) use read::{WrongValue, read};

/// A value of a record. A field without one is null, and not kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Boolean(bool),
    Integer(i64),
    /// Salesforce keeps 18 digits; 15 are enough for a pretend org.
    Double(f64),
    Date(NaiveDate),
    /// To the second.
    DateTime(DateTime<Utc>),
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// An instant, without what Salesforce does not keep of it.
    pub(crate) fn time(time: DateTime<Utc>) -> Self {
        Self::DateTime(time.trunc_subsecs(0))
    }

    /// As the REST API writes it.
    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Text(text) => Json::from(text.as_str()),
            Self::Boolean(value) => Json::from(*value),
            Self::Integer(number) => Json::from(*number),
            Self::Double(number) => Json::from(*number),
            Self::Date(date) => Json::from(date.to_string()),
            Self::DateTime(time) => {
                Json::from(time.format("%Y-%m-%dT%H:%M:%S.000+0000").to_string())
            }
        }
    }

    /// As an outbound message writes it, before it is escaped.
    pub(crate) fn soap(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(number) => number.to_string(),
            // Always with a point, as in real messages.
            Self::Double(number) => format!("{number:?}"),
            Self::Date(date) => date.to_string(),
            Self::DateTime(time) => time.format("%Y-%m-%dT%H:%M:%S.000Z").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &Value, json: &str, soap: &str) {
        assert_eq!(value.json().to_string(), json);
        assert_eq!(value.soap(), soap);
    }

    #[test]
    fn rest_and_soap_write_values_in_their_own_ways() {
        let time = "2026-09-09T19:01:52.987Z".parse().unwrap();
        check(
            &Value::time(time),
            "\"2026-09-09T19:01:52.000+0000\"",
            "2026-09-09T19:01:52.000Z",
        );
        check(&Value::Double(45_000.0), "45000.0", "45000.0");
        check(&Value::Double(12.5), "12.5", "12.5");
        check(&Value::Integer(42), "42", "42");
        check(&Value::Boolean(true), "true", "true");
        check(&Value::text("a & b"), "\"a & b\"", "a & b");
        let date = "2026-02-28".parse().unwrap();
        check(&Value::Date(date), "\"2026-02-28\"", "2026-02-28");
    }
}
