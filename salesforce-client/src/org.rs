//! An organisation: what can be asked of it.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use sfbridge_values::{FieldName, SalesforceId};

use crate::client::{CallKind, Client};
use crate::description::LeadDescription;
use crate::error::Error;
use crate::kept::Kept;
use crate::login::Login;
use crate::quota::{LastQuota, Quota};
use crate::read::{self, LeadRecord, Page};
use crate::session::{Connection, LogIn, OpenSession, Session, WantedSession};
use crate::update::UpdateBatch;

/// An organisation that is logged in to when it must be. A clone is cheap and
/// shares the session.
#[derive(Clone)]
pub struct Org(Arc<Shared>);

/// Gets a session of all processes that share it, or opens it for them.
pub(crate) type Share = dyn Fn(LogIn, WantedSession) -> Sharing + Send + Sync;

/// A session that is being got.
pub type Sharing = Pin<Box<dyn Future<Output = Result<OpenSession, Error>> + Send>>;

struct Shared {
    client: Client,
    login: Login,
    share: Option<Box<Share>>,
    /// Which session will do when one is needed.
    wanted: Mutex<WantedSession>,
    session: Kept<Session>,
    leads: Kept<LeadDescription>,
    quota: LastQuota,
}

/// How long a description is believed.
const DESCRIPTION_LIFE: Duration = Duration::from_hours(1);

impl Org {
    pub(crate) fn new(client: Client, login: Login, share: Option<Box<Share>>) -> Self {
        Self(Arc::new(Shared {
            client,
            login,
            share,
            wanted: Mutex::new(WantedSession::Any),
            session: Kept::default(),
            leads: Kept::default(),
            quota: LastQuota::default(),
        }))
    }

    /// Where it was logged in to; logs in unless there is a session.
    ///
    /// # Errors
    ///
    /// [`Error`] of the log-in.
    pub async fn connect(&self) -> Result<Connection, Error> {
        Ok(self.session().await?.connection.clone())
    }

    /// Logs in anew, whether there is a session or not.
    ///
    /// # Errors
    ///
    /// [`Error`] of the log-in.
    pub async fn reconnect(&self) -> Result<Connection, Error> {
        self.want(WantedSession::New);
        self.0.session.clear().await;
        self.connect().await
    }

    /// Uses a session that was opened elsewhere, in place of the one in use.
    ///
    /// # Errors
    ///
    /// [`Error`] when its token can't be sent.
    pub async fn use_session(&self, session: OpenSession) -> Result<(), Error> {
        self.0.session.put(Session::new(session)?).await;
        Ok(())
    }

    /// The session that is in use, if any, for other processes.
    pub async fn open_session(&self) -> Option<OpenSession> {
        let session = self.0.session.present().await?;
        Some(session.open().clone())
    }

    /// The Lead object. What was asked less than an hour ago is not asked
    /// again.
    ///
    /// # Errors
    ///
    /// [`Error`] of the call or the log-in.
    pub async fn describe_leads(&self) -> Result<Arc<LeadDescription>, Error> {
        let is_good = |_: &Arc<_>, since: tokio::time::Instant| since.elapsed() < DESCRIPTION_LIFE;
        let describe = async || {
            let body = self
                .call(CallKind::Describe, |session| {
                    self.get(&session.url("sobjects/Lead/describe"))
                })
                .await?;
            LeadDescription::read(&body).map_err(|_| {
                let message = "the description of the Lead is not in Salesforce's form";
                Error::unreadable(CallKind::Describe, message)
            })
        };
        self.0.leads.get(is_good, describe).await
    }

    /// Forgets the Lead object, so that it is asked for again.
    pub async fn forget_description(&self) {
        self.0.leads.clear().await;
    }

    /// Reads Leads by their ids: one call for 200. Leads that are not there, or
    /// not to be seen, are left out.
    ///
    /// # Errors
    ///
    /// [`Error`] of a call or the log-in; of [`ErrorClass::Field`] where a
    /// field is not there.
    ///
    /// [`ErrorClass::Field`]: crate::ErrorClass::Field
    pub async fn read_leads(
        &self,
        ids: &[SalesforceId],
        fields: &[FieldName],
    ) -> Result<HashMap<SalesforceId, LeadRecord>, Error> {
        let mut leads = HashMap::with_capacity(ids.len());
        for query in read::queries(ids, fields) {
            let body = self
                .call(CallKind::Query, |session| {
                    self.get(&session.url(&format!("query?q={query}")))
                })
                .await?;
            self.collect(&body, &mut leads).await?;
        }
        Ok(leads)
    }

    /// Follows a result to its last page.
    async fn collect(
        &self,
        first: &Bytes,
        leads: &mut HashMap<SalesforceId, LeadRecord>,
    ) -> Result<(), Error> {
        let mut next = page(first, leads)?;
        // A page has at least one Lead, so there are no more pages than Leads.
        for _ in 0..read::MOST {
            let Some(path) = next else { return Ok(()) };
            let session = self.session().await?;
            let url = session.url_within(&path).ok_or_else(|| {
                let message = "the next page of the answer would be at another host";
                Error::unreadable(CallKind::Query, message)
            })?;
            let body = self.call(CallKind::Query, |_| self.get(&url)).await?;
            next = page(&body, leads)?;
        }
        let message = "the answer to the query has no end";
        Err(Error::unreadable(CallKind::Query, message))
    }

