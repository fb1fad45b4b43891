//! What is wrong with a query string.

use std::fmt;

use sfbridge_values::{InvalidFieldName, InvalidMarketingAttribute, InvalidVariableName};

use super::query::Undecodable;
use super::value_type::InvalidValue;
use crate::Endpoint;

/// A URL parameter is invalid, and with it the whole query.
///
/// Its text is one sentence for the admin who typed the URL. It never repeats
/// a value, because that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidParameter {
    parameter: String,
    problem: Problem,
}

/// The rule that a parameter breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Undecodable(Undecodable),
    Nameless,
    Unknown {
        endpoint: Endpoint,
        nearest: Option<&'static str>,
    },
    /// Another endpoint knows it.
    Elsewhere {
        endpoint: Endpoint,
        homes: Vec<Endpoint>,
    },
    /// An identity that would be the same for every record.
    ConstantIdentity {
        /// Whose identity.
        whose: &'static str,
        /// The parameter that names a field instead.
        instead: &'static str,
    },
    Twice {
        /// The main name.
        main: String,
        /// The name by which it was given first.
        first: String,
    },
    Empty,
    FieldName(InvalidFieldName),
    VariableName(InvalidVariableName),
    Attribute(InvalidMarketingAttribute),
    TooManyVariables,
    Value(InvalidValue),
}

impl InvalidParameter {
    pub(super) fn new(parameter: &str, problem: Problem) -> Self {
        Self {
            parameter: shown(parameter),
            problem,
        }
    }

    /// The parameter's name as typed; without what no XML may hold, and cut
    /// when it is very long. Empty when it has none.
    pub fn parameter(&self) -> &str {
        &self.parameter
    }

    #[cfg(test)]
    pub(super) fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl std::error::Error for InvalidParameter {}

impl fmt::Display for InvalidParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.parameter;
        match &self.problem {
            Problem::Undecodable(undecodable) => write!(f, "The parameter `{name}` {undecodable}."),
            Problem::Nameless => f.write_str(
                "A parameter of the URL has no name before its `=`; name it or leave it out.",
            ),
            Problem::Unknown { endpoint, nearest } => {
                write!(
                    f,
                    "The parameter `{name}` is not known to the endpoint {endpoint}; "
                )?;
                match nearest {
                    Some(nearest) => write!(f, "did you mean `{nearest}`?"),
                    None => f.write_str("docs/parameters.md lists those that are."),
                }
            }
            Problem::Elsewhere { endpoint, homes } => {
                let homes: Vec<_> = homes.iter().map(|home| home.name()).collect();
                let homes = homes.join(" and ");
                write!(
                    f,
                    "The parameter `{name}` is not known to the endpoint {endpoint}; it belongs \
                     to {homes}."
                )
            }
            Problem::ConstantIdentity { whose, instead } => write!(
                f,
                "The parameter `{name}` would give every record the same {whose}, which is \
                 always a mistake; name the field that holds the {whose} with `{instead}`."
            ),
            Problem::Twice { main, first } if first == name => {
                write!(f, "The parameter `{name}` ")?;
                if main != name {
                    write!(f, "(which means `{main}`) ")?;
                }
                f.write_str("is given twice; keep one of them.")
            }
            Problem::Twice { main, first } => write!(
                f,
                "The parameters `{first}` and `{name}` both mean `{main}`; keep one of them."
            ),
            Problem::Empty => {
                write!(
                    f,
                    "The parameter `{name}` has no value; give it one or leave it out."
                )
            }
            Problem::FieldName(invalid) => write!(f, "The value of `{name}` {invalid}."),
            Problem::VariableName(invalid) => {
                write!(f, "The parameter `{name}` holds a name that {invalid}.")
            }
            Problem::Attribute(invalid) => {
                let end = if invalid.nearest.is_some() { "" } else { "." };
                write!(f, "The parameter `{name}` holds a name that {invalid}{end}")
            }
            Problem::TooManyVariables => write!(
                f,
                "The parameter `{name}` is one custom variable too many; an event has at most {}.",
                super::MAX_VARIABLES
            ),
            Problem::Value(invalid) => {
                let sentence = format!("The value of `{name}` {invalid}");
                let end = if sentence.ends_with('?') { "" } else { "." };
                write!(f, "{sentence}{end}")
            }
        }
    }
}

/// A name as it may be shown: a stranger typed it, and it may hold a value
/// whose `=` was encoded by mistake.
fn shown(name: &str) -> String {
    const LONGEST: usize = 100;
    let name = name.split('=').next().unwrap_or_default();
    let mut shown: String = name
        .chars()
        .take(LONGEST)
        .map(|character| match character {
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            character if character.is_control() => '\u{fffd}',
            character => character,
        })
        .collect();
    if name.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_name_is_short_and_fit_for_xml() {
        let invalid = InvalidParameter::new("a\u{1}b\u{ffff}", Problem::Empty);
        assert_eq!(invalid.parameter(), "a\u{fffd}b\u{fffd}");
        let invalid = InvalidParameter::new(&"x".repeat(200), Problem::Empty);
        assert_eq!(invalid.parameter().chars().count(), 101);
    }

    #[test]
    fn a_value_whose_equals_sign_was_encoded_is_not_shown() {
        let invalid = InvalidParameter::new("token=s3cret", Problem::Empty);
        assert_eq!(invalid.parameter(), "token");
        assert!(!format!("{invalid:?}").contains("s3cret"));
    }
}
