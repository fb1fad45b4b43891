//! An installation's connection to its Salesforce organisation.

use sfbridge_values::{Igrp, OrganizationId, Timestamp};

use super::connection_report::{ApiUsage, ConnectionReport, LoginOutcome};
use crate::sealing::{Sealed, SealingContext};

/// How an installation logs in to Salesforce, and whether that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalesforceConnection {
    /// The installation.
    pub igrp: Igrp,
    /// How to log in.
    pub login: SealedLogin,
    /// When the credentials were set. No two settings of one installation have
    /// the same time, so it tells them apart.
    pub credentials_time: Timestamp,
    /// Whether it works.
    pub state: ConnectionState,
    /// Since when it is in this state.
    pub state_time: Timestamp,
    /// When it last worked, to the minute.
    pub last_success_time: Option<Timestamp>,
    /// Who was met there.
    pub peer: Option<ConnectedPeer>,
    /// How much of the organisation's daily API requests is used.
    pub api_usage: Option<ApiUsage>,
    /// What works less well than it could, each once.
    pub warnings: Vec<String>,
}

/// A way to log in whose secret is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedLogin {
    /// The address to log in at.
    pub login_url: String,
    /// Who logs in.
    pub flow: LoginFlow,
    /// The client id of the External Client App: its consumer key.
    pub client_id: String,
    /// The private key or the client secret.
    pub secret: Sealed,
}

/// An OAuth 2.0 flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginFlow {
    /// JWT bearer: a token that we sign, for this user.
    JwtBearer {
        /// The user's name.
        username: String,
    },
    /// Client credentials: the app's own run-as user.
    ClientCredentials,
}

/// Whether a connection works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Nobody has logged in with these credentials yet.
    Untested,
    /// The last log-in or call worked.
    Working,
    /// The last log-in or call was refused in a way that time does not mend.
    Broken {
        /// In Salesforce's own words.
        reason: String,
    },
}

/// Who was met at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedPeer {
    /// The organisation.
    pub organization_id: OrganizationId,
    /// The organisation's name.
    pub organization_name: String,
    /// The user that was logged in.
    pub username: String,
    /// The version of the API that is used, such as `66.0`.
    pub api_version: String,
}

/// What one report may change without being worth a write: the time of the last
/// success and the use of the API move with every call.
const NEGLIGIBLE_MICROS: i64 = 60_000_000;

impl SealedLogin {
    /// What the secret is sealed in: it opens only for this installation, and
    /// goes only to where and as whom it was given for.
    pub fn context(
        igrp: Igrp,
        login_url: &str,
        flow: &LoginFlow,
        client_id: &str,
    ) -> SealingContext {
        let igrp = igrp.to_string();
        let (flow, username) = match flow {
            LoginFlow::JwtBearer { username } => ("jwt_bearer", username.as_str()),
            LoginFlow::ClientCredentials => ("client_credentials", ""),
        };
        SealingContext::new(
            "salesforce_credentials",
            [&igrp, flow, login_url, client_id, username],
        )
    }
}

impl SalesforceConnection {
    /// A connection with new credentials, of which nothing is known yet.
    pub fn new(igrp: Igrp, login: SealedLogin, now: Timestamp) -> Self {
        Self {
            igrp,
            login,
            credentials_time: now,
            state: ConnectionState::Untested,
            state_time: now,
            last_success_time: None,
            peer: None,
            api_usage: None,
            warnings: Vec::new(),
        }
    }

    /// What the secret is sealed in.
    pub fn sealing_context(&self) -> SealingContext {
        let SealedLogin {
            login_url,
            flow,
            client_id,
            ..
        } = &self.login;
        SealedLogin::context(self.igrp, login_url, flow, client_id)
    }

    /// This connection with newer credentials, whose time is later whatever the
    /// clock says.
    #[must_use]
    pub fn replacing(self, earlier: &Self) -> Self {
        let after = Timestamp::from_micros(earlier.credentials_time.micros().saturating_add(1));
        let credentials_time = self.credentials_time.max(after);
        Self {
            credentials_time,
            ..self
        }
    }

    /// The connection after a report. `None` when that changes nothing that is
    /// worth a write, or was about other credentials.
    pub fn after(&self, report: &ConnectionReport, now: Timestamp) -> Option<Self> {
        if report.credentials_time != self.credentials_time {
            return None;
        }
        let mut next = self.clone();
        match &report.outcome {
            None => {}
            Some(LoginOutcome::Worked) => {
                if next.state != ConnectionState::Working {
                    next.state = ConnectionState::Working;
                    next.state_time = now;
                }
                if next
                    .last_success_time
                    .is_none_or(|last| is_worth(last, now))
                {
                    next.last_success_time = Some(now);
                }
            }
            Some(LoginOutcome::Broke { reason }) => {
                let is_new = !matches!(next.state, ConnectionState::Broken { .. });
                next.state_time = if is_new { now } else { next.state_time };
                next.state = ConnectionState::Broken {
                    reason: reason.clone(),
                };
            }
        }
        if let Some(peer) = &report.peer {
            next.peer = Some(peer.clone());
        }
        if let Some(usage) = report.api_usage {
            let is_news = next.api_usage.is_none_or(|last| {
                let moved = last.used.abs_diff(usage.used);
                last.limit != usage.limit
                    || moved > usage.limit / 100
                    || (moved > 0 && is_worth(last.time, usage.time))
            });
            if is_news {
                next.api_usage = Some(usage);
            }
        }
        if let Some(warnings) = &report.warnings {
            next.warnings.clone_from(warnings);
        }
        (next != *self).then_some(next)
    }
}

