//! How what is expected and what is there are compared.

use std::str::FromStr as _;
use std::time::{Duration, SystemTime};

use prost_types::Timestamp;
use serde_json::Value;
use sfbridge_values::Decimal;

/// Says where `found` is not what `expected` says: objects are compared by the
/// keys that are expected, lists entirely.
pub(super) fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare("", expected, found, &mut differences);
    differences
}

/// Says which of the expected records are not there, and which are there
/// without being expected. The order does not matter; an expected record takes
/// the first that fits.
pub(super) fn list_differences(kind: &str, expected: &[Value], found: &[Value]) -> Vec<String> {
    let mut left: Vec<&Value> = found.iter().collect();
    let mut told = Vec::new();
    for one in expected {
        let place = left
            .iter()
            .position(|found| differences(one, found).is_empty());
        match place {
            Some(place) => drop(left.remove(place)),
            None => told.push(format!("{kind}: expected and not there: {one}")),
        }
    }
    for one in &left {
        let nearest = expected
            .iter()
            .map(|expected| differences(expected, one))
            .min_by_key(Vec::len)
            .unwrap_or_default();
        told.push(format!("{kind}: there and not expected: {one}"));
        told.extend(nearest.into_iter().map(|line| format!("  nearest: {line}")));
    }
    told
}

fn compare(path: &str, expected: &Value, found: &Value, differences: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, expected) in expected {
                let found = found.get(key).unwrap_or(&Value::Null);
                compare(&format!("{path}.{key}"), expected, found, differences);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{path}[{index}]"), expected, found, differences);
            }
        }
        _ => {
            if !fits(expected, found) {
                differences.push(format!("{path}: expected {expected}, found {found}"));
            }
        }
    }
}

fn fits(expected: &Value, found: &Value) -> bool {
    let (Value::String(expected), Value::String(found)) = (expected, found) else {
        return expected == found;
    };
    if let Some(expected) = expected.strip_prefix("dec:") {
        let expected = Decimal::read(expected).unwrap();
        return Decimal::read(found).is_ok_and(|found| found == expected);
    }
    if let Some(part) = expected.strip_prefix("has:") {
        return found.contains(part);
    }
    if expected == "now" {
        return Timestamp::from_str(found).is_ok_and(is_recent);
    }
    expected == found
}

fn is_recent(time: Timestamp) -> bool {
    const MINUTES: Duration = Duration::from_mins(10);
    #[expect(
        clippy::disallowed_methods,
        reason = "`now` in a case is the time at which the case is run"
    )]
    let now = SystemTime::now();
    SystemTime::try_from(time).is_ok_and(|time| {
        let distance = now.duration_since(time);
        distance.unwrap_or_else(|ahead| ahead.duration()) < MINUTES
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(expected: &Value, found: &Value, differs: bool) {
        let differences = differences(expected, found);
        assert_eq!(!differences.is_empty(), differs, "{differences:?}");
    }

    #[test]
    fn records_are_compared_by_what_is_expected_of_them() {
        let found = json!({"a": "1.50", "b": {"x": 1, "y": 2}, "c": ["one", "two"]});
        for expected in [
            json!({}),
            json!({"a": "dec:1.5"}),
            json!({"a": "1.50", "b": {"x": 1}}),
            json!({"c": ["one", "has:w"]}),
        ] {
            check(&expected, &found, false);
        }
        for expected in [
            json!({"a": "1.5"}),
            json!({"a": "dec:1.51"}),
            json!({"b": {"z": 1}}),
            json!({"c": ["one"]}),
            json!({"c": ["has:w", "one"]}),
            json!({"a": "now"}),
        ] {
            check(&expected, &found, true);
        }
    }

    #[test]
    fn lists_are_complete_and_in_any_order() {
        let found = [json!({"a": 1}), json!({"a": 2})];
        let told = |expected: &[Value]| list_differences("events", expected, &found).len();
        assert_eq!(told(&[json!({"a": 2}), json!({"a": 1})]), 0);
        assert_ne!(told(&[json!({"a": 2})]), 0);
        assert_ne!(told(&[json!({"a": 2}), json!({"a": 2})]), 0);
        assert_ne!(told(&[json!({}), json!({}), json!({})]), 0);
    }
}
