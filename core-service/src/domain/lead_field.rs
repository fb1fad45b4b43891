//! Fields of a Lead: what they can hold, and values in their form.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use sfbridge_values::{Decimal, FieldName, Timestamp};
use unicode_segmentation::UnicodeSegmentation;

use super::{AttributeValue, TimeZone};

/// A field of the Lead object, as the organisation describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadField {
    /// The API name as the organisation spells it.
    pub name: String,
    /// What it holds.
    pub kind: LeadFieldKind,
    /// Whether an API user may write it.
    pub is_updateable: bool,
}

/// What a Lead field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadFieldKind {
    /// A text of at most so many characters, counted as UTF-16 units.
    Text(u32),
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// Something that no marketing attribute can be put into: a reference, a
    /// tick, an address.
    Other,
}

/// A value in the form of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeadValue {
    /// A text.
    Text(String),
    /// A number.
    Number(Decimal),
    /// A day.
    Date(NaiveDate),
    /// An instant, which Salesforce keeps to the second.
    DateTime(DateTime<Utc>),
}

/// A value in the form of a field, and what was lost on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formatted {
    /// The value.
    pub value: LeadValue,
    /// Whether it was cut to the field's length.
    pub is_cut: bool,
}

/// A value can't be put into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't be put into a field of this type")]
pub struct Misfit;

impl LeadFieldKind {
    /// Puts a value into the field's form. Texts that show a time show it in
    /// the installation's time zone.
    ///
    /// # Errors
    ///
    /// [`Misfit`] when the field can't hold such a value.
    pub fn format(self, value: &AttributeValue, zone: TimeZone) -> Result<Formatted, Misfit> {
        let value = match self {
            Self::Text(length) => return Ok(text(value, length, zone)),
            Self::Integer => LeadValue::Number(number(value).filter(is_whole).ok_or(Misfit)?),
            Self::Decimal => LeadValue::Number(number(value).ok_or(Misfit)?),
            Self::Date => LeadValue::Date(zone.local(instant(value)?).date()),
            Self::DateTime => LeadValue::DateTime(whole_seconds(instant(value)?)),
            Self::Other => return Err(Misfit),
        };
        Ok(Formatted {
            value,
            is_cut: false,
        })
    }

    /// The one spelling of what a Lead shows for the field, which is that of
    /// [`LeadValue::to_text`].
    pub fn canonical(self, shown: &str) -> String {
        let shown = shown.trim();
        let value = match self {
            Self::Integer | Self::Decimal => {
                let read = Decimal::read(shown).ok();
                read.map(|read| LeadValue::Number(read.decimal))
            }
            Self::Date => shown.parse().ok().map(LeadValue::Date),
            Self::DateTime => read_time(shown).map(LeadValue::DateTime),
            Self::Text(_) | Self::Other => None,
        };
        value.map_or_else(|| shown.to_owned(), |value| value.to_text())
    }
}

impl LeadField {
    /// A field of which nothing is known but its name. It is taken for the
    /// longest text that there is.
    pub fn unknown(name: &FieldName) -> Self {
        const LONGEST: u32 = 131_072;

        Self {
            name: name.as_str().to_owned(),
            kind: LeadFieldKind::Text(LONGEST),
            is_updateable: true,
        }
    }
}

impl LeadValue {
    /// The value as Salesforce's REST API takes it in a string, and as its SOAP
    /// messages show it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Date(date) => date.format("%Y-%m-%d").to_string(),
            Self::DateTime(time) => time.to_rfc3339_opts(SecondsFormat::Millis, true),
        }
    }

    /// Whether a Lead that shows this text for the field holds this value. The
    /// APIs spell numbers and times in several ways.
    pub fn is_held_as(&self, shown: &str) -> bool {
        match self {
            // Salesforce trims texts.
            Self::Text(text) => text.trim() == shown.trim(),
            Self::Number(number) => {
                Decimal::read(shown).is_ok_and(|shown| shown.decimal == *number)
            }
            Self::Date(date) => shown.trim().parse() == Ok(*date),
            Self::DateTime(time) => read_time(shown.trim()) == Some(*time),
        }
    }
}

fn text(value: &AttributeValue, length: u32, zone: TimeZone) -> Formatted {
    let text = match value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Time(time) => zone.local(*time).format("%Y-%m-%d %H:%M:%S").to_string(),
        AttributeValue::Count(count) => count.to_string(),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match cut(&text, length) {
        None => Formatted {
            value: LeadValue::Text(text),
            is_cut: false,
        },
        Some(start) => Formatted {
            value: LeadValue::Text(start.trim_end().to_owned()),
            is_cut: true,
        },
    }
}

/// The start of a text that fits into so many UTF-16 units, cut between what
/// people take for characters. `None` when all of it fits.
fn cut(text: &str, units: usize) -> Option<&str> {
    let mut left = units;
    for (place, grapheme) in text.grapheme_indices(true) {
        let width = grapheme.encode_utf16().count();
        if width > left {
            return Some(&text[..place]);
        }
        left -= width;
    }
    None
}

fn number(value: &AttributeValue) -> Option<Decimal> {
    let text = match value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Count(count) => count.to_string(),
        AttributeValue::Time(_) => return None,
    };
    Some(Decimal::read(&text).ok()?.decimal)
}

