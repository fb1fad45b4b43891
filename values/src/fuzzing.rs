//! Rules that hold for whatever a stranger sends.
//!
//! [`value`] takes bytes that mean nothing to anybody, and panics when a rule
//! is broken. Fuzzers look for such bytes (see `fuzz/`); the test here replays
//! what they found worth keeping.

use std::fmt::{Debug, Display};

use chrono::{DateTime, Utc};

use crate::{
    Action, AddressRange, CallRef, Currency, Decimal, FieldName, Fingerprint, Igrp,
    InvalidAddressRange, InvalidDecimal, LongText, MarketingAttribute, OrganizationId,
    SalesforceId, ShortText, Timestamp, VariableName, VisitorId,
};

/// A value's text reads to the same value, and a refusal is one sentence's end
/// that can be shown.
///
/// The first byte says which value the rest is read as.
pub fn value(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    if *kind == b't' {
        return timestamp(rest);
    }
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match kind {
        b'a' => trimmed(text, Action::parse),
        b'c' => trimmed(text, Currency::parse),
        b'd' => decimal(text),
        b'f' => exact(text, FieldName::parse),
        b'h' => trimmed(text, Fingerprint::parse),
        b'i' => trimmed(text, Igrp::parse),
        b'l' => long_text(text),
        b'm' => exact(text, MarketingAttribute::parse),
        b'n' => exact(text, VariableName::parse),
        b'o' => trimmed(text, OrganizationId::parse),
        b'r' => trimmed(text, CallRef::parse),
        b's' => salesforce_id(text),
        b'v' => visitor_id(text),
        b'w' => address_range(text),
        b'x' => exact(text, ShortText::new),
        _ => {}
    }
}

/// That what a value shows reads to it, and shows the same.
fn exact<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>)
where
    T: Debug + Display + PartialEq,
    E: Display,
{
    match parse(text) {
        Ok(value) => {
            let shown = value.to_string();
            let again = parse(&shown).ok();
            assert_eq!(again.as_ref().map(ToString::to_string), Some(shown));
            assert_eq!(again, Some(value));
        }
        Err(invalid) => {
            let sentence = invalid.to_string();
            let is_short = (1..500).contains(&sentence.len());
            assert!(is_short && !sentence.contains('\n'), "{sentence:?}");
        }
    }
}

/// The same, and that white space around the text does not count.
fn trimmed<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>)
where
    T: Debug + Display + PartialEq,
    E: Display,
{
    exact(text, &parse);
    let spaced = parse(&format!(" \t{text}\r\n")).ok();
    assert_eq!(spaced, parse(text).ok());
}

fn decimal(text: &str) {
    trimmed(text, |text| Decimal::read(text).map(|read| read.decimal));
    let read = match Decimal::read(text) {
        Ok(read) => read,
        Err(InvalidDecimal::NotADecimal) => return,
        Err(InvalidDecimal::TooLarge) => {
            let about = about(text);
            assert!(about.abs() > 0.999e18, "{about} is not too large");
            return;
        }
    };
    let (shown, about) = (read.decimal.to_string(), about(text));
    let again = Decimal::read(&shown);
    assert_eq!(again.map(|again| again.is_rounded), Ok(false));
    assert!(!shown.contains(['e', 'E', '+']) && shown != "-0", "{shown}");
    let distance = (self::about(&shown) - about).abs();
    assert!(
        distance <= 1e-8 + about.abs() * 1e-12,
        "{shown} is not {about}"
    );
    let is_integer = !shown.contains('.') && shown.parse::<i64>().is_ok();
    assert_eq!(read.decimal.to_integer().is_some(), is_integer);
}

/// The value in floating point: what is a decimal here is one there.
fn about(text: &str) -> f64 {
    text.trim().parse().unwrap_or(f64::NAN)
}

fn long_text(text: &str) {
    let (kept, is_cut) = LongText::cut(text.to_owned());
    assert!(kept.as_str().chars().count() <= LongText::MAX_CHARS);
    assert!(!kept.as_str().contains('\0'));
    assert_eq!(is_cut, kept.as_str() != text);
    let again = LongText::cut(kept.as_str().to_owned());
    assert_eq!(again, (kept, false));
}

fn salesforce_id(text: &str) {
    trimmed(text, SalesforceId::parse);
    if let Ok(id) = SalesforceId::parse(text) {
        assert_eq!(SalesforceId::parse(id.key()), Ok(id.clone()));
        assert_eq!(id.as_str(), text.trim());
    }
}

fn visitor_id(text: &str) {
    trimmed(text, VisitorId::parse);
    if let Ok(id) = VisitorId::parse(text) {
        assert_eq!(VisitorId::from_bytes(*id.as_bytes()), id);
        assert_eq!(VisitorId::parse(&format!("vid~{id}")), Ok(id));
    }
}

fn address_range(text: &str) {
    trimmed(text, AddressRange::parse);
    match AddressRange::parse(text) {
        Ok(range) => {
            let shown = range.to_string();
            let first = shown.split('/').next().and_then(|text| text.parse().ok());
            assert!(first.is_some_and(|first| range.contains(first)), "{shown}");
        }
        Err(InvalidAddressRange::HostBits(meant)) => {
            assert_eq!(AddressRange::parse(&meant.to_string()), Ok(meant));
        }
        Err(InvalidAddressRange::NotARange) => {}
    }
}

/// The bytes are seconds and nanoseconds, big-endian.
fn timestamp(bytes: &[u8]) {
    let Some((seconds, rest)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let Some(nanos) = rest.first_chunk::<4>() else {
        return;
    };
    let (seconds, nanos) = (i64::from_be_bytes(*seconds), i32::from_be_bytes(*nanos));
    let Ok(time) = Timestamp::from_parts(seconds, nanos) else {
        return;
    };
    assert_eq!(time.to_parts(), (seconds, nanos - nanos % 1_000));
    assert_eq!(Timestamp::from_micros(time.micros()), time);
    assert_eq!(Timestamp::new(time.to_utc()), Ok(time));
    let shown: Result<DateTime<Utc>, _> = time.to_string().parse();
    assert_eq!(shown, Ok(time.to_utc()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_values_hold_for_the_corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/value");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            value(&std::fs::read(path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{folder} is empty");
    }
}
