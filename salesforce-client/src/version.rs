//! Versions of the API.

use std::fmt;

/// A version of Salesforce's REST API that sfbridge speaks: 62.0 to 67.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(u16);

/// A text is no version that sfbridge speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no version of the API that sfbridge speaks; write one from 62.0 to 67.0")]
pub struct InvalidApiVersion;

impl ApiVersion {
    const OLDEST: u16 = 62;
    const NEWEST: u16 = 67;

    /// Reads a version such as `66.0`; the `.0` may be left out.
    ///
    /// # Errors
    ///
    /// [`InvalidApiVersion`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidApiVersion> {
        let text = text.trim();
        let number = text.strip_suffix(".0").unwrap_or(text);
        let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = number.parse().map_err(|_| InvalidApiVersion)?;
        let is_known = (Self::OLDEST..=Self::NEWEST).contains(&number);
        if is_plain && is_known {
            Ok(Self(number))
        } else {
            Err(InvalidApiVersion)
        }
    }

    /// The version to speak with an organisation that offers these: the wanted
    /// one, else the newest that both know. `None` when there is none.
    pub(crate) fn choose<'a>(
        wanted: Self,
        offered: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        let known = offered
            .into_iter()
            .filter_map(|text| Self::parse(text).ok());
        let mut newest = None;
        for version in known {
            if version == wanted {
                return Some(wanted);
            }
            newest = newest.max(Some(version));
        }
        newest
    }
}

impl Default for ApiVersion {
    /// 66.0.
    fn default() -> Self {
        Self(66)
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.0", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, offered: &[&str], expected: Option<&str>) {
        let wanted = ApiVersion::parse(wanted).unwrap();
        let chosen = ApiVersion::choose(wanted, offered.iter().copied());
        assert_eq!(
            chosen.map(|version| version.to_string()).as_deref(),
            expected
        );
    }

    #[test]
    fn the_wanted_version_goes_before_the_newest_that_both_know() {
        check("66.0", &["62.0", "66.0", "67.0", "68.0"], Some("66.0"));
        check("66", &["31.0", "63.0", "64.0", "62.0"], Some("64.0"));
        check("63.0", &["67.0", "68.0"], Some("67.0"));
        check("66.0", &["61.0", "68.0", "latest"], None);
        check("66.0", &[], None);
    }

    #[test]
    fn versions_have_a_range() {
        assert_eq!(ApiVersion::default().to_string(), "66.0");
        for text in ["", "61.0", "68.0", "66.1", "v66.0", "+66", "66.0.0", "-1"] {
            assert_eq!(ApiVersion::parse(text), Err(InvalidApiVersion), "{text}");
        }
    }
}
