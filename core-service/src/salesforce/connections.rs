//! The connections that are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use salesforce_client::{CallKind, Client, ClientConfig, ErrorClass, Login, Org};
use sfbridge_values::{Igrp, Timestamp};
use tokio::sync::{OnceCell, watch};

use super::SalesforceConfig;
use super::new_login::{GivenFlow, NewLogin};
use super::sessions::Sessions;
use super::survey::{NoSurvey, Survey, report};
use crate::clock;
use crate::domain::{
    ConnectionReport, ConnectionState, Coverage, Installation, MappingFinding, SalesforceConnection,
};
use crate::error::Error;
use crate::sealing::{CantOpen, KeyId, SecretKeys};
use crate::store::{Store, StoreError};

/// How long Salesforce may take while somebody changes settings.
const SETTING_TIME: Duration = Duration::from_secs(5);

/// How long Salesforce may take while somebody waits for a test.
const TEST_TIME: Duration = Duration::from_secs(30);

/// The connections of all installations.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    store: Store,
    keys: SecretKeys,
    client: Client,
    orgs: Arc<Mutex<HashMap<Igrp, OpenedOrg>>>,
    changes: Arc<watch::Sender<u64>>,
}

/// An organisation that an installation can log in to.
#[derive(Clone, Debug)]
pub(crate) struct OpenedOrg {
    /// The organisation. Its `Debug` shows no secret.
    pub(crate) org: Org,
    /// When the credentials were set. Two that have the same time are the same;
    /// reports say by it what they are about.
    pub(crate) credentials_time: Timestamp,
}

/// Why an installation can't log in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WhyNoLogin {
    /// Nobody has said how.
    #[error(
        "no Salesforce credentials are set; set them with SetSalesforceCredentials or `sfbridge \
         credentials set`"
    )]
    NotSet,
    /// The secret can't be opened.
    #[error("{0}")]
    Locked(#[from] CantOpen),
    /// It was good when it was set, and is not by today's configuration.
    #[error("the credentials can't be used any more: {0}; set them anew")]
    Unusable(String),
}

/// What was sealed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resealed {
    /// The key that sealed.
    pub(crate) key_id: KeyId,
    /// What another key had sealed.
    pub(crate) anew: Vec<Igrp>,
    /// What no key opens.
    pub(crate) locked: Vec<Igrp>,
}

/// A connection that was tried.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    /// It, as it is known now.
    pub(crate) connection: SalesforceConnection,
    /// What was found, or why nothing was.
    pub(crate) surveyed: Result<Survey, NoSurvey>,
}

/// What is known of the fields of a mapping that somebody configures.
#[derive(Clone, Debug)]
pub(crate) enum MappingCheck {
    /// They are good, which is to be noted once the mapping is kept.
    Good(ConnectionReport),
    /// They will not do.
    Bad(Vec<MappingFinding>),
    /// Nobody could be asked, and why.
    Unchecked(String),
}

impl Connections {
    pub(crate) fn new(
        store: Store,
        keys: SecretKeys,
        config: SalesforceConfig,
        observe: impl Fn(CallKind, Result<(), ErrorClass>) + Send + Sync + 'static,
    ) -> Result<Self, salesforce_client::StartError> {
        let SalesforceConfig {
            extra_hosts,
            api_version,
        } = config;
        let config = ClientConfig {
            extra_hosts,
            api_version,
            ..ClientConfig::default()
        };
        Ok(Self {
            store,
            keys,
            client: Client::observed(config, observe)?,
            orgs: Arc::default(),
            changes: Arc::new(watch::Sender::new(0)),
        })
    }

    /// What Salesforce is spoken with by.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Tells of every change after which work that waited for a connection may
    /// go on, or must not.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The organisation that an installation logs in to, or why it can't. The
    /// same one, with its session, as long as the credentials are the same.
    pub(crate) async fn org(
        &self,
        igrp: Igrp,
    ) -> Result<Result<OpenedOrg, WhyNoLogin>, StoreError> {
        let Some(kept) = self.store.salesforce_connection(igrp).await? else {
            return Ok(Err(WhyNoLogin::NotSet));
        };
        let known = self.orgs().get(&igrp).cloned();
        if let Some(known) = known
            && known.credentials_time == kept.credentials_time
        {
            return Ok(Ok(known));
        }
        Ok(self.open(&kept).map(|login| {
            let opened = OpenedOrg {
                org: self.sharing(login, &kept),
                credentials_time: kept.credentials_time,
            };
            self.orgs().insert(igrp, opened.clone());
            opened
        }))
    }

