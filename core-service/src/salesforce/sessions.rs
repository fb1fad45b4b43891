//! Sessions that cores share: one logs in for all.
//!
//! A session is kept sealed in the store, as the credentials are. Whoever needs
//! one takes it from there; when there is none, or the one that there was is
//! over, one core logs in and the others wait for it. A core that goes away
//! while it logs in is waited for no longer than [`LEASE`]. What a core can't
//! open, because its keys are others, is no use to it: it logs in for itself.

use std::sync::Arc;
use std::time::Duration;

use salesforce_client::{Error, LogIn, OpenSession, Org, Sharing, WantedSession};
use sfbridge_values::{Igrp, Timestamp};
use tokio::sync::OnceCell;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;
use uuid::Uuid;

use crate::domain::SalesforceConnection;
use crate::sealing::{SealingContext, SecretKeys};
use crate::store::{SessionClaim, SessionTurn, Store, StoreError};

/// How long a core that logs in is waited for after its last word.
const LEASE: Duration = Duration::from_secs(15);

/// How often it is looked whether another core has logged in.
const LOOK: Duration = Duration::from_millis(100);

/// The sessions of one installation's credentials.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    store: Store,
    keys: SecretKeys,
    igrp: Igrp,
    credentials_time: Timestamp,
}

impl Sessions {
    pub(super) fn new(store: &Store, keys: &SecretKeys, kept: &SalesforceConnection) -> Self {
        Self {
            store: store.clone(),
            keys: keys.clone(),
            igrp: kept.igrp,
            credentials_time: kept.credentials_time,
        }
    }

    /// Gets sessions from other cores, or for them.
    pub(super) fn share(self) -> impl Fn(LogIn, WantedSession) -> Sharing + Send + Sync + 'static {
        move |log_in, wanted| {
            let sessions = self.clone();
            Box::pin(async move { sessions.get(log_in, wanted).await })
        }
    }

    /// Like [`Sessions::share`], of credentials that may be kept later. Until
    /// they are, this core logs in for itself.
    pub(super) fn share_once_kept(
        kept: Arc<OnceCell<Self>>,
    ) -> impl Fn(LogIn, WantedSession) -> Sharing + Send + Sync + 'static {
        move |log_in, wanted| match kept.get().cloned() {
            Some(sessions) => Box::pin(async move { sessions.get(log_in, wanted).await }),
            None => Box::pin(async move { log_in.run().await }),
        }
    }

    /// Lets other cores have the session of an organisation, if it has one, that
    /// was opened before the credentials were kept.
    pub(super) async fn publish(&self, org: &Org) {
        let Some(session) = org.open_session().await else {
            return;
        };
        let owner = Uuid::now_v7();
        let published = async {
            match self.claim(owner, None).await? {
                SessionTurn::Theirs => self.end(owner, Some(&session)).await,
                _ => Ok(None),
            }
        };
        match published.await {
            Ok(Some(number)) => {
                // The same token, which was sent before.
                let _ = org.use_session(session.shared_as(number)).await;
            }
            Ok(None) => {}
            Err(error) => self.warn(&error),
        }
    }

    async fn get(self, log_in: LogIn, wanted: WantedSession) -> Result<OpenSession, Error> {
        let mut after = match wanted {
            WantedSession::Any => None,
            WantedSession::After(number) => Some(number),
            WantedSession::New => Some(i64::MAX),
        };
        let owner = Uuid::now_v7();
        loop {
            match self.claim(owner, after).await {
                Ok(SessionTurn::Kept { number, session }) => {
                    let opened = self.keys.open(&session, &self.context()).ok();
                    let resumed = opened.and_then(|written| log_in.resume(&written, number));
                    return match resumed {
                        Some(session) => Ok(session),
                        None => log_in.run().await,
                    };
                }
                Ok(SessionTurn::Theirs) => {
                    // Whoever asked may go away; the others wait for this all the same.
                    let log_in_for_all = tokio::spawn(self.clone().log_in(log_in.clone(), owner));
                    return match log_in_for_all.await {
                        Ok(done) => done,
                        // The process goes down, or it ran into a defect.
                        Err(_) => log_in.run().await,
                    };
                }
                Ok(SessionTurn::Taken(last)) => {
                    // What is being opened now is as new as can be.
                    after = after.map(|after| after.min(last));
                    tokio::time::sleep(LOOK).await;
                }
                Ok(SessionTurn::Unshared) => return log_in.run().await,
                Err(error) => {
                    self.warn(&error);
                    return log_in.run().await;
                }
            }
        }
    }

    /// Logs in for all cores.
    async fn log_in(self, log_in: LogIn, owner: Uuid) -> Result<OpenSession, Error> {
        let mut extensions = interval(LEASE / 3);
        extensions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first comes at once.
        extensions.tick().await;
        let mut running = std::pin::pin!(log_in.run());
        let opened = loop {
            tokio::select! {
                opened = &mut running => break opened,
                _ = extensions.tick() => {
                    let extended = self.store.extend_session_turn(self.igrp, owner, LEASE).await;
                    if let Err(error) = extended {
                        self.warn(&error);
                    }
                }
            }
        };
        let number = self.end(owner, opened.as_ref().ok()).await;
        let number = number.unwrap_or_else(|error| {
            self.warn(&error);
            None
        });
        opened.map(|session| match number {
            Some(number) => session.shared_as(number),
            None => session,
        })
    }

    async fn claim(&self, owner: Uuid, after: Option<i64>) -> Result<SessionTurn, StoreError> {
        let claim = SessionClaim {
            igrp: self.igrp,
            credentials_time: self.credentials_time,
            after,
            owner,
            lease: LEASE,
        };
        self.store.claim_session(claim).await
    }

    /// Ends a turn with the session that it brought, if any; its number.
    async fn end(
        &self,
        owner: Uuid,
        session: Option<&OpenSession>,
    ) -> Result<Option<i64>, StoreError> {
        let seal = |session: &OpenSession| self.keys.seal(&session.to_secret(), &self.context());
        // What can't be sealed is not shared.
        let sealed = session.and_then(|session| seal(session).ok());
        self.store.end_session_turn(self.igrp, owner, sealed).await
    }

    /// What a session is sealed in: it opens for these credentials alone.
    fn context(&self) -> SealingContext {
        let igrp = self.igrp.to_string();
        let credentials_time = self.credentials_time.micros().to_string();
        SealingContext::new("salesforce_session", [igrp.as_str(), &credentials_time])
    }

    fn warn(&self, error: &StoreError) {
        warn!(
            igrp = self.igrp.get(),
            error = error as &dyn std::error::Error,
            "a session at Salesforce can't be shared with other cores"
        );
    }
}

#[cfg(test)]
mod tests;
