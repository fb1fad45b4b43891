//! Values from JSON, as the REST API takes and refuses them.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use serde_json::{Number, Value as Json};
use sfbridge_values::SalesforceId;

use super::Value;
use crate::refusal::Refusal;
use crate::schema::{Field, Kind};

/// A value can't be kept in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WrongValue {
    /// It is no value of the field's type.
    Type {
        /// The type that is wanted.
        wanted: &'static str,
        /// What Salesforce's JSON reader calls it.
        token: &'static str,
        /// The value, as far as it is short.
        shown: String,
    },
    /// It is, and breaks a rule of the field.
    Rule(Refusal),
}

/// Reads a value for a field; none is null.
pub(crate) fn read(field: &Field, json: &Json) -> Result<Option<Value>, WrongValue> {
    let value = match json {
        Json::Null => return Ok(None),
        // An empty text is no value.
        Json::String(text) if text.is_empty() && is_text(&field.kind) => return Ok(None),
        json => json,
    };
    let wrong = || wrong_type(field, value);
    let value = match &field.kind {
        Kind::Boolean => Value::Boolean(boolean(value).ok_or_else(wrong)?),
        Kind::Integer { digits } => integer(field, *digits, value)?,
        Kind::Double { precision, scale } | Kind::Currency { precision, scale } => {
            double(field, *precision - *scale, *scale, value)?
        }
        Kind::Date => {
            let date: NaiveDate = value
                .as_str()
                .and_then(|text| text.get(..10).unwrap_or(text).parse().ok())
                .ok_or_else(wrong)?;
            within_years(field, date.year(), Value::Date(date))?
        }
        Kind::DateTime => {
            let time = value.as_str().and_then(date_time).ok_or_else(wrong)?;
            within_years(field, time.year(), Value::time(time))?
        }
        Kind::Id | Kind::Reference { .. } => {
            let text = value.as_str().ok_or_else(wrong)?;
            reference(field, text)?
        }
        Kind::Address => return Err(wrong()),
        _ => text(field, value.as_str().ok_or_else(wrong)?)?,
    };
    Ok(Some(value))
}

fn is_text(kind: &Kind) -> bool {
    kind.is_text() || matches!(kind, Kind::Id | Kind::Reference { .. })
}

fn wrong_type(field: &Field, json: &Json) -> WrongValue {
    const SHOWN: usize = 255;

    let (token, shown) = match json {
        Json::Null => ("VALUE_NULL", "null".to_owned()),
        Json::Bool(true) => ("VALUE_TRUE", "true".to_owned()),
        Json::Bool(false) => ("VALUE_FALSE", "false".to_owned()),
        Json::Number(number) if number.is_f64() => ("VALUE_NUMBER_FLOAT", number.to_string()),
        Json::Number(number) => ("VALUE_NUMBER_INT", number.to_string()),
        Json::String(text) => ("VALUE_STRING", text.chars().take(SHOWN).collect()),
        Json::Array(_) => ("START_ARRAY", "[".to_owned()),
        Json::Object(_) => ("START_OBJECT", "{".to_owned()),
    };
    WrongValue::Type {
        wanted: field.kind.name(),
        token,
        shown,
    }
}

fn rule(field: &Field, code: &'static str, message: String) -> WrongValue {
    WrongValue::Rule(Refusal::new(code, message).of(&[&field.name]))
}