    /// Keeps what was learnt by using a connection. Nothing is written when
    /// nothing changed that is worth it, or when the credentials have been
    /// changed since.
    pub(crate) async fn note(
        &self,
        igrp: Igrp,
        report: ConnectionReport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Reading is cheap, and most reports change nothing.
        let Some(kept) = self.store.salesforce_connection(igrp).await? else {
            return Ok(());
        };
        let Some(next) = kept.after(&report, now) else {
            return Ok(());
        };
        self.store
            .update_salesforce_connection(igrp, move |kept| kept.after(&report, now))
            .await?;
        if next.state != kept.state {
            self.tell();
        }
        Ok(())
    }

    /// Sets how an installation logs in, and tries it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the log-in works and fields of the
    /// installation's own mapping will not do: nothing is kept then.
    pub(crate) async fn set(
        &self,
        installation: &Installation,
        login: NewLogin,
        now: Timestamp,
    ) -> Result<Option<Tried>, Error> {
        let igrp = installation.igrp;
        let new = login.seal(igrp, &self.keys, now)?;
        let shared = Arc::new(OnceCell::new());
        let org = if self.store.is_shared() {
            let share = Sessions::share_once_kept(Arc::clone(&shared));
            self.client.org_sharing(login.into_login(), share)
        } else {
            self.client.org(login.into_login())
        };
        let surveyed = Survey::make(&org, SETTING_TIME).await;
        if let Ok(survey) = &surveyed
            && survey
                .stranger(installation.organization_id.as_ref())
                .is_none()
        {
            let bad = own(survey.findings(&installation.lead_field_mapping));
            if !bad.is_empty() {
                return Err(Error::bad_mapping(
                    &bad,
                    "; the log-in works, but nothing was kept",
                ));
            }
        }
        let Some(kept) = self.store.set_salesforce_connection(new).await? else {
            return Ok(None);
        };
        if self.store.is_shared() {
            let sessions = async || Sessions::new(&self.store, &self.keys, &kept);
            let sessions = shared.get_or_init(sessions).await;
            sessions.publish(&org).await;
        }
        let credentials_time = kept.credentials_time;
        let opened = OpenedOrg {
            org,
            credentials_time,
        };
        self.orgs().insert(igrp, opened);
        self.tell();
        Ok(self.tried(installation, credentials_time, surveyed).await?)
    }

    /// Forgets how an installation logs in. `None` when there is no such
    /// installation, `false` when nothing was set.
    pub(crate) async fn remove(&self, igrp: Igrp) -> Result<Option<bool>, StoreError> {
        let removed = self.store.delete_salesforce_connection(igrp).await?;
        self.orgs().remove(&igrp);
        self.tell();
        Ok(removed)
    }

    /// Logs in now, and keeps what is found.
    pub(crate) async fn test(
        &self,
        installation: &Installation,
    ) -> Result<Result<Tried, WhyNoLogin>, StoreError> {
        let igrp = installation.igrp;
        let opened = match self.org(igrp).await? {
            Ok(opened) => opened,
            Err(why) => return Ok(Err(why)),
        };
        let surveyed = Survey::make(&opened.org, TEST_TIME).await;
        // Somebody may have removed the credentials meanwhile.
        let tried = self.tried(installation, opened.credentials_time, surveyed);
        Ok(tried.await?.ok_or(WhyNoLogin::NotSet))
    }

