//! The store that many cores share: PostgreSQL.
//!
//! Nothing is kept in the process that another core needs. Batches are recorded
//! in groups ([`writer`]); everything else is a transaction of its own. What is
//! read to be changed is locked, in one order; what may not be there twice has
//! a unique index; and a transaction that meets another is run again as a whole
//! ([`database`]).

mod api_keys;
mod bounds;
mod calls;
mod config;
mod database;
mod event_stream;
mod events;
mod expiry;
mod histories;
mod installations;
mod keys;
mod known_leads;
mod lead_enrichments;
mod listing;
mod moving;
mod notices;
mod open_transaction;
mod partitions;
mod quarantine;
mod ratings;
mod reading;
mod recording;
mod refused_messages;
mod row;
mod rows;
mod salesforce_connections;
mod schema;
mod sessions;
mod settings;
mod statements;
mod tls;
mod trial;
mod turns;
mod upserts;
mod url_tokens;
mod visits;
mod waking;
mod working;
mod writer;

use sfbridge_values::Timestamp;
use tokio::sync::watch;

pub use config::PostgresConfig;
pub(super) use moving::{PostgresSide, moved_row};

use super::{Expired, Expiry, Migrated, Pace, StoreError, StoreState};
use crate::domain::{LeadToEnrich, NewCallRating, NewEvent};
use crate::metrics::StoreMetrics;
use crate::recording::{Batch, ItemResult, Request, Verdict};
use database::{Database, transact};
use notices::Notices;
use recording::Work;
use writer::Writer;

/// A connection that is nobody else's, the first to a database.
async fn connect(
    database: &Database,
    config: &PostgresConfig,
) -> Result<deadpool_postgres::ClientWrapper, StoreError> {
    let connected = database.client().await;
    let client = connected.map_err(|error| StoreError::Connect {
        database: config.to_string(),
        source: std::sync::Arc::new(error),
    })?;
    Ok(deadpool_postgres::Object::take(client))
}

/// An open PostgreSQL store.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    database: Database,
    writer: Writer,
    notices: Notices,
    metrics: StoreMetrics,
}

impl PostgresStore {
    /// Connects to a database and brings its schema up to date.
    pub(super) async fn open(
        config: &PostgresConfig,
        pace: Pace,
        metrics: StoreMetrics,
    ) -> Result<(Self, Migrated), StoreError> {
        let database = Database::new(config)?;
        // It gets settings of its own.
        let mut client = connect(&database, config).await?;
        let migrated = schema::prepare(&mut client, config).await?;
        keys::forget_unordered(&client).await?;
        moving::take_up(&client, config).await?;
        drop(client);
        let notices = Notices::start(config);
        let writer = Writer::start(&database, &notices, pace, metrics.clone());
        let store = Self {
            database,
            writer,
            notices,
            metrics,
        };
        Ok((store, migrated))
    }

    pub(super) async fn close(&self) {
        self.writer.close().await;
        self.notices.close();
        self.database.close();
    }

    pub(super) fn state(&self) -> watch::Receiver<StoreState> {
        self.database.state()
    }

    pub(super) async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        const PROBE: &str = "INSERT INTO probes (id, time) VALUES (1, $1)
                             ON CONFLICT (id) DO UPDATE SET time = excluded.time";

        transact!(self.database, |transaction| {
            let statement = transaction.prepare_cached(PROBE).await?;
            transaction.execute(&statement, &[&now.micros()]).await?;
            Ok::<_, StoreError>(())
        })
    }

    pub(super) async fn make_room(&self, now: Timestamp) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        partitions::make(&client, now).await
    }

    pub(super) async fn expire(&self, step: Expiry) -> Result<Expired, StoreError> {
        expiry::expire(&self.database, step).await
    }

    pub(super) async fn record_events(
        &self,
        batch: Batch<NewEvent>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer
            .record(Work::Recorded(Request::from(batch)))
            .await
    }

    pub(super) async fn rate_calls(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer
            .record(Work::Recorded(Request::from(batch)))
            .await
    }

    pub(super) async fn enrich_leads(
        &self,
        batch: Batch<LeadToEnrich>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer
            .record(Work::Recorded(Request::from(batch)))
            .await
    }

    pub(super) async fn quarantine(
        &self,
        batch: Batch<std::convert::Infallible>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        self.writer
            .record(Work::Recorded(Request::from(batch)))
            .await
    }

    pub(super) async fn try_events(
        &self,
        batch: Batch<NewEvent>,
    ) -> Result<Vec<Verdict>, StoreError> {
        trial::verdicts(&self.database, Request::from(batch)).await
    }

    pub(super) async fn try_ratings(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<Verdict>, StoreError> {
        trial::verdicts(&self.database, Request::from(batch)).await
    }

    pub(super) async fn try_leads(
        &self,
        batch: Batch<LeadToEnrich>,
    ) -> Result<Vec<Verdict>, StoreError> {
        trial::verdicts(&self.database, Request::from(batch)).await
    }
}

#[cfg(test)]
mod tests;