fn boolean(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(value) => Some(*value),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A number, also one that is written as a text.
fn number(json: &Json) -> Option<Number> {
    match json {
        Json::Number(number) => Some(number.clone()),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn integer(field: &Field, digits: u32, json: &Json) -> Result<Value, WrongValue> {
    let number = number(json).ok_or_else(|| wrong_type(field, json))?;
    let Some(integer) = number.as_i64() else {
        return Err(if number.is_f64() {
            wrong_type(field, json)
        } else {
            out_of_range(field, &number)
        });
    };
    if integer.unsigned_abs() >= 10_u64.saturating_pow(digits) {
        return Err(out_of_range(field, &number));
    }
    Ok(Value::Integer(integer))
}

/// A number that is rounded to the digits which the field has after the point.
fn double(field: &Field, digits: u32, scale: u32, json: &Json) -> Result<Value, WrongValue> {
    let number = number(json).ok_or_else(|| wrong_type(field, json))?;
    let value = number
        .as_f64()
        .filter(|value| value.is_finite())
        .ok_or_else(|| out_of_range(field, &number))?;
    let power = |exponent: u32| 10_f64.powi(exponent.try_into().unwrap_or(i32::MAX));
    let scaled = value * power(scale);
    // Numbers that large have no digits after the point to begin with.
    let rounded = if scaled.abs() < power(15) {
        scaled.round() / power(scale)
    } else {
        value
    };
    if rounded.abs() >= power(digits) {
        return Err(out_of_range(field, &number));
    }
    Ok(Value::Double(rounded))
}

fn out_of_range(field: &Field, number: &Number) -> WrongValue {
    let label = &field.label;
    let message = format!("{label}: value outside of valid range on numeric field: {number}");
    rule(field, "NUMBER_OUTSIDE_VALID_RANGE", message)
}

/// An instant as XML Schema and as Salesforce write it.
fn date_time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|time| time.to_utc())
}

fn within_years(field: &Field, year: i32, value: Value) -> Result<Value, WrongValue> {
    if (1700..=4000).contains(&year) {
        return Ok(value);
    }
    let message = format!("{}: invalid date: {}", field.label, value.soap());
    Err(rule(field, "FIELD_INTEGRITY_EXCEPTION", message))
}

fn reference(field: &Field, text: &str) -> Result<Value, WrongValue> {
    let id = SalesforceId::parse(text)
        .ok()
        .filter(SalesforceId::is_checked);
    let id = id.ok_or_else(|| {
        let message = format!("{}: id value of incorrect type: {text}", field.label);
        rule(field, "MALFORMED_ID", message)
    })?;
    Ok(Value::text(id.to_long().as_str()))
}

fn text(field: &Field, text: &str) -> Result<Value, WrongValue> {
    let label = &field.label;
    let max = field.kind.length();
    if text.encode_utf16().count() > max {
        let message = format!("{label}: data value too large: {text} (max length={max})");
        return Err(rule(field, "STRING_TOO_LONG", message));
    }
    match &field.kind {
        Kind::Picklist {
            values,
            is_restricted: true,
        } if !values.iter().any(|value| value == text) => {
            let message = format!("{label}: bad value for restricted picklist field: {text}");
            let code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST";
            return Err(rule(field, code, message));
        }
        Kind::Email if !is_email(text) => {
            let message = format!("{label}: invalid email address: {text}");
            return Err(rule(field, "INVALID_EMAIL_ADDRESS", message));
        }
        _ => {}
    }
    Ok(Value::text(text))
}

/// What Salesforce checks of an address is not documented; this much is plain.
fn is_email(text: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty() && !part.contains(|character: char| character.is_whitespace())
    };
    let Some((person, host)) = text.rsplit_once('@') else {
        return false;
    };
    let labels = host.split('.').collect::<Vec<_>>();
    is_plain(person)
        && !person.contains('@')
        && labels.len() > 1
        && labels.into_iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::schema::{ObjectType, Schema};

    fn of_lead(name: &str, json: &Json) -> Result<Option<Value>, WrongValue> {
        let schema = Schema::new(&[], &[]).unwrap();
        read(schema.field(ObjectType::Lead, name).unwrap(), json)
    }

    #[track_caller]
    fn check(name: &str, json: &Json, expected: &str) {
        let value = of_lead(name, json).unwrap().unwrap();
        assert_eq!(value.soap(), expected);
    }

    #[track_caller]
    fn refused(name: &str, json: &Json, code: &str, message: &str) {
        let Err(WrongValue::Rule(refusal)) = of_lead(name, json) else {
            panic!("{json} is not refused by a rule");
        };
        assert_eq!((&*refusal.code, &*refusal.message), (code, message));
        assert_eq!(refusal.fields, [name]);
    }

    #[track_caller]
    fn no_value(name: &str, json: &Json, wanted: &str, token: &str) {
        match of_lead(name, json) {
            Err(WrongValue::Type {
                wanted: kind,
                token: read,
                ..
            }) => {
                assert_eq!((kind, read), (wanted, token));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_of_the_fields_type_are_taken() {
        check("Title", &json!("CEO"), "CEO");
        check("NumberOfEmployees", &json!(42), "42");
        check("NumberOfEmployees", &json!("42"), "42");
        check("AnnualRevenue", &json!(45_000), "45000.0");
        check("AnnualRevenue", &json!(1.5), "2.0");
        check("DoNotCall", &json!(true), "true");
        for time in [
            "2026-09-09T19:01:52Z",
            "2026-09-09T21:01:52.123+02:00",
            "2026-09-09T19:01:52.000+0000",
        ] {
            check(
                "Infinity_Visit_Time__c",
                &json!(time),
                "2026-09-09T19:01:52.000Z",
            );
        }
        check("OwnerId", &json!("005000000000001"), "005000000000001AAA");
    }

    #[test]
    fn null_and_empty_texts_are_no_value() {
        for (name, json) in [
            ("Title", json!(null)),
            ("Title", json!("")),
            ("DoNotCall", json!(null)),
        ] {
            assert_eq!(of_lead(name, &json).unwrap(), None);
        }
    }

    #[test]
    fn values_of_another_type_are_told_by_their_token() {
        no_value("Title", &json!(5), "string", "VALUE_NUMBER_INT");
        no_value("Phone", &json!(5), "phone", "VALUE_NUMBER_INT");
        no_value("AnnualRevenue", &json!("many"), "currency", "VALUE_STRING");
        no_value("AnnualRevenue", &json!(""), "currency", "VALUE_STRING");
        no_value(
            "NumberOfEmployees",
            &json!(4.5),
            "int",
            "VALUE_NUMBER_FLOAT",
        );
        no_value(
            "Infinity_Visit_Time__c",
            &json!("2026-09-09 19:01:52"),
            "datetime",
            "VALUE_STRING",
        );
        no_value(
            "Infinity_Visit_Time__c",
            &json!("2026-02-30T00:00:00Z"),
            "datetime",
            "VALUE_STRING",
        );
        no_value("DoNotCall", &json!([]), "boolean", "START_ARRAY");
    }

    #[test]
    fn values_that_break_a_rule_are_refused_in_salesforces_words() {
        refused(
            "AnnualRevenue",
            &json!(1e20),
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Annual Revenue: value outside of valid range on numeric field: 1e+20",
        );
        refused(
            "NumberOfEmployees",
            &json!(100_000_000),
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Employees: value outside of valid range on numeric field: 100000000",
        );
        refused(
            "CleanStatus",
            &json!("Spotless"),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Clean Status: bad value for restricted picklist field: Spotless",
        );
        refused(
            "Email",
            &json!("nobody"),
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: nobody",
        );
        refused(
            "OwnerId",
            &json!("me"),
            "MALFORMED_ID",
            "Owner ID: id value of incorrect type: me",
        );
        refused(
            "Infinity_Visit_Time__c",
            &json!("4001-01-01T00:00:00Z"),
            "FIELD_INTEGRITY_EXCEPTION",
            "Infinity Visit Time: invalid date: 4001-01-01T00:00:00.000Z",
        );
    }

    #[test]
    fn lengths_count_utf_16_units() {
        let fits = "\u{1f600}".repeat(20);
        check("FirstName", &json!(fits), &fits);
        let long = format!("{fits}x");
        let message = format!("First Name: data value too large: {long} (max length=40)");
        refused("FirstName", &json!(long), "STRING_TOO_LONG", &message);
    }

    proptest! {
        #[test]
        fn what_is_answered_is_taken_again(cents in -999_999_999_999_i64..=999_999_999_999, seconds in 0_i64..60_000_000_000) {
            #[expect(clippy::cast_precision_loss, reason = "12 digits are exact")]
            let amount = cents as f64 / 100.0;
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            for (name, value) in [("Latitude", Value::Double(amount / 1e10)), ("Infinity_Visit_Time__c", Value::time(time))] {
                let again = of_lead(name, &value.json()).unwrap().unwrap();
                let second = of_lead(name, &again.json()).unwrap().unwrap();
                prop_assert_eq!(again, second);
            }
        }
    }
}