    /// Changes Leads, each on its own: what came of each, in their order. An
    /// empty batch calls nobody.
    ///
    /// The organisation's assignment rules are not run, so Leads keep their
    /// owners. It may be repeated whatever came of it.
    ///
    /// # Errors
    ///
    /// [`Error`] of the call or the log-in, which befalls all of them.
    pub async fn update_leads(&self, batch: &UpdateBatch) -> Result<Vec<Result<(), Error>>, Error> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let body = batch.body().map(Bytes::from).map_err(|error| {
            Error::unreadable(
                CallKind::Update,
                format!("the update can't be written: {error}"),
            )
        })?;
        let answer = self
            .call(CallKind::Update, |session| {
                let url = session.url("composite/sobjects");
                self.0
                    .client
                    .request(Method::PATCH, &url)
                    .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                    .header("sforce-auto-assign", HeaderValue::from_static("FALSE"))
                    .body(body.clone())
            })
            .await?;
        batch.results(&answer)
    }

    /// The name of the user whom the app acts for.
    ///
    /// # Errors
    ///
    /// [`Error`] of the call or the log-in.
    pub async fn username(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct UserInfo {
            preferred_username: String,
        }

        let body = self
            .call(CallKind::Identity, |session| {
                let instance_url = &session.connection.instance_url;
                self.get(&format!("{instance_url}/services/oauth2/userinfo"))
            })
            .await?;
        let user: UserInfo = serde_json::from_slice(&body).map_err(|_| {
            let message = "the answer does not say who was logged in";
            Error::unreadable(CallKind::Identity, message)
        })?;
        Ok(user.preferred_username)
    }

    /// The name of the organisation, for people.
    ///
    /// # Errors
    ///
    /// [`Error`] of the call or the log-in. A user may lack the right to see
    /// it, and can work all the same.
    pub async fn organization_name(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Organization {
            #[serde(rename = "Name")]
            name: String,
        }

        let body = self
            .call(CallKind::Identity, |session| {
                let id = session.connection.organization_id.as_str();
                self.get(&session.url(&format!("sobjects/Organization/{id}?fields=Name")))
            })
            .await?;
        let organization: Organization = serde_json::from_slice(&body).map_err(|_| {
            let message = "the answer does not say what the organisation is called";
            Error::unreadable(CallKind::Identity, message)
        })?;
        Ok(organization.name)
    }

    /// Asks how many API calls were made, which is one more.
    ///
    /// # Errors
    ///
    /// [`Error`] of the call or the log-in.
    pub async fn refresh_quota(&self) -> Result<Option<Quota>, Error> {
        self.call(CallKind::Limits, |session| self.get(&session.url("limits")))
            .await?;
        Ok(self.quota())
    }

    /// The API calls of the last 24 hours, as of the last answer. `None` before
    /// the first.
    pub fn quota(&self) -> Option<Quota> {
        self.0.quota.get()
    }

    fn get(&self, url: &str) -> RequestBuilder {
        self.0.client.request(Method::GET, url)
    }

    async fn session(&self) -> Result<Arc<Session>, Error> {
        let open = async || {
            let Shared {
                client,
                login,
                share,
                wanted,
                ..
            } = &*self.0;
            let log_in = LogIn::new(client.clone(), login.clone());
            let open = match share {
                Some(share) => {
                    let wanted = *wanted.lock().unwrap_or_else(PoisonError::into_inner);
                    share(log_in, wanted).await?
                }
                None => log_in.run().await?,
            };
            self.want(WantedSession::Any);
            Session::new(open)
        };
        self.0.session.get(|_, _| true, open).await
    }

    fn want(&self, wanted: WantedSession) {
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
    }

    /// Forgets a session, so that another is got.
    async fn give_up(&self, session: &Arc<Session>) {
        self.want(session.next());
        self.0.session.forget(session).await;
    }

    /// A session other than one that is over.
    async fn session_after(&self, over: &Arc<Session>) -> Result<Arc<Session>, Error> {
        self.give_up(over).await;
        self.session().await
    }

    /// Makes a call; once more with a new session when the session is over.
    async fn call(
        &self,
        call: CallKind,
        request: impl Fn(&Session) -> RequestBuilder,
    ) -> Result<Bytes, Error> {
        let session = self.session().await?;
        let first = self.call_once(call, &session, &request).await;
        let (session, result) = match first {
            Err(error) if error.is_session_over() => {
                let session = self.session_after(&session).await?;
                let again = self.call_once(call, &session, &request).await;
                (session, again)
            }
            first => (session, first),
        };
        if result.as_ref().is_err_and(Error::doubts_session) {
            self.give_up(&session).await;
        }
        result
    }

    async fn call_once(
        &self,
        call: CallKind,
        session: &Session,
        request: impl Fn(&Session) -> RequestBuilder,
    ) -> Result<Bytes, Error> {
        let request = request(session).header(AUTHORIZATION, session.authorization.clone());
        let answer = self.0.client.send(call, request).await;
        if let Some(quota) = answer.quota {
            self.0.quota.set(quota);
        }
        answer.body
    }
}

impl fmt::Debug for Org {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Org")
            .field("login", &self.0.login)
            .field("quota", &self.0.quota.get())
            .finish_non_exhaustive()
    }
}

/// Puts a page's Leads to the others; where the next page is.
fn page(
    body: &Bytes,
    leads: &mut HashMap<SalesforceId, LeadRecord>,
) -> Result<Option<String>, Error> {
    let page: Option<Page> = serde_json::from_slice(body).ok();
    page.and_then(|page| page.collect(leads).ok())
        .ok_or_else(|| {
            let message = "the answer to the query is not in Salesforce's form";
            Error::unreadable(CallKind::Query, message)
        })
}