fn is_worth(last: Timestamp, now: Timestamp) -> bool {
    now.micros().saturating_sub(last.micros()) >= NEGLIGIBLE_MICROS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sealing::KeyId;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn connection() -> SalesforceConnection {
        let login = SealedLogin {
            login_url: "https://login.salesforce.com".to_owned(),
            flow: LoginFlow::ClientCredentials,
            client_id: "3MVG9".to_owned(),
            secret: Sealed::from_parts(KeyId::parse("0123456789abcdef").unwrap(), vec![1]),
        };
        SalesforceConnection::new(Igrp::new(7).unwrap(), login, at(1))
    }

    fn report() -> ConnectionReport {
        ConnectionReport::about(at(1))
    }

    fn usage(used: u64, seconds: i64) -> ApiUsage {
        ApiUsage {
            used,
            limit: 15_000,
            time: at(seconds),
        }
    }

    #[test]
    fn a_state_keeps_the_time_since_when() {
        let working = connection().after(&report().worked(), at(2)).unwrap();
        assert_eq!(working.state, ConnectionState::Working);
        assert_eq!(working.state_time, at(2));
        assert_eq!(working.last_success_time, Some(at(2)));
        let broken = working.after(&report().broke("no"), at(3)).unwrap();
        assert_eq!(broken.state_time, at(3));
        assert_eq!(broken.last_success_time, Some(at(2)));
        let other = broken.after(&report().broke("never"), at(4)).unwrap();
        assert_eq!(other.state_time, at(3));
        assert_ne!(other.state, broken.state);
        assert_eq!(other.after(&report().broke("never"), at(5)), None);
    }

    #[test]
    fn what_moves_with_every_call_is_not_worth_a_write() {
        let worked = |used, seconds| report().worked().used(usage(used, seconds));
        let working = connection().after(&worked(100, 2), at(2)).unwrap();
        assert_eq!(working.after(&worked(101, 61), at(61)), None);
        assert_eq!(working.after(&worked(250, 3), at(3)), None);
        let later = working.after(&worked(101, 62), at(62)).unwrap();
        assert_eq!(later.last_success_time, Some(at(62)));
        assert_eq!(later.api_usage, Some(usage(101, 62)));
        // A hundredth of the limit is news at any time, and a new day is.
        assert!(working.after(&worked(251, 3), at(3)).is_some());
        assert!(later.after(&worked(0, 63), at(63)).is_none());
        let many = working.after(&worked(9_000, 3), at(3)).unwrap();
        assert!(many.after(&worked(1, 4), at(4)).is_some());
    }

    #[test]
    fn a_report_about_other_credentials_changes_nothing() {
        let newer = SalesforceConnection {
            credentials_time: at(1),
            ..connection()
        }
        .replacing(&connection());
        assert!(newer.credentials_time > at(1));
        assert_eq!(newer.after(&report().broke("old"), at(9)), None);
    }

    #[test]
    fn warnings_are_replaced_as_a_whole() {
        let warned = report().warned(["a".to_owned(), "b".to_owned(), "a".to_owned()]);
        let warned = connection().after(&warned, at(2)).unwrap();
        assert_eq!(warned.warnings, ["a", "b"]);
        assert_eq!(
            warned.after(&report().worked(), at(3)).unwrap().warnings,
            ["a", "b"]
        );
        let fine = warned.after(&report().warned([]), at(3)).unwrap();
        assert!(fine.warnings.is_empty());
    }

    proptest! {
        #[test]
        fn the_same_report_is_written_once(
            outcome in 0..3_u8,
            used in proptest::option::of(0..15_000_u64),
            warnings in proptest::option::of(prop::collection::vec("[a-c]{0,2}", 0..4)),
            seconds in 2..1_000_i64,
        ) {
            let mut given = report();
            given = match outcome {
                0 => given,
                1 => given.worked(),
                _ => given.broke("no"),
            };
            if let Some(used) = used {
                given = given.used(usage(used, seconds));
            }
            if let Some(warnings) = warnings {
                given = given.warned(warnings);
            }
            if let Some(after) = connection().after(&given, at(seconds)) {
                prop_assert_eq!(after.after(&given, at(seconds)), None);
            }
        }
    }
}
