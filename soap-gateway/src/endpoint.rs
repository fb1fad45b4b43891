//! The endpoints that Salesforce posts to.

use std::fmt;

/// One of the endpoints. Each is its own tiny language of URL parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Notifications become events.
    Events,
    /// Notifications become call ratings.
    CallRating,
    /// Notifications become leads to enrich.
    LeadEnrich,
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Self; 3] = [Self::Events, Self::CallRating, Self::LeadEnrich];

    /// The last segment of the path, which names the endpoint in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::CallRating => "callRating",
            Self::LeadEnrich => "leadEnrich",
        }
    }

    /// The whole path.
    pub fn path(self) -> &'static str {
        match self {
            Self::Events => "/callback/v1/salesforce/events",
            Self::CallRating => "/callback/v1/salesforce/callRating",
            Self::LeadEnrich => "/callback/v1/salesforce/leadEnrich",
        }
    }

    /// The endpoint at a path: the exact path, with at most one trailing slash.
    pub fn at(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.path() == path)
    }

    /// The endpoint of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|endpoint| endpoint.name() == name)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_matched_exactly_but_for_one_trailing_slash() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::at(endpoint.path()), Some(endpoint));
            assert_eq!(
                Endpoint::at(&format!("{}/", endpoint.path())),
                Some(endpoint)
            );
            assert_eq!(Endpoint::at(&format!("{}//", endpoint.path())), None);
            assert_eq!(Endpoint::at(&format!("/{}", endpoint.path())), None);
            assert_eq!(Endpoint::at(&endpoint.path().to_uppercase()), None);
        }
        assert_eq!(Endpoint::at("/"), None);
    }
}
