//! What an org is to begin with, as a data file says it.

mod made_up;

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::outbound::DefinitionDescription;
use crate::schema::CustomField;
pub use made_up::MadeUp;

/// An org to begin with: who it is, who may log in, and its records.
///
/// Everything can be left out. Fields of records are named as in Salesforce.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OrgDescription {
    /// The organisation.
    pub org: Organization,
    /// The user of the API.
    pub user: User,
    /// The app by which it logs in.
    pub app: App,
    /// More fields of the Lead.
    pub lead_fields: Vec<CustomField>,
    /// Fields that the Lead does not have.
    pub without_lead_fields: Vec<String>,
    /// The Leads.
    pub leads: Vec<Map<String, Json>>,
    /// The Opportunities.
    pub opportunities: Vec<Map<String, Json>>,
    /// The Tasks.
    pub tasks: Vec<Map<String, Json>>,
    /// The outbound messages that are sent when records change.
    pub outbound_messages: Vec<DefinitionDescription>,
}

/// An organisation.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A sandbox wants `https://test.salesforce.com` as the audience of a JWT.
    pub sandbox: bool,
    /// Its My Domain name, for the URLs in outbound messages.
    pub my_domain: String,
    /// Calls of the API that it has in 24 hours.
    pub daily_api_requests: u32,
    /// Whether an assignment rule for Leads is active. It moves every Lead
    /// that is saved without `Sforce-Auto-Assign: FALSE` to a queue.
    pub assignment_rule: bool,
    /// Seconds that a session lasts without being used.
    pub session_seconds: u32,
}

impl Default for Organization {
    fn default() -> Self {
        Self {
            id: "00D000000000062EAA".to_owned(),
            name: "Acme (pretended)".to_owned(),
            sandbox: false,
            my_domain: "acme".to_owned(),
            daily_api_requests: 15_000,
            assignment_rule: true,
            session_seconds: 7_200,
        }
    }
}

/// The user of the API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct User {
    /// The name to log in with.
    pub username: String,
    /// The permission *Send Outbound Messages*. Without it, what this user
    /// changes fires no outbound message.
    pub sends_outbound_messages: bool,
}

impl Default for User {
    fn default() -> Self {
        Self {
            username: "integration@acme.example.com".to_owned(),
            sends_outbound_messages: true,
        }
    }
}

/// The External Client App by which the user logs in.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct App {
    /// The consumer key.
    pub client_id: String,
    /// The consumer secret, for the client credentials flow.
    pub client_secret: String,
    /// The certificate or public key that was uploaded for the JWT bearer
    /// flow, in PEM. Without one, signatures are not checked.
    pub certificate: Option<String>,
    /// Whether the user is approved to use the app.
    pub approved: bool,
    /// Further audiences that a JWT may have.
    pub audiences: Vec<String>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            client_id: "3MVG9pretended.sfbridge.simulator".to_owned(),
            client_secret: "pretended-secret".to_owned(),
            certificate: None,
            approved: true,
            audiences: Vec::new(),
        }
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A data file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDataFile {
    /// It is not TOML, or has keys that are not known.
    #[error("it is not the TOML that describes an org")]
    Toml(#[source] Box<toml::de::Error>),
    /// It is not JSON, or has keys that are not known.
    #[error("it is not the JSON that describes an org")]
    Json(#[source] serde_json::Error),
}

impl OrgDescription {
    /// Reads a data file: JSON when its name ends in `.json`, else TOML.
    ///
    /// # Errors
    ///
    /// [`InvalidDataFile`] with the place of the mistake in its source.
    pub fn parse(path: &Path, text: &str) -> Result<Self, InvalidDataFile> {
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            serde_json::from_str(text).map_err(InvalidDataFile::Json)
        } else {
            toml::from_str(text).map_err(|error| InvalidDataFile::Toml(Box::new(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_leaves_out_has_defaults() {
        let text = "[org]\nsandbox = true\n[[leads]]\nLastName = 'Lovelace'\nCompany = 'Engines'\n";
        let org = OrgDescription::parse(Path::new("org.toml"), text).unwrap();
        assert!(org.org.sandbox && org.app.approved);
        assert_eq!(org.org.id, "00D000000000062EAA");
        assert_eq!(org.leads[0]["LastName"], "Lovelace");
        let json = serde_json::to_string(&org).unwrap();
        let again = OrgDescription::parse(Path::new("org.json"), &json).unwrap();
        assert_eq!(again.leads, org.leads);
    }

    #[test]
    fn keys_that_are_not_known_are_refused() {
        for (name, text) in [
            ("a.toml", "[organisation]\n"),
            ("a.json", "{\"organisation\": {}}"),
        ] {
            assert!(
                OrgDescription::parse(Path::new(name), text).is_err(),
                "{name}"
            );
        }
    }
}
