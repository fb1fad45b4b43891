//! What all organisations are spoken with by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use reqwest::{Method, RequestBuilder, redirect};

use crate::answer::Answer;
use crate::error::{Error, ErrorClass};
use crate::host::ExtraHosts;
use crate::login::Login;
use crate::org::{Org, Sharing};
use crate::session::{LogIn, WantedSession};
use crate::version::ApiVersion;

/// How Salesforce is spoken with.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Further places that are taken for Salesforce.
    pub extra_hosts: ExtraHosts,
    /// The version to speak, where the organisation offers it.
    pub api_version: ApiVersion,
    /// How long a connection may take, TLS included.
    pub connect_time: Duration,
    /// How long a call may take, from the first word to the last.
    pub call_time: Duration,
}

/// Speaks with Salesforce. A clone is cheap and shares its connections.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

type Observe = dyn Fn(CallKind, Result<(), ErrorClass>) + Send + Sync;

struct Shared {
    http: reqwest::Client,
    extra_hosts: ExtraHosts,
    api_version: ApiVersion,
    observe: Box<Observe>,
}

/// A client can't be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for Salesforce can't be started")]
pub struct StartError(#[source] reqwest::Error);

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// Logging in.
    LogIn,
    /// Asking which versions of the API there are.
    Versions,
    /// Describing an object.
    Describe,
    /// Reading records.
    Query,
    /// Changing records.
    Update,
    /// Asking who was logged in.
    Identity,
    /// Asking how many calls are left.
    Limits,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            extra_hosts: ExtraHosts::default(),
            api_version: ApiVersion::default(),
            connect_time: Duration::from_secs(10),
            call_time: Duration::from_mins(1),
        }
    }
}

impl Client {
    /// Starts a client.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the system has no randomness or no certificates.
    pub fn new(config: ClientConfig) -> Result<Self, StartError> {
        Self::observed(config, |_, _| {})
    }

    /// Starts a client that tells of each call and its outcome, for metrics.
    ///
    /// # Errors
    ///
    /// As [`Client::new`].
    pub fn observed(
        config: ClientConfig,
        observe: impl Fn(CallKind, Result<(), ErrorClass>) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let ClientConfig {
            extra_hosts,
            api_version,
            connect_time,
            call_time,
        } = config;
        let http = reqwest::Client::builder()
            .user_agent(concat!("sfbridge/", env!("CARGO_PKG_VERSION")))
            // A redirect may lead to a host that must not see a token.
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(connect_time)
            .timeout(call_time)
            // Salesforce closes idle connections; a shorter time loses fewer calls.
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(StartError)?;
        Ok(Self(Arc::new(Shared {
            http,
            extra_hosts,
            api_version,
            observe: Box::new(observe),
        })))
    }

    /// The organisation that a log-in leads to. Nothing is called yet.
    pub fn org(&self, login: Login) -> Org {
        Org::new(self.clone(), login, None)
    }

    /// The organisation that a log-in leads to, whose session several processes
    /// share: whenever one is needed, `share` gets it from the others, or runs
    /// the log-in for all.
    pub fn org_sharing(
        &self,
        login: Login,
        share: impl Fn(LogIn, WantedSession) -> Sharing + Send + Sync + 'static,
    ) -> Org {
        Org::new(self.clone(), login, Some(Box::new(share)))
    }

    /// Further places that are taken for Salesforce.
    pub fn extra_hosts(&self) -> &ExtraHosts {
        &self.0.extra_hosts
    }

    pub(crate) fn wanted_version(&self) -> ApiVersion {
        self.0.api_version
    }

    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.0.http.request(method, url)
    }

    /// Sends a request, and reads the answer.
    pub(crate) async fn send(&self, call: CallKind, request: RequestBuilder) -> Answer {
        let sent = request
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))
            .send()
            .await;
        let answer = match sent {
            Ok(response) => Answer::read(call, response).await,
            Err(error) => Answer {
                quota: None,
                body: Err(Error::of_transport(call, error)),
            },
        };
        let outcome = answer.body.as_ref().map(|_| ()).map_err(Error::class);
        (self.0.observe)(call, outcome);
        answer
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("extra_hosts", &self.0.extra_hosts)
            .field("api_version", &self.0.api_version)
            .finish_non_exhaustive()
    }
}
