//! A way to log in as somebody gives it.

use salesforce_client::{Credentials, ExtraHosts, InvalidLogin, Login, LoginUrl, PrivateKey};
use secrecy::{ExposeSecret as _, SecretString};
use sfbridge_values::{Igrp, Timestamp};

use crate::domain::{LoginFlow, SalesforceConnection, SealedLogin};
use crate::error::Violation;
use crate::sealing::{SealingFailed, SecretKeys};

/// A way to log in of which all is checked that can be without asking
/// Salesforce.
#[derive(Clone, Debug)]
pub(crate) struct NewLogin {
    login: Login,
    flow: LoginFlow,
    client_id: String,
    secret: SecretString,
}

/// A flow and what it needs, as given.
#[derive(Debug)]
pub(crate) enum GivenFlow {
    /// JWT bearer.
    JwtBearer {
        client_id: String,
        username: String,
        private_key_pem: SecretString,
    },
    /// Client credentials.
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
}

/// Something is no client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the client id of an External Client App, which is the consumer key that Salesforce \
     shows: 1 to 512 characters without spaces"
)]
struct InvalidClientId;

/// Something is no user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the name of a Salesforce user, which looks like an e-mail address: \
     integration@acme.example.com"
)]
struct InvalidUsername;

/// Something is no client secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the secret of an External Client App, which is the consumer secret that Salesforce \
     shows: 1 to 512 characters without spaces"
)]
struct InvalidClientSecret;

/// The longest client id or secret. Salesforce's have about 85 and 64
/// characters.
const MAX_CHARS: usize = 512;

/// Salesforce keeps no longer user names.
const MAX_USERNAME_CHARS: usize = 80;

impl NewLogin {
    /// Checks a way to log in, and names every field at fault.
    pub(crate) fn check(
        login_url: &str,
        flow: GivenFlow,
        extra_hosts: &ExtraHosts,
    ) -> Result<Self, Vec<Violation>> {
        let mut reading = Reading::default();
        let url = reading.keep("login_url", LoginUrl::parse(login_url, extra_hosts));
        let read = match flow {
            GivenFlow::JwtBearer {
                client_id,
                username,
                private_key_pem,
            } => {
                let client_id = reading.keep("jwt_bearer.client_id", plain_client_id(&client_id));
                let username = reading.keep("jwt_bearer.username", plain_username(&username));
                let key = PrivateKey::parse(&private_key_pem);
                let key = reading.keep("jwt_bearer.private_key_pem", key);
                client_id
                    .zip(username.zip(key))
                    .map(|(client_id, (username, private_key))| {
                        let credentials = Credentials::JwtBearer {
                            client_id: client_id.clone(),
                            username: username.clone(),
                            private_key,
                        };
                        let flow = LoginFlow::JwtBearer { username };
                        (flow, client_id, private_key_pem, credentials)
                    })
            }
            GivenFlow::ClientCredentials {
                client_id,
                client_secret,
            } => {
                let client_id = plain_client_id(&client_id);
                let client_id = reading.keep("client_credentials.client_id", client_id);
                let secret = plain_client_secret(&client_secret);
                let secret = reading.keep("client_credentials.client_secret", secret);
                client_id.zip(secret).map(|(client_id, client_secret)| {
                    let credentials = Credentials::ClientCredentials {
                        client_id: client_id.clone(),
                        client_secret: client_secret.clone(),
                    };
                    let flow = LoginFlow::ClientCredentials;
                    (flow, client_id, client_secret, credentials)
                })
            }
        };
        let (Some(url), Some((flow, client_id, secret, credentials))) = (url, read) else {
            return Err(reading.violations);
        };
        let login: Result<Login, InvalidLogin> = Login::new(url, credentials);
        let login = login.map_err(|invalid| vec![Violation::new("login_url", invalid)])?;
        Ok(Self {
            login,
            flow,
            client_id,
            secret,
        })
    }

    /// The connection of an installation that logs in so.
    pub(super) fn seal(
        &self,
        igrp: Igrp,
        keys: &SecretKeys,
        now: Timestamp,
    ) -> Result<SalesforceConnection, SealingFailed> {
        let login_url = self.login.url().as_str();
        let context = SealedLogin::context(igrp, login_url, &self.flow, &self.client_id);
        let login = SealedLogin {
            login_url: login_url.to_owned(),
            flow: self.flow.clone(),
            client_id: self.client_id.clone(),
            secret: keys.seal(&self.secret, &context)?,
        };
        Ok(SalesforceConnection::new(igrp, login, now))
    }

    pub(super) fn into_login(self) -> Login {
        self.login
    }
}

impl GivenFlow {
    /// A flow as it was kept, with its secret opened.
    pub(super) fn opened(kept: &SealedLogin, secret: SecretString) -> Self {
        let client_id = kept.client_id.clone();
        match &kept.flow {
            LoginFlow::JwtBearer { username } => Self::JwtBearer {
                client_id,
                username: username.clone(),
                private_key_pem: secret,
            },
            LoginFlow::ClientCredentials => Self::ClientCredentials {
                client_id,
                client_secret: secret,
            },
        }
    }
}

fn is_plain(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn plain_client_id(text: &str) -> Result<String, InvalidClientId> {
    let text = text.trim();
    if is_plain(text, MAX_CHARS) {
        Ok(text.to_owned())
    } else {
        Err(InvalidClientId)
    }
}

fn plain_username(text: &str) -> Result<String, InvalidUsername> {
    let text = text.trim();
    let has_host = text
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if has_host && is_plain(text, MAX_USERNAME_CHARS) {
        Ok(text.to_owned())
    } else {
        Err(InvalidUsername)
    }
}

fn plain_client_secret(secret: &SecretString) -> Result<SecretString, InvalidClientSecret> {
    // A file that an editor wrote ends with a line end.
    let text = secret.expose_secret().trim();
    if is_plain(text, MAX_CHARS) {
        Ok(SecretString::from(text))
    } else {
        Err(InvalidClientSecret)
    }
}

/// Collects every field at fault.
#[derive(Default)]
struct Reading {
    violations: Vec<Violation>,
}

impl Reading {
    fn keep<T, E: std::fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value
            .map_err(|invalid| self.violations.push(Violation::new(field, invalid)))
            .ok()
    }
}
