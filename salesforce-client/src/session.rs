//! A session: what a log-in gives.

use std::fmt;

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use serde::Deserialize;
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

/// An open session. Its `Debug` shows no token.
pub(crate) struct Session {
    /// The `Authorization` header.
    pub(crate) authorization: HeaderValue,
    pub(crate) connection: Connection,
}

impl Session {
    /// Logs in.
    pub(crate) async fn open(client: &Client, login: &Login) -> Result<Self, Error> {
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
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", granted.access_token))
            .map_err(|_| {
                let message = "the answer to the log-in has a token that can't be sent";
                Error::unreadable(CallKind::LogIn, message)
            })?;
        authorization.set_sensitive(true);
        let api_version = negotiate(client, &instance_url).await?;
        Ok(Self {
            authorization,
            connection: Connection {
                organization_id,
                user_id,
                instance_url,
                api_version,
            },
        })
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
        let mut authorization = HeaderValue::from_static("Bearer hush");
        authorization.set_sensitive(true);
        let url = "https://login.salesforce.com/id/00D000000000062EAA/005000000000001AAA/";
        let (organization_id, user_id) = ids(url).unwrap();
        Session {
            authorization,
            connection: Connection {
                organization_id,
                user_id,
                instance_url: "https://acme.my.salesforce.com".to_owned(),
                api_version: ApiVersion::default(),
            },
        }
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
        let shown = format!("{:?}", session());
        assert!(!shown.contains("hush"), "{shown}");
    }
}
