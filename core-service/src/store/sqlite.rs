//! The embedded store: SQLite in WAL mode with full synchronisation.
//!
//! One thread writes ([`writer`]); a pool of connections reads
//! ([`readers`]) and never waits for it.

mod alarm;
mod api_keys;
mod calls;
mod copies;
mod event_references;
mod event_stream;
mod events;
mod expiry;
mod failure;
mod file;
mod histories;
mod installations;
mod keys;
mod known_leads;
mod lead_enrichments;
mod listing;
mod log;
mod moving;
mod quarantine;
mod ratings;
mod readers;
mod reading;
mod recording;
mod refused_messages;
mod row;
mod salesforce_connections;
mod signals;
mod slowness;
mod trial;
mod url_tokens;
mod visits;
mod working;
mod writer;

use std::path::PathBuf;

use rusqlite::Connection;
use sfbridge_values::{Igrp, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;

pub(super) use copies::publish_new;
pub use copies::{backup, restore};
pub(super) use file::Lock;
pub(super) use moving::{SqliteSide, take_lock};

use super::{Expired, Expiry, Migrated, Pace, StoreError, StoreState};
use crate::domain::{
    ApiKey, CallRating, Event, Installation, LeadEnrichment, LeadToEnrich, NewCall, NewCallRating,
    NewEvent, NewVisit, QuarantineState, Refusal, SalesforceConnection, UrlToken, UrlTokenId,
};
use crate::metrics::StoreMetrics;
use crate::recording::{Batch, ItemResult, Prospect, Request, Verdict};
use readers::Readers;
use signals::Signals;
use writer::Writer;

/// An open SQLite store.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Opens a database file, creating it when missing, and brings its schema
    /// up to date.
    pub(super) async fn open(
        path: PathBuf,
        pace: Pace,
        metrics: StoreMetrics,
    ) -> Result<(Self, Migrated), StoreError> {
        let (writer, migrated) = Writer::open(path.clone(), pace, metrics).await?;
        let readers = Readers::new(path)?;
        Ok((Self { writer, readers }, migrated))
    }

    pub(super) async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }

    pub(super) fn state(&self) -> watch::Receiver<StoreState> {
        self.writer.state()
    }

    pub(super) async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| {
                connection.execute(
                    "INSERT INTO probes (id, time) VALUES (1, ?1)
                     ON CONFLICT (id) DO UPDATE SET time = excluded.time",
                    [now.micros()],
                )?;
                Ok(())
            })
            .await
    }

    /// Nothing: the file grows by itself.
    #[expect(clippy::unused_async, reason = "another backend has something to do")]
    pub(super) async fn make_room(&self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    pub(super) async fn expire(&self, step: Expiry) -> Result<Expired, StoreError> {
        let read = move |connection: &_| expiry::find(connection, &step);
        let expiry::Found { old, next } = self.readers.read(read).await?;
        let items = old.len();
        if items == 0 {
            return Ok(Expired { count: 0, next });
        }
        let work = move |connection: &_| expiry::delete(connection, &step, &old);
        let count = self.writer.work(items, work).await?;
        Ok(Expired { count, next })
    }

    pub(super) async fn record_events(
        &self,
        batch: Batch<NewEvent>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer.record(Request::from(batch)).await
    }

    pub(super) async fn rate_calls(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer.record(Request::from(batch)).await
    }

    pub(super) async fn enrich_leads(
        &self,
        batch: Batch<LeadToEnrich>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer.record(Request::from(batch)).await
    }

    pub(super) async fn try_events(
        &self,
        batch: Batch<NewEvent>,
    ) -> Result<Vec<Verdict>, StoreError> {
        let prospect = |event: Event| Prospect {
            warnings: event.warnings,
            tie: Some(event.tie),
        };
        self.try_out(Request::from(batch), move |connection, id| {
            Ok(events::find(connection, id)?.map(prospect))
        })
        .await
    }

    pub(super) async fn try_ratings(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<Verdict>, StoreError> {
        let prospect = |rating: CallRating| Prospect {
            warnings: rating.warnings,
            tie: None,
        };
        self.try_out(Request::from(batch), move |connection, id| {
            Ok(ratings::find(connection, id)?.map(prospect))
        })
        .await
    }

    pub(super) async fn try_leads(
        &self,
        batch: Batch<LeadToEnrich>,
    ) -> Result<Vec<Verdict>, StoreError> {
        let prospect = |job: LeadEnrichment| Prospect {
            warnings: job.warnings,
            tie: None,
        };
        self.try_out(Request::from(batch), move |connection, id| {
            Ok(lead_enrichments::find(connection, id)?.map(prospect))
        })
        .await
    }

    async fn try_out(
        &self,
        request: Request,
        look: impl Fn(&Connection, Uuid) -> Result<Option<Prospect>, StoreError> + Send + 'static,
    ) -> Result<Vec<Verdict>, StoreError> {
        self.writer
            .try_out((request.sender(), request.items()), move |connection| {
                // Nobody is told of what will not have happened.
                let signals = Signals::default();
                trial::verdicts(
                    || Ok(recording::record(connection, vec![request], &signals)?.concat()),
                    |id| look(connection, id),
                )
            })
            .await
    }

    pub(super) async fn record_visits(
        &self,
        batch: Batch<NewVisit>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let signals = self.writer.signals();
        let account = (batch.sender(), batch.items.len());
        self.writer
            .upsert(account, move |connection| {
                visits::record(connection, batch, &signals.jobs)
            })
            .await
    }

    pub(super) async fn record_calls(
        &self,
        batch: Batch<NewCall>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let signals = self.writer.signals();
        let account = (batch.sender(), batch.items.len());
        self.writer
            .upsert(account, move |connection| {
                calls::record(connection, batch, &signals.jobs)
            })
            .await
    }

    pub(super) async fn quarantine(
        &self,
        batch: Batch<std::convert::Infallible>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer.record(Request::from(batch)).await
    }

    pub(super) async fn resolve_quarantined(
        &self,
        ids: Vec<Uuid>,
        state: QuarantineState,
        now: Timestamp,
    ) -> Result<Result<u32, Uuid>, StoreError> {
        self.writer
            .write(move |connection| quarantine::resolve(connection, &ids, state, now))
            .await
    }

    pub(super) async fn record_refused_messages(
        &self,
        refusals: Vec<Refusal>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| refused_messages::record(connection, &refusals, now))
            .await
    }

    pub(super) async fn create_installation(
        &self,
        installation: Installation,
    ) -> Result<bool, StoreError> {
        self.writer
            .write(move |connection| {
                if installations::find(connection, installation.igrp)?.is_some() {
                    return Ok(false);
                }
                installations::put(connection, &installation)?;
                Ok(true)
            })
            .await
    }

    pub(super) async fn update_installation<E: Send + 'static>(
        &self,
        igrp: Igrp,
        change: impl FnOnce(Installation) -> Result<Installation, E> + Send + 'static,
    ) -> Result<Option<Result<Installation, E>>, StoreError> {
        self.writer
            .write(move |connection| {
                let Some(installation) = installations::find(connection, igrp)? else {
                    return Ok(None);
                };
                let changed = change(installation);
                if let Ok(installation) = &changed {
                    installations::put(connection, installation)?;
                }
                Ok(Some(changed))
            })
            .await
    }

    pub(super) async fn delete_installation(
        &self,
        igrp: Igrp,
        force: bool,
    ) -> Result<Option<bool>, StoreError> {
        self.writer
            .write(move |connection| installations::delete(connection, igrp, force))
            .await
    }

    pub(super) async fn set_salesforce_connection(
        &self,
        new: SalesforceConnection,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        self.writer
            .write(move |connection| salesforce_connections::set(connection, new))
            .await
    }

    pub(super) async fn update_salesforce_connection(
        &self,
        igrp: Igrp,
        change: impl FnOnce(&SalesforceConnection) -> Option<SalesforceConnection> + Send + 'static,
    ) -> Result<bool, StoreError> {
        self.writer
            .write(move |connection| {
                let kept = salesforce_connections::find(connection, igrp)?;
                let Some(changed) = kept.as_ref().and_then(change) else {
                    return Ok(false);
                };
                salesforce_connections::put(connection, &changed)?;
                Ok(true)
            })
            .await
    }

    pub(super) async fn delete_salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<bool>, StoreError> {
        self.writer
            .write(move |connection| salesforce_connections::delete(connection, igrp))
            .await
    }

    pub(super) async fn create_api_key(&self, key: ApiKey) -> Result<(), StoreError> {
        self.writer
            .write(move |connection| api_keys::insert(connection, &key))
            .await
    }

    pub(super) async fn revoke_api_key(
        &self,
        api_key_id: String,
        even_last: bool,
    ) -> Result<Option<bool>, StoreError> {
        self.writer
            .write(move |connection| api_keys::revoke(connection, &api_key_id, even_last))
            .await
    }

    pub(super) async fn create_url_token(&self, token: UrlToken) -> Result<bool, StoreError> {
        self.writer
            .write(move |connection| url_tokens::insert(connection, &token))
            .await
    }

    pub(super) async fn revoke_url_token(
        &self,
        url_token_id: UrlTokenId,
        forget: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.writer
            .write(move |connection| url_tokens::revoke(connection, url_token_id, forget, now))
            .await
    }

    pub(super) fn event_alarm(&self) -> watch::Receiver<()> {
        self.writer.signals().events.listen()
    }
}

#[cfg(test)]
mod tests;
