//! The JWT that logs a user in.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, TokenData, Validation};
use serde::Deserialize;

use super::{AppKey, Denied};
use crate::org::Org;

/// What a JWT claims.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Assertion {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Number,
}

/// One or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Seconds since 1970, as numbers or text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Broken(f64),
    Text(String),
}

const INVALID: Denied = Denied::new("invalid_grant", "invalid assertion");
const EXPIRED: Denied = Denied::new("invalid_grant", "expired authorization code");

/// Reads a JWT and, when the app has a certificate, checks its signature.
pub(super) fn read(text: &str, key: &AppKey) -> Result<Assertion, Denied> {
    let token: TokenData<Assertion> = match key.key() {
        Some(key) => {
            let mut validation = Validation::new(Algorithm::RS256);
            // The claims are checked here, with Salesforce's own refusals.
            validation.required_spec_claims.clear();
            validation.validate_exp = false;
            validation.validate_aud = false;
            jsonwebtoken::decode(text, key, &validation).map_err(|_| INVALID)?
        }
        None => jsonwebtoken::dangerous::insecure_decode(text).map_err(|_| INVALID)?,
    };
    if token.header.alg == Algorithm::RS256 {
        Ok(token.claims)
    } else {
        Err(INVALID)
    }
}

impl Assertion {
    /// Checks the claims. `base_url` is where the org was reached.
    pub(super) fn check(
        &self,
        org: &Org,
        base_url: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Denied> {
        if self.iss != org.app.client_id {
            return Err(Denied::new(
                "invalid_client_id",
                "client identifier invalid",
            ));
        }
        let login_host = if org.is_sandbox {
            "https://test.salesforce.com"
        } else {
            "https://login.salesforce.com"
        };
        let is_audience = |audience: &String| {
            let audience = audience.trim_end_matches('/');
            audience == login_host
                || audience == base_url
                || org.app.audiences.iter().any(|other| other == audience)
        };
        let is_for_us = match &self.aud {
            Audience::One(audience) => is_audience(audience),
            Audience::Several(audiences) => audiences.iter().any(is_audience),
        };
        if !is_for_us {
            return Err(Denied::new("invalid_grant", "audience is invalid"));
        }
        self.check_time(now)?;
        if self.sub != org.users.username || !org.app.approved {
            return Err(Denied::new(
                "invalid_grant",
                "user hasn't approved this consumer",
            ));
        }
        Ok(())
    }

    /// A JWT is good for 3 minutes at most, give or take the clocks.
    fn check_time(&self, now: DateTime<Utc>) -> Result<(), Denied> {
        const LONGEST: TimeDelta = TimeDelta::minutes(3);
        const SKEW: TimeDelta = TimeDelta::minutes(1);

        let seconds = match &self.exp {
            Number::Whole(seconds) => Some(*seconds),
            // Seconds of this age have no more digits.
            #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
            Number::Broken(seconds) => Some(*seconds as i64),
            Number::Text(text) => text.parse().ok(),
        };
        let end = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let end = end.ok_or(EXPIRED)?;
        let left = end - now;
        if left <= -SKEW || left > LONGEST + SKEW {
            return Err(EXPIRED);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(exp: &str, expected: Result<(), Denied>) {
        let claims = format!(
            r#"{{"iss": "client", "sub": "user", "aud": ["https://login.salesforce.com"], "exp": {exp}}}"#
        );
        let assertion: Assertion = serde_json::from_str(&claims).unwrap();
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        assert_eq!(assertion.check_time(now), expected, "{exp}");
    }

    #[test]
    fn a_jwt_is_good_for_three_minutes_in_seconds() {
        for exp in ["1000000", "1000180", "\"1000180\"", "1000180.5", "999941"] {
            check(exp, Ok(()));
        }
        for exp in [
            "999940",
            "1000241",
            "1000000000",
            "\"soon\"",
            "9223372036854775807",
        ] {
            check(exp, Err(EXPIRED));
        }
    }

    #[test]
    fn anything_that_is_no_jwt_is_an_invalid_assertion() {
        let none = AppKey::new(None).unwrap();
        for text in ["", "a.b.c", "e30.e30.", "eyJhbGciOiJSUzI1NiJ9.e30.AA"] {
            assert_eq!(read(text, &none).unwrap_err(), INVALID, "{text}");
        }
    }
}
