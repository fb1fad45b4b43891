//! What a criterion does with the value of its field.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use regex::Regex;
use sfbridge_values::{Decimal, Timestamp};

use super::FieldValue;

/// A criterion's question with its value worked in, whatever its opposite.
#[derive(Clone, Debug)]
pub(super) enum Test {
    IsSet(bool),
    OneOf(Alternatives),
    Compares(Operand, Order),
    Includes(String),
    Begins(String),
    Ends(String),
    Matches(Regex),
}

/// Values of which a field may equal any.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternatives {
    texts: BTreeSet<String>,
    // What is equal as text is equal as a number too, so that each set can be
    // asked by itself.
    numbers: BTreeSet<Decimal>,
    times: BTreeSet<Timestamp>,
}

/// A value that fields are compared with.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Text(String, Option<Decimal>),
    Time(Timestamp),
}

/// Which order of field and value is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) strictly: Ordering,
    pub(super) or_equal: bool,
}

impl Test {
    pub(super) fn holds(&self, value: Option<FieldValue<'_>>, folds_case: bool) -> bool {
        let value = value.unwrap_or(FieldValue::Text(""));
        let text = || {
            let text = value.to_text();
            if folds_case { folded(text) } else { text }
        };
        match self {
            Self::IsSet(expected) => text().is_empty() != *expected,
            Self::OneOf(alternatives) => alternatives.include(value, &text()),
            Self::Compares(operand, order) => {
                let ordering = operand.compared_with(value);
                ordering.is_some_and(|ordering| order.admits(ordering))
            }
            Self::Includes(part) => text().contains(part.as_str()),
            Self::Begins(part) => text().starts_with(part.as_str()),
            Self::Ends(part) => text().ends_with(part.as_str()),
            Self::Matches(regex) => regex.is_match(&text()),
        }
    }
}

impl Alternatives {
    /// Adds a text; one that is a number equals its other forms too.
    pub(super) fn add(&mut self, text: &str, folds_case: bool) {
        self.numbers.extend(number(text));
        let text = Cow::Borrowed(text);
        let text = if folds_case { folded(text) } else { text };
        self.texts.insert(text.into_owned());
    }

    /// Adds an instant.
    pub(super) fn add_time(&mut self, time: Timestamp) {
        self.times.insert(time);
    }

    fn include(&self, value: FieldValue<'_>, text: &str) -> bool {
        match value {
            FieldValue::Time(time) if self.times.contains(&time) => true,
            _ if self.texts.contains(text) => true,
            _ if self.numbers.is_empty() => false,
            _ => number(text).is_some_and(|number| self.numbers.contains(&number)),
        }
    }
}

impl Operand {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned(), number(text))
    }

    /// How a field's value stands to this. `None` where the field is not set:
    /// nothing is neither more nor less than something.
    fn compared_with(&self, value: FieldValue<'_>) -> Option<Ordering> {
        match (self, value) {
            (Self::Time(operand), FieldValue::Time(time)) => Some(time.cmp(operand)),
            (Self::Time(operand), FieldValue::Text(_)) => {
                let text = value.to_text();
                (!text.is_empty()).then(|| text.as_ref().cmp(&operand.to_string()))
            }
            (Self::Text(operand, operand_number), _) => {
                let text = value.to_text();
                if text.is_empty() {
                    return None;
                }
                let as_text = || text.as_ref().cmp(operand);
                let as_numbers = || Some(number(&text)?.cmp(operand_number.as_ref()?));
                Some(as_numbers().unwrap_or_else(as_text))
            }
        }
    }
}

impl Order {
    fn admits(self, ordering: Ordering) -> bool {
        ordering == self.strictly || (self.or_equal && ordering == Ordering::Equal)
    }
}

/// A text without regard to case.
pub(in crate::domain) fn folded(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_folded = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if text.bytes().all(is_folded) {
        text
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// The number that a text is. One with more digits than are exact is a text.
fn number(text: &str) -> Option<Decimal> {
    let read = Decimal::read(text).ok()?;
    (!read.is_rounded).then_some(read.decimal)
}

/// Reads an instant, or the beginning of a day in UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let instant = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
    let time = instant.or_else(|_| {
        let date: NaiveDate = text.parse()?;
        Ok::<_, chrono::ParseError>(date.and_time(NaiveTime::MIN).and_utc())
    });
    Timestamp::new(time.ok()?).ok()
}
