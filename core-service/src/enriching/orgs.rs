//! The organisations that leads are written to: logged in once, and tried
//! again at growing intervals when they refuse.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use salesforce_client::{Connection, Error, ErrorClass, Org};
use sfbridge_values::{Igrp, Timestamp};
use tracing::{info, warn};

use crate::clock;
use crate::domain::{ConnectionReport, ConnectionState, Coverage, Installation};
use crate::salesforce::Connections;
use crate::store::{Store, StoreError};

/// The organisations that leads are written to, by installation.
#[derive(Clone)]
pub(super) struct Orgs(Arc<Shared>);

struct Shared {
    connections: Connections,
    store: Store,
    /// How long after the first refusal the connection is tried again.
    first_retry: Duration,
    entries: Mutex<HashMap<Igrp, Entry>>,
}

/// What was found out about a connection.
#[derive(Clone)]
struct Entry {
    credentials_time: Timestamp,
    /// Whether the log-in led to the right organisation.
    is_proven: bool,
    trouble: Option<Trouble>,
}

/// Why nothing can be written, and when to try again.
#[derive(Clone)]
struct Trouble {
    reason: String,
    refusals: u32,
    retry_time: Timestamp,
}

/// Whether an organisation can be written to.
#[derive(Debug)]
pub(super) enum Access {
    /// It can.
    Open(Org, Connection),
    /// Not until somebody does something about it; why.
    Closed(String),
    /// Not just now.
    Refused(Error),
}

/// The longest that a connection which was refused is left alone.
const LONGEST_RETRY: Duration = Duration::from_mins(15);

impl Orgs {
    pub(super) fn new(connections: Connections, store: Store, first_retry: Duration) -> Self {
        Self(Arc::new(Shared {
            connections,
            store,
            first_retry,
            entries: Mutex::default(),
        }))
    }

    /// The organisation of an installation, logged in.
    pub(super) async fn open(&self, installation: &Installation) -> Result<Access, StoreError> {
        let igrp = installation.igrp;
        let opened = match self.0.connections.org(igrp).await? {
            Ok(opened) => opened,
            Err(why) => {
                self.forget(igrp);
                return Ok(Access::Closed(why.to_string()));
            }
        };
        let (org, credentials_time) = (opened.org, opened.credentials_time);
        let entry = self.entry(igrp, credentials_time);
        if let Some(trouble) = &entry.trouble
            && clock::now() < trouble.retry_time
        {
            return Ok(Access::Closed(trouble.reason.clone()));
        }
        let connected = match &entry.trouble {
            Some(_) => org.reconnect().await,
            None => org.connect().await,
        };
        match connected {
            Ok(connection) => match stranger(installation, &connection) {
                None => {
                    if !entry.is_proven || entry.trouble.is_some() {
                        self.prove(igrp, credentials_time).await?;
                    }
                    Ok(Access::Open(org, connection))
                }
                Some(reason) => {
                    self.broke(igrp, reason.clone()).await?;
                    Ok(Access::Closed(reason))
                }
            },
            Err(error) if error.class() == ErrorClass::Connection => {
                let reason = error.to_string();
                self.broke(igrp, reason.clone()).await?;
                Ok(Access::Closed(reason))
            }
            Err(error) => Ok(Access::Refused(error)),
        }
    }

    /// What is known of the connection with these credentials; of new ones,
    /// nothing yet.
    fn entry(&self, igrp: Igrp, credentials_time: Timestamp) -> Entry {
        let mut entries = self.entries();
        let new = || Entry {
            credentials_time,
            is_proven: false,
            trouble: None,
        };
        let entry = entries.entry(igrp).or_insert_with(new);
        if entry.credentials_time != credentials_time {
            *entry = new();
        }
        entry.clone()
    }

    /// The connection works: whatever waited for it goes on.
    async fn prove(&self, igrp: Igrp, credentials_time: Timestamp) -> Result<(), StoreError> {
        let was_broken = {
            let mut entries = self.entries();
            let entry = entries.get_mut(&igrp);
            entry.is_some_and(|entry| {
                entry.is_proven = true;
                entry.trouble.take().is_some()
            })
        };
        let report = ConnectionReport::about(credentials_time).worked();
        let now = clock::now();
        self.0.connections.note(igrp, report, now).await?;
        let released = self.0.store.release_connection_waits(igrp, now).await?;
        if was_broken || released > 0 {
            info!(
                igrp = igrp.get(),
                released, "the connection to Salesforce works, and lead enrichments go on"
            );
        }
        Ok(())
    }

