//! Where outbound messages go, and of what.

use std::str::FromStr;

use salesforce_sim::ObjectType;

/// An endpoint and the object that is sent there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    object: ObjectType,
    url: String,
}

/// A text is no target. It is not repeated, for it may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidTarget {
    #[error("is not an http:// or https:// URL")]
    Url,
    #[error("begins with an object that is none of Lead, Opportunity, Task")]
    Object,
}

impl Target {
    pub(super) fn object(&self) -> ObjectType {
        self.object
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (object, url) = match text.split_once('=') {
            Some((object, url)) if !object.contains(':') => (
                Some(ObjectType::named(object).ok_or(InvalidTarget::Object)?),
                url,
            ),
            _ => (None, text),
        };
        let parsed = reqwest::Url::parse(url).map_err(|_| InvalidTarget::Url)?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(InvalidTarget::Url);
        }
        let of_path = || match parsed.path().trim_end_matches('/').rsplit('/').next() {
            Some("events") => ObjectType::Opportunity,
            Some("callRating") => ObjectType::Task,
            _ => ObjectType::Lead,
        };
        Ok(Self {
            object: object.unwrap_or_else(of_path),
            url: url.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<ObjectType, InvalidTarget>) {
        let object = text.parse::<Target>().map(|target| target.object());
        assert_eq!(object, expected, "{text}");
    }

    #[test]
    fn the_endpoint_decides_what_is_sent_unless_it_is_said() {
        let base = "http://127.0.0.1:8080/callback/v1/salesforce";
        check(&format!("{base}/leadEnrich?igrp=1"), Ok(ObjectType::Lead));
        check(
            &format!("{base}/events?igrp=1"),
            Ok(ObjectType::Opportunity),
        );
        check(&format!("{base}/callRating"), Ok(ObjectType::Task));
        check(&format!("lead={base}/events?igrp=1"), Ok(ObjectType::Lead));
        check(&format!("Case={base}/events"), Err(InvalidTarget::Object));
        for text in ["", "127.0.0.1:8080", "ftp://a/b", "Lead="] {
            check(text, Err(InvalidTarget::Url));
        }
    }
}
