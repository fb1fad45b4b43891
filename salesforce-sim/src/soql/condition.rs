//! What a query asks of a record.

use std::cmp::Ordering;

use crate::org::Record;
use crate::value::Value;

/// A comparison of a field with values.
#[derive(Debug)]
pub(super) struct Condition {
    field: String,
    operator: Operator,
    /// None is null. There is one, but for lists.
    values: Vec<Option<Value>>,
}

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

impl Condition {
    pub(super) fn new(field: String, operator: Operator, values: Vec<Option<Value>>) -> Self {
        Self {
            field,
            operator,
            values,
        }
    }

    pub(super) fn holds(&self, record: &Record) -> bool {
        let value = record.get(&self.field);
        let is_any = || {
            self.values
                .iter()
                .any(|other| is_equal(value.as_ref(), other.as_ref()))
        };
        let ordering = || compare(value.as_ref()?, self.values.first()?.as_ref()?);
        match self.operator {
            Operator::Equal | Operator::In => is_any(),
            Operator::NotEqual | Operator::NotIn => !is_any(),
            Operator::Less => ordering() == Some(Ordering::Less),
            Operator::LessOrEqual => matches!(ordering(), Some(Ordering::Less | Ordering::Equal)),
            Operator::Greater => ordering() == Some(Ordering::Greater),
            Operator::GreaterOrEqual => {
                matches!(ordering(), Some(Ordering::Greater | Ordering::Equal))
            }
        }
    }
}

fn is_equal(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => compare(one, other) == Some(Ordering::Equal),
        _ => false,
    }
}

/// How two values of one field compare; texts do whatever their case. So do
/// ids, whose long forms differ in more than case.
pub(super) fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => {
            Some(one.to_lowercase().cmp(&other.to_lowercase()))
        }
        (Value::Boolean(one), Value::Boolean(other)) => Some(one.cmp(other)),
        (Value::Integer(one), Value::Integer(other)) => Some(one.cmp(other)),
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other),
        (Value::Date(one), Value::Date(other)) => Some(one.cmp(other)),
        (Value::DateTime(one), Value::DateTime(other)) => Some(one.cmp(other)),
        _ => None,
    }
}
