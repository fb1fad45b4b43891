//! What an event says has happened.

use std::fmt;

use crate::text::has_more_chars_than;

/// An action: 1 to 64 characters, kept as sent, compared without regard to
/// case.
#[derive(Clone, Debug)]
pub struct Action(String);

/// Why a text is not an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAction {
    /// Empty, too long, or holding U+0000.
    #[error("is not an action; it has 1 to 64 characters and no U+0000")]
    Length,
    /// The name of something that tracking itself records.
    #[error("is reserved for tracking itself; choose an action other than {}", RESERVED.join(", "))]
    Reserved,
}

/// Actions that tracking itself records, in any case.
const RESERVED: [&str; 7] = [
    "land",
    "page",
    "call",
    "callUser",
    "callRate",
    "callBlegStart",
    "callAlegStop",
];

impl Action {
    /// Reads an action, surrounding white space aside.
    ///
    /// # Errors
    ///
    /// [`InvalidAction`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidAction> {
        let text = text.trim();
        if text.is_empty() || has_more_chars_than(text, 64) || text.contains('\0') {
            return Err(InvalidAction::Length);
        }
        if RESERVED
            .iter()
            .any(|reserved| reserved.eq_ignore_ascii_case(text))
        {
            return Err(InvalidAction::Reserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// The action of an event that names none: `sale`.
    pub fn sale() -> Self {
        Self("sale".to_owned())
    }

    /// The action as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The action, to be kept in another form.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The form that equal actions share.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for Action {}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_kept_as_sent_and_compared_without_case() {
        let action = Action::parse(" Closed Won ").unwrap();
        assert_eq!(action.as_str(), "Closed Won");
        assert_eq!(action, Action::parse("closed won").unwrap());
    }

    #[test]
    fn reserved_actions_are_refused_in_any_case() {
        for text in ["land", "LAND", "callrate", "CallBlegStart"] {
            assert_eq!(
                Action::parse(text).unwrap_err(),
                InvalidAction::Reserved,
                "{text}"
            );
        }
        assert!(Action::parse("landing").is_ok());
    }

    #[test]
    fn an_action_has_1_to_64_characters() {
        assert_eq!(Action::parse(" ").unwrap_err(), InvalidAction::Length);
        assert!(Action::parse(&"ü".repeat(64)).is_ok());
        assert_eq!(
            Action::parse(&"u".repeat(65)).unwrap_err(),
            InvalidAction::Length
        );
    }
}
