//! The types of values, as the docs call them and as literals are read.

use chrono_tz::Tz;
use sfbridge_proto::v1::{MatchMode, OverwritePolicy};
use sfbridge_values::{
    Action, CallRef, Currency, Decimal, Igrp, InvalidAction, InvalidCallRef, InvalidCurrency,
    InvalidDecimal, InvalidIgrp, InvalidVisitorId, LongText, ShortText, TooLong, VisitorId,
    nearest,
};

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// The id of an installation.
    Igrp,
    /// The id of a visitor.
    VisitorId,
    /// The reference of a call.
    CallRef,
    /// Text for people; what is beyond 4,000 characters is cut.
    LongText,
    /// Text of at most 255 characters.
    ShortText,
    /// An action that is not reserved.
    Action,
    /// An exact decimal.
    Decimal,
    /// An ISO 4217 code.
    Currency,
    /// A date, or a date and time.
    Time,
    /// A date and time.
    DateAndTime,
    /// An IANA zone.
    Zone,
    /// A phone number, or `anonymous`.
    PhoneNumber,
    /// `exact` or `intelligent`.
    MatchMode,
    /// `always` or `empty`.
    Overwrite,
    /// The number of an attribution model.
    AttributionModel,
    /// Something that is never shown.
    Secret,
}

/// A valid literal: text that the contract passes on, or what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// Passed on as it is written.
    Text,
    Zone(Tz),
    MatchMode(MatchMode),
    Overwrite(OverwritePolicy),
    AttributionModel(i32),
}

