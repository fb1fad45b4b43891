//! Who is logged in.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;
use rand::distr::Alphanumeric;
use sfbridge_values::OrganizationId;

/// The sessions of the API user, by their tokens.
#[derive(Debug)]
pub(crate) struct Sessions {
    lifetime: TimeDelta,
    ends: HashMap<String, DateTime<Utc>>,
}

impl Sessions {
    /// Sessions that end when they were not used for this long.
    pub(crate) fn new(lifetime: TimeDelta) -> Self {
        Self {
            lifetime,
            ends: HashMap::new(),
        }
    }

    /// Begins a session; its token.
    pub(crate) fn begin(&mut self, organization: &OrganizationId, now: DateTime<Utc>) -> String {
        const SECRET: usize = 80;

        self.ends.retain(|_, end| *end > now);
        let secret = rand::rng().sample_iter(Alphanumeric).take(SECRET);
        let secret: String = secret.map(char::from).collect();
        let token = format!("{}!{secret}", organization.key());
        self.ends.insert(token.clone(), now + self.lifetime);
        token
    }

    /// Whether a token is one of a session that goes on. It goes on for longer
    /// then.
    pub(crate) fn is_open(&mut self, token: &str, now: DateTime<Utc>) -> bool {
        let Some(end) = self.ends.get_mut(token) else {
            return false;
        };
        if *end <= now {
            self.ends.remove(token);
            return false;
        }
        *end = now + self.lifetime;
        true
    }

    /// Ends one session.
    pub(crate) fn end(&mut self, token: &str) {
        self.ends.remove(token);
    }

    /// Ends all sessions; how many there were.
    pub(crate) fn end_all(&mut self) -> usize {
        let count = self.ends.len();
        self.ends.clear();
        count
    }

    pub(crate) fn set_lifetime(&mut self, lifetime: TimeDelta) {
        self.lifetime = lifetime;
    }

    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_goes_on_while_it_is_used() {
        let mut sessions = Sessions::new(TimeDelta::hours(2));
        let organization = OrganizationId::parse("00D000000000062").unwrap();
        let mut now = DateTime::UNIX_EPOCH;
        let token = sessions.begin(&organization, now);
        assert!(token.starts_with("00D000000000062!"));
        for _ in 0..3 {
            now += TimeDelta::minutes(119);
            assert!(sessions.is_open(&token, now));
        }
        now += TimeDelta::hours(2);
        assert!(!sessions.is_open(&token, now));
        assert!(!sessions.is_open("00D000000000062!guess", now));
    }

    #[test]
    fn sessions_end_on_request() {
        let mut sessions = Sessions::new(TimeDelta::hours(2));
        let organization = OrganizationId::parse("00D000000000062").unwrap();
        let now = DateTime::UNIX_EPOCH;
        let token = sessions.begin(&organization, now);
        let other = sessions.begin(&organization, now);
        assert_ne!(token, other);
        sessions.end(&other);
        assert!(!sessions.is_open(&other, now));
        assert_eq!(sessions.end_all(), 1);
        assert!(!sessions.is_open(&token, now));
    }
}