fn is_whole(number: &Decimal) -> bool {
    number.to_integer().is_some()
}

fn instant(value: &AttributeValue) -> Result<Timestamp, Misfit> {
    match value {
        AttributeValue::Time(time) => Ok(*time),
        AttributeValue::Text(_) | AttributeValue::Count(_) => Err(Misfit),
    }
}

fn whole_seconds(time: Timestamp) -> DateTime<Utc> {
    let time = time.to_utc();
    let fraction = TimeDelta::nanoseconds(time.timestamp_subsec_nanos().into());
    time - fraction
}

/// A time as the SOAP or the REST API writes it.
fn read_time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()?;
    Some(time.to_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> AttributeValue {
        let time = DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        AttributeValue::Time(Timestamp::new(time).unwrap())
    }

    fn words(text: &str) -> AttributeValue {
        AttributeValue::Text(text.to_owned())
    }

    #[track_caller]
    fn check(kind: LeadFieldKind, value: &AttributeValue, expected: Option<&str>) {
        let zone = TimeZone::parse("Europe/London").unwrap();
        let formatted = kind.format(value, zone).ok();
        let text = formatted.map(|formatted| formatted.value.to_text());
        assert_eq!(text.as_deref(), expected, "{kind:?} {value:?}");
    }

    #[test]
    fn a_time_takes_the_form_of_its_field() {
        let evening = time("2024-05-01T23:20:30.999Z");
        check(
            LeadFieldKind::DateTime,
            &evening,
            Some("2024-05-01T23:20:30.000Z"),
        );
        check(LeadFieldKind::Date, &evening, Some("2024-05-02"));
        check(
            LeadFieldKind::Text(255),
            &evening,
            Some("2024-05-02 00:20:30"),
        );
        check(LeadFieldKind::Integer, &evening, None);
        let old = time("1969-12-31T23:59:59.5Z");
        check(
            LeadFieldKind::DateTime,
            &old,
            Some("1969-12-31T23:59:59.000Z"),
        );
    }

    #[test]
    fn a_count_fits_numbers_and_texts() {
        let seven = AttributeValue::Count(7);
        check(LeadFieldKind::Integer, &seven, Some("7"));
        check(LeadFieldKind::Decimal, &seven, Some("7"));
        check(LeadFieldKind::Text(1), &seven, Some("7"));
        check(LeadFieldKind::DateTime, &seven, None);
    }

    #[test]
    fn a_text_fits_numbers_only_when_it_is_one() {
        check(LeadFieldKind::Decimal, &words("12.50"), Some("12.5"));
        check(LeadFieldKind::Integer, &words("12.5"), None);
        check(LeadFieldKind::Decimal, &words("seo"), None);
        check(LeadFieldKind::Date, &words("2024-05-01"), None);
        check(LeadFieldKind::Other, &words("seo"), None);
    }

    #[test]
    fn a_text_is_cut_between_what_people_take_for_characters() {
        let cut = |text: &str, length| {
            let zone = TimeZone::default();
            let formatted = LeadFieldKind::Text(length).format(&words(text), zone);
            let formatted = formatted.unwrap();
            (formatted.value.to_text(), formatted.is_cut)
        };
        let case = |text: &str, is_cut| (text.to_owned(), is_cut);
        assert_eq!(cut("paid search", 11), case("paid search", false));
        assert_eq!(cut("paid search", 5), case("paid", true));
        // Four UTF-16 units, a flag; e with an accent that is a character of its own.
        assert_eq!(cut("a🇬🇧", 5), case("a🇬🇧", false));
        assert_eq!(cut("a🇬🇧", 4), case("a", true));
        assert_eq!(cut("cafe\u{301}", 4), case("caf", true));
    }

    #[test]
    fn a_value_is_known_again_in_every_spelling() {
        let day = LeadValue::Date(NaiveDate::from_ymd_opt(2024, 5, 1).unwrap());
        assert!(day.is_held_as("2024-05-01"));
        assert!(!day.is_held_as("2024-05-02"));

        let count = LeadValue::Number(Decimal::read("3").unwrap().decimal);
        assert!(count.is_held_as("3.0") && count.is_held_as("3"));
        assert!(!count.is_held_as("4") && !count.is_held_as(""));

        let AttributeValue::Time(instant) = time("2024-05-01T10:20:30Z") else {
            panic!();
        };
        let instant = LeadValue::DateTime(whole_seconds(instant));
        for shown in [
            "2024-05-01T10:20:30.000Z",
            "2024-05-01T10:20:30.000+0000",
            "2024-05-01T11:20:30+01:00",
        ] {
            assert!(instant.is_held_as(shown), "{shown}");
        }
        assert!(!instant.is_held_as("2024-05-01T10:20:31.000Z"));

        let words = LeadValue::Text("SEO".to_owned());
        assert!(words.is_held_as("SEO ") && !words.is_held_as("seo"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_known_again(text in "\\PC{0,20}", length in 1_u32..12) {
            let formatted = LeadFieldKind::Text(length).format(&words(&text), TimeZone::default()).unwrap();
            let shown = formatted.value.to_text();
            prop_assert!(formatted.value.is_held_as(&shown));
            prop_assert!(shown.encode_utf16().count() <= usize::try_from(length).unwrap());
        }
    }
}