/// Why a text is not a value of its type, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidValue {
    #[error(transparent)]
    Igrp(#[from] InvalidIgrp),
    #[error(transparent)]
    VisitorId(#[from] InvalidVisitorId),
    #[error(transparent)]
    CallRef(#[from] InvalidCallRef),
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("is longer than 4,000 characters; the rest is cut")]
    Cut,
    #[error(transparent)]
    Action(#[from] InvalidAction),
    #[error(transparent)]
    Decimal(#[from] InvalidDecimal),
    #[error(transparent)]
    Currency(#[from] InvalidCurrency),
    #[error(
        "is not an IANA time zone such as Europe/London, in which case counts and a `+` is \
         written `%2B`{}", suggestion(*.nearest)
    )]
    Zone { nearest: Option<&'static str> },
    #[error("is neither `{}` nor `{}`", .choices[0], .choices[1])]
    Choice { choices: [&'static str; 2] },
    #[error("is not the number of an attribution model, an integer from 0 to 2147483647")]
    AttributionModel,
}

impl ValueType {
    /// Reads a literal.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] when the text is no value of this type.
    pub(super) fn parse(self, text: &str) -> Result<Literal, InvalidValue> {
        match self {
            Self::Igrp => Igrp::parse(text).map(drop)?,
            Self::VisitorId => VisitorId::parse(text).map(drop)?,
            Self::CallRef => CallRef::parse(text).map(drop)?,
            Self::ShortText => ShortText::new(text).map(drop)?,
            Self::Action => Action::parse(text).map(drop)?,
            Self::Decimal => Decimal::read(text).map(drop)?,
            Self::Currency => Currency::parse(text).map(drop)?,
            Self::Zone => return zone(text).map(Literal::Zone),
            Self::MatchMode => {
                let choices = [
                    ("exact", MatchMode::Exact),
                    ("intelligent", MatchMode::Intelligent),
                ];
                return choice(text, choices).map(Literal::MatchMode);
            }
            Self::Overwrite => {
                let choices = [
                    ("always", OverwritePolicy::Always),
                    ("empty", OverwritePolicy::Empty),
                ];
                return choice(text, choices).map(Literal::Overwrite);
            }
            Self::AttributionModel => {
                return attribution_model(text).map(Literal::AttributionModel);
            }
            // Whatever is written is such a text; times and phone numbers are
            // never literals.
            Self::LongText | Self::Time | Self::DateAndTime | Self::PhoneNumber | Self::Secret => {}
        }
        Ok(Literal::Text)
    }

    /// What the core will find wrong with a field's text, if it finds fault
    /// with the text alone.
    pub(crate) fn problem_of(self, text: &str) -> Option<InvalidValue> {
        if self == Self::LongText {
            let is_cut = text.chars().nth(LongText::MAX_CHARS).is_some();
            return is_cut.then_some(InvalidValue::Cut);
        }
        self.parse(text).err()
    }

    /// How the docs call such a value.
    pub fn description(self) -> &'static str {
        match self {
            Self::Igrp => "integer",
            Self::VisitorId => "visitor id",
            Self::CallRef => "call reference",
            Self::LongText => "text",
            Self::ShortText => "text of at most 255 characters",
            Self::Action => "text of 1 to 64 characters",
            Self::Decimal => "decimal",
            Self::Currency => "ISO 4217 code",
            Self::Time => "date, or date and time",
            Self::DateAndTime => "date and time",
            Self::Zone => "IANA zone, for instance `Europe/London`",
            Self::PhoneNumber => "phone number (E.164) or `anonymous`",
            Self::MatchMode => "`exact` or `intelligent`",
            Self::Overwrite => "`always` or `empty`",
            Self::AttributionModel => "integer from 0",
            Self::Secret => "secret",
        }
    }
}

fn zone(text: &str) -> Result<Tz, InvalidValue> {
    text.parse().map_err(|_| {
        let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        InvalidValue::Zone {
            nearest: nearest(text, known),
        }
    })
}

fn choice<T>(text: &str, choices: [(&'static str, T); 2]) -> Result<T, InvalidValue> {
    let names = [choices[0].0, choices[1].0];
    choices
        .into_iter()
        .find(|(name, _)| *name == text)
        .map(|(_, value)| value)
        .ok_or(InvalidValue::Choice { choices: names })
}

fn attribution_model(text: &str) -> Result<i32, InvalidValue> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidValue::AttributionModel);
    }
    text.parse().map_err(|_| InvalidValue::AttributionModel)
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_an_iana_name_and_case_counts() {
        for text in [
            "UTC",
            "Europe/London",
            "America/Argentina/Ushuaia",
            "Etc/GMT+5",
        ] {
            assert!(ValueType::Zone.parse(text).is_ok(), "{text}");
        }
        for text in [
            "Europe/Atlantis",
            "europe/london",
            "GMT+25",
            "+01:00",
            "Etc/GMT 5",
            " UTC",
        ] {
            assert!(ValueType::Zone.parse(text).is_err(), "{text}");
        }
        let invalid = ValueType::Zone.parse("europe/london").unwrap_err();
        assert!(
            invalid
                .to_string()
                .ends_with("did you mean `Europe/London`?")
        );
    }

    #[test]
    fn an_attribution_model_is_a_non_negative_int32() {
        let read = |text| ValueType::AttributionModel.parse(text).ok();
        assert_eq!(read("0"), Some(Literal::AttributionModel(0)));
        assert_eq!(
            read("2147483647"),
            Some(Literal::AttributionModel(i32::MAX))
        );
        for text in ["2147483648", "-1", "+1", "1.0", "one", "1 "] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_choice_is_written_exactly() {
        let invalid = ValueType::Overwrite.parse("Always").unwrap_err();
        assert_eq!(invalid.to_string(), "is neither `always` nor `empty`");
        assert_eq!(
            ValueType::MatchMode.parse("intelligent"),
            Ok(Literal::MatchMode(MatchMode::Intelligent))
        );
    }

    #[test]
    fn a_long_title_is_valid_but_worth_a_word() {
        assert_eq!(ValueType::LongText.problem_of(&"ü".repeat(4_000)), None);
        assert_eq!(
            ValueType::LongText.problem_of(&"ü".repeat(4_001)),
            Some(InvalidValue::Cut)
        );
        assert!(ValueType::LongText.parse(&"ü".repeat(4_001)).is_ok());
    }
}