    /// Salesforce refuses in a way that time does not mend.
    pub(super) async fn broke(&self, igrp: Igrp, reason: String) -> Result<(), StoreError> {
        let now = clock::now();
        let credentials_time = {
            let mut entries = self.entries();
            let Some(entry) = entries.get_mut(&igrp) else {
                return Ok(());
            };
            let refusals = entry.trouble.as_ref().map_or(0, |trouble| trouble.refusals);
            let is_news = entry
                .trouble
                .as_ref()
                .is_none_or(|trouble| trouble.reason != reason);
            if is_news {
                warn!(
                    igrp = igrp.get(),
                    reason,
                    "the connection to Salesforce does not work; lead enrichments wait until it does"
                );
            }
            let delay = retry_delay(self.0.first_retry, refusals, rand::random());
            entry.trouble = Some(Trouble {
                reason: reason.clone(),
                refusals: refusals.saturating_add(1),
                retry_time: after(now, delay),
            });
            entry.credentials_time
        };
        let report = ConnectionReport::about(credentials_time).broke(&reason);
        self.0.connections.note(igrp, report, now).await
    }

    /// Tells what was learnt about a connection.
    pub(super) async fn note(
        &self,
        igrp: Igrp,
        tell: impl FnOnce(ConnectionReport) -> ConnectionReport + Send,
    ) -> Result<(), StoreError> {
        let credentials_time = self
            .entries()
            .get(&igrp)
            .map(|entry| entry.credentials_time);
        let Some(credentials_time) = credentials_time else {
            return Ok(());
        };
        let report = tell(ConnectionReport::about(credentials_time));
        self.0.connections.note(igrp, report, clock::now()).await
    }

    /// Tries a connection again whose time has come. Whatever waits for it goes
    /// on if it works.
    pub(super) async fn revive(&self, installation: &Installation) -> Result<(), StoreError> {
        let is_due = self
            .entries()
            .get(&installation.igrp)
            .and_then(|entry| entry.trouble.as_ref())
            .is_some_and(|trouble| trouble.retry_time <= clock::now());
        if !is_due {
            return Ok(());
        }
        if let Access::Refused(error) = self.open(installation).await? {
            // Salesforce can't be reached: no worse than before.
            self.broke(installation.igrp, error.to_string()).await?;
        }
        Ok(())
    }

    /// Forgets an installation that is not there any more.
    pub(super) fn forget(&self, igrp: Igrp) {
        self.entries().remove(&igrp);
    }

    /// The installations whose connection is to be tried again by now, and when
    /// the next one is.
    pub(super) fn retries(&self, now: Timestamp) -> (Vec<Igrp>, Option<Timestamp>) {
        let entries = self.entries();
        let troubles = entries
            .iter()
            .filter_map(|(igrp, entry)| Some((*igrp, entry.trouble.as_ref()?.retry_time)));
        let (due, later): (Vec<_>, Vec<_>) = troubles.partition(|(_, time)| *time <= now);
        let due = due.into_iter().map(|(igrp, _)| igrp).collect();
        (due, later.into_iter().map(|(_, time)| time).min())
    }

    /// Lets go on what waits for connections with credentials that were not
    /// tried yet, or that a test has found to work.
    pub(super) async fn look_again(&self) -> Result<(), StoreError> {
        for connection in self.0.store.salesforce_connections(Coverage::All).await? {
            let igrp = connection.igrp;
            let is_news = {
                let mut entries = self.entries();
                let is_known = entries.get(&igrp).is_some_and(|entry| {
                    entry.credentials_time == connection.credentials_time
                        && (entry.trouble.is_none() || connection.state != ConnectionState::Working)
                });
                if !is_known {
                    entries.remove(&igrp);
                }
                !is_known
            };
            if is_news {
                let now = clock::now();
                self.0.store.release_connection_waits(igrp, now).await?;
            }
        }
        Ok(())
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Igrp, Entry>> {
        self.0
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Orgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Orgs(..)")
    }
}

/// Why an organisation is not the one that the installation is linked to, if it
/// is not.
fn stranger(installation: &Installation, connection: &Connection) -> Option<String> {
    let met = &connection.organization_id;
    let linked = installation.organization_id.as_ref();
    let linked = linked.filter(|linked| *linked != met)?;
    Some(format!(
        "the credentials log in to the organisation {met}, and the installation is linked to \
         {linked}; set those of {linked}, or link the installation to {met}"
    ))
}

/// How long to wait before a connection is tried again: half to all of a time
/// that doubles.
fn retry_delay(first: Duration, refusals: u32, chance: u32) -> Duration {
    let limit = 2_u32
        .checked_pow(refusals)
        .and_then(|times| first.checked_mul(times))
        .map_or(LONGEST_RETRY, |limit| limit.min(LONGEST_RETRY));
    let half = limit / 2;
    half + half.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

pub(super) fn after(now: Timestamp, delay: Duration) -> Timestamp {
    let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.micros().saturating_add(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_left_alone_for_at_most_a_quarter_of_an_hour() {
        let first = Duration::from_secs(2);
        let seconds = |refusals, chance| retry_delay(first, refusals, chance).as_secs();
        assert_eq!((seconds(0, 0), seconds(0, u32::MAX)), (1, 2));
        assert_eq!((seconds(3, 0), seconds(3, u32::MAX)), (8, 16));
        for refusals in [9, 31, 32, u32::MAX] {
            assert_eq!(
                (seconds(refusals, 0), seconds(refusals, u32::MAX)),
                (450, 900)
            );
        }
    }
}
