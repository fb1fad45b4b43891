//! Messages that a gateway refused.

use std::fmt;

use sfbridge_values::{OrganizationId, ShortText, Timestamp};
use uuid::Uuid;

/// A refusal as a gateway reports it, or several that are alike.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The endpoint's last path segment.
    pub endpoint: String,
    /// The organisation that the message claimed to be from.
    pub organization_id: Option<OrganizationId>,
    /// The HTTP status of the answer.
    pub status: RefusalStatus,
    /// Why.
    pub reason: RefusalReason,
    /// The query parameter at fault; empty when it is none.
    pub parameter: ShortText,
    /// Where in the body.
    pub place: Option<Place>,
    /// The last request.
    pub request_id: ShortText,
    /// When the first came.
    pub first_receive_time: Timestamp,
    /// When the last came.
    pub last_receive_time: Timestamp,
    /// How many came.
    pub count: u32,
}

/// A message that was refused, and its repeats.
#[derive(Clone, Debug)]
pub struct RefusedMessage {
    /// Its id.
    pub refused_message_id: Uuid,
    /// What is known of it.
    pub refusal: Refusal,
}

impl RefusedMessage {
    /// The most that are kept. Whoever can make a gateway refuse something can
    /// add to the list, so it must not fill the disk.
    pub const MOST: u32 = 10_000;
    /// The most that are kept of one organisation, and of those that were
    /// refused before theirs was read.
    pub const MOST_OF_ORGANIZATION: u32 = 500;
}

/// A place in a body, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// The status of an answer that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalStatus(u16);

/// A number is not the status of an answer that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the status of a refusal; that is 400, 403 or 413")]
pub struct InvalidRefusalStatus;

impl RefusalStatus {
    /// Takes a status of which refused messages are listed.
    pub fn new(status: i32) -> Result<Self, InvalidRefusalStatus> {
        match u16::try_from(status) {
            Ok(status @ (400 | 403 | 413)) => Ok(Self(status)),
            _ => Err(InvalidRefusalStatus),
        }
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// Why a message was refused: the gateway's stable name, such as
/// `INVALID_PARAMETER`. Which there are is the gateway's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalReason(String);

/// A text is not the name of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the name of a reason; that is 1 to 64 capital letters, digits and `_`")]
pub struct InvalidRefusalReason;

impl RefusalReason {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, InvalidRefusalReason> {
        let is_of_names =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(is_of_names) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRefusalReason)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_name_in_capitals() {
        for name in ["INVALID_PARAMETER", "X", "HTTP_2", &"A".repeat(64)] {
            assert_eq!(RefusalReason::parse(name).unwrap().as_str(), name);
        }
        for other in ["", "lower", "A B", "Ä", "jane@example.com", &"A".repeat(65)] {
            assert_eq!(RefusalReason::parse(other), Err(InvalidRefusalReason));
        }
    }

    #[test]
    fn only_refusals_that_salesforce_gives_up_on_are_listed() {
        for status in [400, 403, 413] {
            assert_eq!(i32::from(RefusalStatus::new(status).unwrap().get()), status);
        }
        for other in [0, -400, 200, 401, 503, 65_936] {
            assert_eq!(RefusalStatus::new(other), Err(InvalidRefusalStatus));
        }
    }
}
