//! A session: what a log-in gives.

use std::fmt;

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sfbridge_values::{OrganizationId, SalesforceId};

use crate::client::{CallKind, Client};
use crate::clock;
use crate::error::{Error, ErrorClass};
use crate::host::Host;
use crate::login::Login;
use crate::oauth::{self, Granted};
use crate::version::ApiVersion;

/// What a log-in leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The organisation.
    pub organization_id: OrganizationId,
    /// Whom the app acts for.
    pub user_id: SalesforceId,
    /// Where the organisation is, without a path.
    pub instance_url: String,
    /// The version that is spoken.
    pub api_version: ApiVersion,
}

/// A session, which may be handed to another process. Its `Debug` shows no
/// token.
#[derive(Clone)]
pub struct OpenSession {
    token: SecretString,
    connection: Connection,
    number: Option<i64>,
}

/// Which session somebody wants, where sessions are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedSession {
    /// Whichever there is.
    Any,
    /// One after that of this number, which is over.
    After(i64),
    /// One that is opened now.
    New,
}

/// A log-in that can be done.
#[derive(Clone, Debug)]
pub struct LogIn {
    client: Client,
    login: Login,
}

/// A session that is in use.
pub(crate) struct Session {
    /// The `Authorization` header.
    pub(crate) authorization: HeaderValue,
    pub(crate) connection: Connection,
    open: OpenSession,
}

/// A session, written down.
#[derive(Serialize, Deserialize)]
struct Written {
    token: String,
    organization_id: String,
    user_id: String,
    instance_url: String,
    api_version: String,
}

impl LogIn {
    pub(crate) fn new(client: Client, login: Login) -> Self {
        Self { client, login }
    }

    /// Logs in.
    ///
    /// # Errors
    ///
    /// [`Error`] of the log-in.
    pub async fn run(&self) -> Result<OpenSession, Error> {
        let Self { client, login } = self;
        let form = oauth::form(login, clock::now()).map_err(|error| {
            let message = format!("the JWT can't be signed: {error}");
            connection_error(message)
        })?;
        let url = format!("{}/services/oauth2/token", login.url());
        let request = client
            .request(Method::POST, &url)
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
            .body(form);
        let body = client.send(CallKind::LogIn, request).await.body?;
        let granted: Granted = serde_json::from_slice(&body).map_err(|_| {
            let message = "the answer to the log-in is not in Salesforce's form";
            Error::unreadable(CallKind::LogIn, message)
        })?;
        let instance_url = instance_url(client, &granted.instance_url)?;
        let (organization_id, user_id) = ids(&granted.id)?;
        let token = SecretString::from(granted.access_token);
        authorization(&token)?;
        let api_version = negotiate(client, &instance_url).await?;
        Ok(OpenSession {
            token,
            connection: Connection {
                organization_id,
                user_id,
                instance_url,
                api_version,
            },
            number: None,
        })
    }

    /// Takes a session that another process opened and wrote down, under its
    /// number. `None` when it is not to be read, or leads elsewhere.
    pub fn resume(&self, written: &SecretString, number: i64) -> Option<OpenSession> {
        let written: Written = serde_json::from_str(written.expose_secret()).ok()?;
        let connection = Connection {
            organization_id: OrganizationId::parse(&written.organization_id).ok()?,
            user_id: SalesforceId::parse(&written.user_id).ok()?,
            instance_url: instance_url(&self.client, &written.instance_url).ok()?,
            api_version: ApiVersion::parse(&written.api_version).ok()?,
        };
        let token = SecretString::from(written.token);
        authorization(&token).ok()?;
        Some(OpenSession {
            token,
            connection,
            number: Some(number),
        })
    }
}

impl OpenSession {
    /// The session written down, token and all.
    pub fn to_secret(&self) -> SecretString {
        let written = Written {
            token: self.token.expose_secret().to_owned(),
            organization_id: self.connection.organization_id.as_str().to_owned(),
            user_id: self.connection.user_id.as_str().to_owned(),
            instance_url: self.connection.instance_url.clone(),
            api_version: self.connection.api_version.to_string(),
        };
        // Five texts can always be written.
        SecretString::from(serde_json::to_string(&written).unwrap_or_default())
    }

    /// The session under the number that it is shared under. Later ones have
    /// greater numbers.
    #[must_use]
    pub fn shared_as(mut self, number: i64) -> Self {
        self.number = Some(number);
        self
    }
}

