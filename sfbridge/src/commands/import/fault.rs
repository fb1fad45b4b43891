//! What is wrong with a record of an import file.

use std::fmt;

use sfbridge_proto::v1 as pb;

use crate::output::printable;

/// Why a record is not accepted, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The reason's name, in the contract's words where it has one.
    pub(super) reason: String,
    /// One sentence for people.
    pub(super) description: String,
}

impl Fault {
    /// The line is none of the format.
    pub(super) fn malformed(description: impl Into<String>) -> Self {
        Self::new("MALFORMED_LINE", description)
    }

    /// The line is not text.
    pub(super) fn not_utf8() -> Self {
        Self::new("NOT_UTF8", "It is not UTF-8; save the file as UTF-8.")
    }

    /// The line has a value that nobody knows what to do with.
    pub(super) fn unknown_column(name: &str, nearest: Option<&str>) -> Self {
        Self::new("UNKNOWN_COLUMN", unknown_column(name, nearest))
    }

    /// A value is not one of its column.
    pub(super) fn of(
        reason: pb::RejectionReason,
        column: &str,
        invalid: impl fmt::Display,
    ) -> Self {
        Self::new(reason_name(reason), format!("{column} {invalid}."))
    }

    /// What the core says.
    pub(super) fn rejected(rejection: Option<pb::Rejection>) -> Self {
        let rejection = rejection.unwrap_or_default();
        Self::new(reason_name(rejection.reason()), rejection.description)
    }

    fn new(reason: &str, description: impl Into<String>) -> Self {
        let description: String = description.into();
        Self {
            reason: reason.to_owned(),
            description: printable(&description).into_owned(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.description)
    }
}

/// What to say of a column that nobody knows.
pub(super) fn unknown_column(name: &str, nearest: Option<&str>) -> String {
    // Whoever misses the header has a long one.
    let name: String = name.chars().take(64).collect();
    match nearest {
        Some(nearest) => format!("There is no column `{name}`; is it `{nearest}`?"),
        None => format!("There is no column `{name}`; --ignore-unknown passes over such."),
    }
}

fn reason_name(reason: pb::RejectionReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("REJECTION_REASON_").unwrap_or(name)
}
