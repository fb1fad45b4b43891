//! Names of marketing attributes.

use std::fmt;

use crate::{VariableName, nearest};

/// The name of something that is known about how a visitor came, as used in
/// `map[NAME]` and in lead field mappings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarketingAttribute(String);

/// A text is not the name of a marketing attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a marketing attribute{}", .nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
pub struct InvalidMarketingAttribute {
    /// The known name that was probably meant.
    pub nearest: Option<&'static str>,
}

/// Attributes of one visit. `first.NAME` is the same of the first visit ever.
const OF_A_VISIT: [&str; 12] = [
    "chName",
    "chType",
    "src",
    "campaign",
    "adGroup",
    "term",
    "matchType",
    "network",
    "href",
    "ref",
    "pageTitle",
    "triggerDatetime",
];

/// Attributes of the visitor's history and last call.
const OF_THE_VISITOR: [&str; 9] = [
    "path",
    "visitorFirstDatetime",
    "visitorLastDatetime",
    "visitorVisitCount",
    "visitorCallCount",
    "callRef",
    "dialledPhoneNumber",
    "callDuration",
    "callRating",
];

impl MarketingAttribute {
    /// Reads an attribute's name. Case counts.
    ///
    /// # Errors
    ///
    /// [`InvalidMarketingAttribute`] names the nearest known one, if any is
    /// near.
    pub fn parse(text: &str) -> Result<Self, InvalidMarketingAttribute> {
        let of_a_visit = text.strip_prefix("first.").unwrap_or(text);
        if OF_A_VISIT.contains(&of_a_visit)
            || OF_THE_VISITOR.contains(&text)
            || is_variable(of_a_visit)
        {
            return Ok(Self(text.to_owned()));
        }
        let known = OF_A_VISIT.into_iter().chain(OF_THE_VISITOR);
        Err(InvalidMarketingAttribute {
            nearest: nearest(of_a_visit, known),
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `pt_NAME` and `c_NAME`: pass-through URL parameters and custom variables.
fn is_variable(text: &str) -> bool {
    let name = text.strip_prefix("pt_").or_else(|| text.strip_prefix("c_"));
    name.is_some_and(|name| VariableName::parse(name).is_ok())
}

impl fmt::Display for MarketingAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_visits_histories_and_variables_are_known() {
        for text in [
            "chName",
            "first.chName",
            "path",
            "pt_gclid",
            "c_team",
            "first.pt_utm_source",
        ] {
            assert_eq!(MarketingAttribute::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_misspelt_attribute_names_the_nearest() {
        let nearest = |text| MarketingAttribute::parse(text).unwrap_err().nearest;
        assert_eq!(nearest("chNam"), Some("chName"));
        assert_eq!(nearest("first.campain"), Some("campaign"));
        assert_eq!(nearest("first.path"), Some("path"));
        assert_eq!(nearest("visitorGoalCount"), Some("visitorCallCount"));
        assert_eq!(nearest("somethingElseAltogether"), None);
        assert_eq!(nearest("CHNAME"), Some("chName"));
    }
}