impl fmt::Debug for OpenSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSession")
            .field("connection", &self.connection)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Uses an open session.
    pub(crate) fn new(open: OpenSession) -> Result<Self, Error> {
        Ok(Self {
            authorization: authorization(&open.token)?,
            connection: open.connection.clone(),
            open,
        })
    }

    /// The session as it can be handed on.
    pub(crate) fn open(&self) -> &OpenSession {
        &self.open
    }

    /// What is wanted once this session is over.
    pub(crate) fn next(&self) -> WantedSession {
        self.open
            .number
            .map_or(WantedSession::New, WantedSession::After)
    }

    /// The URL of something in the API.
    pub(crate) fn url(&self, path: &str) -> String {
        let Connection {
            instance_url,
            api_version,
            ..
        } = &self.connection;
        format!("{instance_url}/services/data/v{api_version}/{path}")
    }

    /// The URL of a path that an answer gave, if it is in the same place.
    pub(crate) fn url_within(&self, path: &str) -> Option<String> {
        let base = Url::parse(&self.connection.instance_url).ok()?;
        let url = base.join(path).ok()?;
        let is_within = url.origin() == base.origin() && url.path().starts_with("/services/data/");
        is_within.then(|| url.into())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// The header that shows a token.
fn authorization(token: &SecretString) -> Result<HeaderValue, Error> {
    let bearer = format!("Bearer {}", token.expose_secret());
    let mut authorization = HeaderValue::from_str(&bearer).map_err(|_| {
        let message = "the answer to the log-in has a token that can't be sent";
        Error::unreadable(CallKind::LogIn, message)
    })?;
    authorization.set_sensitive(true);
    Ok(authorization)
}

/// Where the organisation is. Everything that is written goes there, so the
/// answer is not simply believed.
fn instance_url(client: &Client, text: &str) -> Result<String, Error> {
    let url = Url::parse(text).ok();
    let known = url.filter(|url| Host::of(url, client.extra_hosts()).is_some());
    let known = known.ok_or_else(|| {
        connection_error(
            "the log-in leads to a host that is none of Salesforce's, and nothing is sent there",
        )
    })?;
    Ok(known.origin().ascii_serialization())
}

/// The organisation and the user, from a URL that ends in both.
fn ids(url: &str) -> Result<(OrganizationId, SalesforceId), Error> {
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let user_id = parts.next().and_then(|id| SalesforceId::parse(id).ok());
    let organization_id = parts.next().and_then(|id| OrganizationId::parse(id).ok());
    organization_id.zip(user_id).ok_or_else(|| {
        let message = "the answer to the log-in does not say which organisation it is";
        Error::unreadable(CallKind::LogIn, message)
    })
}

#[derive(Deserialize)]
struct Offered {
    version: String,
}

/// The version to speak. A list that can't be read is no reason not to try.
async fn negotiate(client: &Client, instance_url: &str) -> Result<ApiVersion, Error> {
    let wanted = client.wanted_version();
    let request = client.request(Method::GET, &format!("{instance_url}/services/data"));
    let Ok(body) = client.send(CallKind::Versions, request).await.body else {
        return Ok(wanted);
    };
    let Ok(offered) = serde_json::from_slice::<Vec<Offered>>(&body) else {
        return Ok(wanted);
    };
    let names = offered.iter().map(|offered| offered.version.as_str());
    ApiVersion::choose(wanted, names).ok_or_else(|| {
        Error::new(
            CallKind::Versions,
            ErrorClass::Connection,
            "the organisation offers no version of the API from 62.0 to 67.0",
        )
    })
}

fn connection_error(message: impl Into<String>) -> Error {
    Error::new(CallKind::LogIn, ErrorClass::Connection, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let url = "https://login.salesforce.com/id/00D000000000062EAA/005000000000001AAA/";
        let (organization_id, user_id) = ids(url).unwrap();
        let open = OpenSession {
            token: SecretString::from("hush"),
            connection: Connection {
                organization_id,
                user_id,
                instance_url: "https://acme.my.salesforce.com".to_owned(),
                api_version: ApiVersion::default(),
            },
            number: None,
        };
        Session::new(open).unwrap()
    }

    #[test]
    fn the_identity_ends_in_the_organisation_and_the_user() {
        let connection = session().connection;
        assert_eq!(connection.organization_id.as_str(), "00D000000000062EAA");
        assert_eq!(connection.user_id.as_str(), "005000000000001AAA");
        for url in [
            "",
            "https://a.example/id/005000000000001AAA/00D000000000062EAA",
            "x/y",
        ] {
            assert!(ids(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_next_page_is_at_the_same_place() {
        let session = session();
        let next = "/services/data/v66.0/query/01g-200";
        let url = "https://acme.my.salesforce.com/services/data/v66.0/query/01g-200";
        assert_eq!(session.url_within(next).as_deref(), Some(url));
        assert_eq!(session.url_within(url).as_deref(), Some(url));
        for other in [
            "//evil.example/services/data/v66.0/query/1",
            "https://evil.example/services/data/v66.0/query/1",
            "http://acme.my.salesforce.com/services/data/v66.0/query/1",
            "/services/data/../apexrest/x",
            "/secur/frontdoor.jsp",
            "",
        ] {
            assert_eq!(session.url_within(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let session = session();
        let shown = format!("{session:?} {:?}", session.open());
        assert!(!shown.contains("hush"), "{shown}");
    }
}
