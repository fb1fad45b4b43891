//! Names of custom variables.

use std::fmt;

/// The name of a custom variable, without its `c_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableName(String);

/// A text is not the name of a custom variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the name of a custom variable; it has 1 to 64 ASCII letters, digits and `_`")]
pub struct InvalidVariableName;

impl VariableName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`InvalidVariableName`] unless it is 1 to 64 ASCII letters, digits and
    /// `_`.
    pub fn parse(text: &str) -> Result<Self, InvalidVariableName> {
        let is_name = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name && (1..=64).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidVariableName)
        }
    }

    /// The name without `c_`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VariableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_name_has_1_to_64_letters_digits_and_underscores() {
        assert!(VariableName::parse("team_2").is_ok());
        assert!(VariableName::parse(&"x".repeat(64)).is_ok());
        for text in ["", "a b", "ü", "a-b", &"x".repeat(65)] {
            assert_eq!(
                VariableName::parse(text),
                Err(InvalidVariableName),
                "{text}"
            );
        }
    }
}