    /// Looks whether an installation's Lead fields will do, if its connection
    /// works.
    pub(crate) async fn check_mapping(
        &self,
        installation: &Installation,
    ) -> Result<MappingCheck, StoreError> {
        let igrp = installation.igrp;
        let kept = self.store.salesforce_connection(igrp).await?;
        if let Some(ConnectionState::Broken { reason }) = kept.map(|kept| kept.state) {
            let why = format!("the connection to Salesforce is broken: {reason}");
            return Ok(MappingCheck::Unchecked(why));
        }
        let opened = match self.org(igrp).await? {
            Ok(opened) => opened,
            Err(why) => return Ok(MappingCheck::Unchecked(why.to_string())),
        };
        let surveyed = Survey::make(&opened.org, SETTING_TIME).await;
        let report = report(&surveyed, installation, opened.credentials_time);
        match surveyed {
            Err(why) => {
                self.note(igrp, report, clock::now()).await?;
                Ok(MappingCheck::Unchecked(why.to_string()))
            }
            Ok(survey) => {
                if let Some(why) = survey.stranger(installation.organization_id.as_ref()) {
                    return Ok(MappingCheck::Unchecked(why));
                }
                let bad = own(survey.findings(&installation.lead_field_mapping));
                Ok(if bad.is_empty() {
                    MappingCheck::Good(report)
                } else {
                    MappingCheck::Bad(bad)
                })
            }
        }
    }

    /// Why a connection can't be opened, if it can't.
    pub(crate) fn lock_of(&self, kept: &SalesforceConnection) -> Option<CantOpen> {
        self.keys
            .open(&kept.login.secret, &kept.sealing_context())
            .err()
    }

    /// Seals everything anew with the first key. What can't be opened stays as
    /// it is.
    pub(crate) async fn reseal(&self) -> Result<Resealed, Error> {
        let mut done = Resealed {
            key_id: self.keys.first(),
            anew: Vec::new(),
            locked: Vec::new(),
        };
        for kept in self.store.salesforce_connections(Coverage::All).await? {
            let igrp = kept.igrp;
            let context = kept.sealing_context();
            let Ok(secret) = self.keys.open(&kept.login.secret, &context) else {
                done.locked.push(igrp);
                continue;
            };
            if kept.login.secret.key_id() == done.key_id {
                continue;
            }
            let sealed = self.keys.seal(&secret, &context)?;
            let change = move |present: &SalesforceConnection| {
                // Whoever set new credentials meanwhile had them sealed so.
                let is_same = present.credentials_time == kept.credentials_time;
                is_same.then(|| {
                    let mut resealed = present.clone();
                    resealed.login.secret = sealed;
                    resealed
                })
            };
            if self
                .store
                .update_salesforce_connection(igrp, change)
                .await?
            {
                done.anew.push(igrp);
            }
        }
        Ok(done)
    }

    /// Notes what a try with the credentials of this time brought to light.
    /// `None` when there are no credentials any more.
    async fn tried(
        &self,
        installation: &Installation,
        credentials_time: Timestamp,
        surveyed: Result<Survey, NoSurvey>,
    ) -> Result<Option<Tried>, StoreError> {
        let igrp = installation.igrp;
        let report = report(&surveyed, installation, credentials_time);
        self.note(igrp, report, clock::now()).await?;
        let connection = self.store.salesforce_connection(igrp).await?;
        Ok(connection.map(|connection| Tried {
            connection,
            surveyed,
        }))
    }

    /// An organisation whose session is shared with other cores, if there may be
    /// any.
    fn sharing(&self, login: Login, kept: &SalesforceConnection) -> Org {
        if !self.store.is_shared() {
            return self.client.org(login);
        }
        let sessions = Sessions::new(&self.store, &self.keys, kept);
        self.client.org_sharing(login, sessions.share())
    }

    fn open(&self, kept: &SalesforceConnection) -> Result<Login, WhyNoLogin> {
        let secret = self
            .keys
            .open(&kept.login.secret, &kept.sealing_context())?;
        let flow = GivenFlow::opened(&kept.login, secret);
        let extra_hosts = self.client.extra_hosts();
        NewLogin::check(&kept.login.login_url, flow, extra_hosts)
            .map(NewLogin::into_login)
            .map_err(|violations| {
                let texts: Vec<_> = violations.into_iter().map(|one| one.description).collect();
                WhyNoLogin::Unusable(texts.join("; "))
            })
    }

    fn orgs(&self) -> std::sync::MutexGuard<'_, HashMap<Igrp, OpenedOrg>> {
        // Nothing that can panic is done with the lock held.
        self.orgs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// Findings about a mapping that somebody configured.
fn own(mut findings: Vec<MappingFinding>) -> Vec<MappingFinding> {
    findings.retain(|finding| !finding.is_default);
    findings
}
