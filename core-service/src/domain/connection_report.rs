//! What was learnt about a connection to Salesforce by using it.

use sfbridge_values::Timestamp;

use super::ConnectedPeer;

/// What was learnt about a connection by using it. What is not said stays as
/// it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionReport {
    /// Which credentials it is about: those that were set at this time.
    pub(super) credentials_time: Timestamp,
    pub(super) outcome: Option<LoginOutcome>,
    pub(super) peer: Option<ConnectedPeer>,
    pub(super) api_usage: Option<ApiUsage>,
    pub(super) warnings: Option<Vec<String>>,
}

/// Whether a connection was found to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginOutcome {
    Worked,
    Broke { reason: String },
}

/// How much of an organisation's daily API requests is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiUsage {
    /// Requests of the last 24 hours, by anybody.
    pub used: u64,
    /// How many there may be.
    pub limit: u64,
    /// When Salesforce said so.
    pub time: Timestamp,
}

/// The most warnings of a connection, and the most characters of one text.
const MAX_WARNINGS: usize = 50;
const MAX_CHARS: usize = 500;

impl ConnectionReport {
    /// A report about the credentials that were set at this time.
    pub fn about(credentials_time: Timestamp) -> Self {
        Self {
            credentials_time,
            outcome: None,
            peer: None,
            api_usage: None,
            warnings: None,
        }
    }

    /// A log-in or a call worked.
    #[must_use]
    pub fn worked(self) -> Self {
        let outcome = Some(LoginOutcome::Worked);
        Self { outcome, ..self }
    }

    /// A log-in or a call was refused in a way that time does not mend; in
    /// Salesforce's own words.
    #[must_use]
    pub fn broke(self, reason: &str) -> Self {
        let reason = bounded(reason);
        let outcome = Some(LoginOutcome::Broke { reason });
        Self { outcome, ..self }
    }

    /// Who was met.
    #[must_use]
    pub fn met(self, peer: ConnectedPeer) -> Self {
        let peer = ConnectedPeer {
            organization_id: peer.organization_id,
            organization_name: bounded(&peer.organization_name),
            username: bounded(&peer.username),
            api_version: bounded(&peer.api_version),
        };
        let peer = Some(peer);
        Self { peer, ..self }
    }

    /// How much of the API is used.
    #[must_use]
    pub fn used(self, usage: ApiUsage) -> Self {
        let api_usage = Some(usage);
        Self { api_usage, ..self }
    }

    /// All that works less well than it could, in place of what was known to.
    #[must_use]
    pub fn warned(self, warnings: impl IntoIterator<Item = String>) -> Self {
        let mut kept: Vec<String> = Vec::new();
        for warning in warnings {
            let warning = bounded(&warning);
            if kept.len() < MAX_WARNINGS && !kept.contains(&warning) {
                kept.push(warning);
            }
        }
        let warnings = Some(kept);
        Self { warnings, ..self }
    }
}

/// A stranger's text, no longer than is kept.
fn bounded(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_stranger_says_grows_without_end() {
        let report = ConnectionReport::about(Timestamp::from_micros(1));
        let many = (0..1_000).map(|n| format!("{n} {}", "é".repeat(1_000)));
        let warned = report.clone().warned(many).warnings.unwrap();
        assert_eq!(warned.len(), MAX_WARNINGS);
        assert!(
            warned
                .iter()
                .all(|text| text.chars().count() == MAX_CHARS + 1)
        );
        let Some(LoginOutcome::Broke { reason }) = report.broke(&"x".repeat(10_000)).outcome else {
            panic!("it broke");
        };
        assert_eq!(reason.chars().count(), MAX_CHARS + 1);
    }
}
