//! Where everything is kept.
//!
//! [`Store`] is an enum of its backends. Each keeps the same promises, and one
//! conformance suite (`store/conformance/tests.rs`) runs against any of them:
//!
//! - what is answered is durable;
//! - a batch is one transaction;
//! - two requests with one idempotency key leave one record, however they race;
//! - a lead enrichment is worked on by whoever holds its lease, and by nobody
//!   else until that ends; nothing about it is kept in a process alone.

mod columns;
mod enrichment_work;
mod error;
mod fair_queue;
mod pace;
mod page;
mod postgres;
mod rows;
mod session_turn;
mod sqlite;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

pub use enrichment_work::{ClaimedEnrichment, DueEnrichments, EnrichmentClaim};
pub use error::StoreError;
pub use pace::Pace;
pub use page::{
    CallFilter, CallRatingFilter, EventFilter, InstallationFilter, LeadEnrichmentFilter, Page,
    PageRequest, Position, QuarantineFilter, RefusedMessageFilter, TimeRange, VisitFilter,
};
pub use postgres::{PostgresConfig, PostgresStore};
pub use session_turn::{SessionClaim, SessionTurn};
pub use sqlite::{SqliteStore, backup, restore};
use uuid::Uuid;

use crate::domain::{
    ApiKey, Call, CallRating, Coverage, Event, Installation, LeadEnrichment, LeadEnrichmentState,
    LeadToEnrich, NewCall, NewCallRating, NewEvent, NewVisit, NotOpen, OrganizationAccess,
    PlannedPush, QuarantineState, QuarantinedNotification, Refusal, RefusedMessage,
    SalesforceConnection, Settlement, UrlToken, UrlTokenId, Visit, VisitorHistory,
};
use crate::metrics::StoreMetrics;
use crate::recording::{Batch, ItemResult, Verdict};
use crate::sealing::Sealed;
use sfbridge_values::{CallRef, Igrp, OrganizationId, Timestamp, VisitorId};

/// Which store to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// A SQLite database in this file, created when missing.
    Sqlite {
        /// The database file.
        path: PathBuf,
    },
    /// A PostgreSQL database, which must be there.
    Postgres(Box<PostgresConfig>),
}

/// A text does not name a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStoreUrl {
    /// No path after `sqlite://`.
    #[error("names no file; write sqlite:///path/to/file.db")]
    NoPath,
    /// Not the URL of a PostgreSQL database.
    #[error("{0}; write postgres://user@host:5432/database?sslmode=require")]
    Postgres(String),
    /// Only one of the two files that only work together.
    #[error("names only one of sslcert and sslkey; name both or none")]
    HalfCertificate,
    /// Something else.
    #[error(
        "is not the URL of a store; write sqlite:///path/to/file.db or postgres://host/database"
    )]
    Unknown,
}

impl FromStr for StoreConfig {
    type Err = InvalidStoreUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return PostgresConfig::parse(text).map(|config| Self::Postgres(Box::new(config)));
        }
        let path = text
            .strip_prefix("sqlite://")
            .ok_or(InvalidStoreUrl::Unknown)?;
        if path.is_empty() || path.ends_with('/') {
            return Err(InvalidStoreUrl::NoPath);
        }
        Ok(Self::Sqlite {
            path: PathBuf::from(path),
        })
    }
}

impl std::fmt::Display for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(config) => config.fmt(f),
        }
    }
}

/// The versions of a store's schema around a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Before; 0 for a new store.
    pub from: u32,
    /// After.
    pub to: u32,
}

/// An open store.
#[derive(Clone, Debug)]
pub enum Store {
    /// The embedded store.
    Sqlite(SqliteStore),
    /// The store that many cores share.
    Postgres(PostgresStore),
}

/// Does the same on whichever backend it is.
macro_rules! on_backend {
    ($store:expr, $backend:ident => $work:expr) => {
        match $store {
            Store::Sqlite($backend) => $work,
            Store::Postgres($backend) => $work,
        }
    };
}

/// Whether a store takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It does.
    Ready,
    /// There was no room for the last write; the next may succeed.
    Full,
    /// The database could not be reached; the next try may succeed.
    Unreachable,
    /// It does not any more, and why. Only a restart helps.
    Failed(String),
    /// It was closed.
    Closed,
}

impl Store {
    /// Opens a store and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it can't be opened, is open elsewhere, or was made
    /// by a newer release.
    pub async fn open(
        config: &StoreConfig,
        metrics: StoreMetrics,
    ) -> Result<(Self, Migrated), StoreError> {
        Self::open_at(config, Pace::default(), metrics).await
    }

    /// Like [`Store::open`], for a store that goes at this pace.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn open_at(
        config: &StoreConfig,
        pace: Pace,
        metrics: StoreMetrics,
    ) -> Result<(Self, Migrated), StoreError> {
        match config {
            StoreConfig::Sqlite { path } => {
                let (store, migrated) = SqliteStore::open(path.clone(), pace, metrics).await?;
                Ok((Self::Sqlite(store), migrated))
            }
            StoreConfig::Postgres(config) => {
                let (store, migrated) = PostgresStore::open(config, pace, metrics).await?;
                Ok((Self::Postgres(store), migrated))
            }
        }
    }

    /// Finishes what is queued and closes the store. Later writes are refused.
    pub async fn close(&self) {
        on_backend!(self, store => store.close().await)
    }

    /// Follows whether the store takes writes.
    pub fn state(&self) -> tokio::sync::watch::Receiver<StoreState> {
        on_backend!(self, store => store.state())
    }

    /// Writes something of no meaning, to learn whether writes work.
    pub async fn probe(&self, now: Timestamp) -> Result<(), StoreError> {
        on_backend!(self, store => store.probe(now).await)
    }

    /// Records events; one result each, in order.
    pub async fn record_events(
        &self,
        batch: Batch<NewEvent>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.record_events(batch).await)
    }

    /// Records ratings; one result each, in order.
    pub async fn rate_calls(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.rate_calls(batch).await)
    }

    /// Accepts leads to enrich; one result each, in order.
    pub async fn enrich_leads(
        &self,
        batch: Batch<LeadToEnrich>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.enrich_leads(batch).await)
    }

    /// Says what would become of events, and keeps nothing.
    pub async fn try_events(&self, batch: Batch<NewEvent>) -> Result<Vec<Verdict>, StoreError> {
        on_backend!(self, store => store.try_events(batch).await)
    }

    /// Says what would become of ratings, and keeps nothing.
    pub async fn try_ratings(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<Verdict>, StoreError> {
        on_backend!(self, store => store.try_ratings(batch).await)
    }

    /// Says what would become of leads to enrich, and keeps nothing.
    pub async fn try_leads(&self, batch: Batch<LeadToEnrich>) -> Result<Vec<Verdict>, StoreError> {
        on_backend!(self, store => store.try_leads(batch).await)
    }

    /// Which installations have lead enrichments that are due, and when the
    /// next one is. Cheap: what waits is not counted through.
    pub async fn due_enrichments(&self, now: Timestamp) -> Result<DueEnrichments, StoreError> {
        on_backend!(self, store => store.due_enrichments(now).await)
    }

    /// Hears whenever a write may have made a lead enrichment due sooner than
    /// [`Store::due_enrichments`] said before: at once of this process, and soon
    /// of others, but nobody promises that; see [`Store::longest_silence`].
    pub fn enrichment_alarm(&self) -> tokio::sync::watch::Receiver<()> {
        on_backend!(self, store => store.enrichment_alarm())
    }

    /// After how long whoever has heard no alarm should look, because another
    /// process may have written, and its notice may be lost.
    pub fn longest_silence(&self) -> std::time::Duration {
        match self {
            // Nobody else writes. Clocks are set, though.
            Self::Sqlite(_) => std::time::Duration::from_mins(1),
            Self::Postgres(store) => store.longest_silence(),
        }
    }

    /// Takes up lead enrichments of one installation that are due and that
    /// nobody works on, the one that is due longest first. Those whose Lead is
    /// enriched over and over are parked instead, so that fewer than the limit
    /// does not mean that there are no more.
    pub async fn claim_enrichments(
        &self,
        claim: EnrichmentClaim,
    ) -> Result<Vec<ClaimedEnrichment>, StoreError> {
        on_backend!(self, store => store.claim_enrichments(claim).await)
    }

    /// Keeps what is about to be written into Leads, which must be durable
    /// before it is sent: so a crash in between is told from somebody else's
    /// change. One answer each, in order: `false` when the lease is lost or the
    /// job was cancelled, and nothing may be sent. The lease is extended.
    pub async fn begin_push(
        &self,
        pushes: Vec<PlannedPush>,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        on_backend!(self, store => store.begin_push(pushes, lease_until, now).await)
    }

    /// Keeps what runs of lead enrichments came to. One answer each, in order:
    /// the state that the job is in now, or `None` when the lease was lost and
    /// nothing has changed.
    ///
    /// Done in several transactions when they are many. After an error those
    /// that were settled are; settling all of them again is safe.
    pub async fn settle_enrichments(
        &self,
        settlements: Vec<Settlement>,
        now: Timestamp,
    ) -> Result<Vec<Option<LeadEnrichmentState>>, StoreError> {
        on_backend!(self, store => store.settle_enrichments(settlements, now).await)
    }

    /// Lets the lead enrichments of an installation go on that waited for a
    /// connection, and says how many. To be called when credentials were set,
    /// and when a connection was found to work, also after a start: a crash may
    /// have come in between.
    pub async fn release_connection_waits(
        &self,
        igrp: Igrp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        on_backend!(self, store => store.release_connection_waits(igrp, now).await)
    }

    /// Ends the leases of processes that are surely gone, and says how many. To
    /// be called before this process takes anything up: the embedded store is
    /// open in one process at a time, so nobody else holds any. A store that
    /// many cores share ends none, for who is gone is not known there; leases
    /// end by themselves.
    pub async fn end_lost_leases(&self, now: Timestamp) -> Result<usize, StoreError> {
        on_backend!(self, store => store.end_lost_leases(now).await)
    }

    /// Has a lead enrichment tried now, whatever came of it before. `None` when
    /// there is none; the id of another when that is open for its lead.
    pub async fn retry_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, Uuid>>, StoreError> {
        on_backend!(self, store => store.retry_enrichment(id, now).await)
    }

    /// Ends a lead enrichment that is open. `None` when there is none.
    pub async fn cancel_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, NotOpen>>, StoreError> {
        on_backend!(self, store => store.cancel_enrichment(id, now).await)
    }

    /// How many lead enrichments there are in each state, all states included.
    pub async fn enrichment_counts(
        &self,
    ) -> Result<BTreeMap<LeadEnrichmentState, u64>, StoreError> {
        on_backend!(self, store => store.enrichment_counts().await)
    }

    /// Records visits; one result each, in order.
    pub async fn record_visits(
        &self,
        batch: Batch<NewVisit>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.record_visits(batch).await)
    }

    /// Records calls; one result each, in order.
    pub async fn record_calls(&self, batch: Batch<NewCall>) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.record_calls(batch).await)
    }

    /// Quarantines notifications that became no item. Every item's content is
    /// a rejection; the results are `Recorded` or `Duplicate` with the
    /// quarantine record's id.
    pub async fn quarantine(
        &self,
        batch: Batch<std::convert::Infallible>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        on_backend!(self, store => store.quarantine(batch).await)
    }

    /// Marks quarantined notifications as replayed or discarded, all or none:
    /// how many were open, or the first id that is not there.
    pub async fn resolve_quarantined(
        &self,
        ids: Vec<Uuid>,
        state: QuarantineState,
        now: Timestamp,
    ) -> Result<Result<u32, Uuid>, StoreError> {
        on_backend!(self, store => store.resolve_quarantined(ids, state, now).await)
    }

    /// Takes note of refused messages, and lets those go that are too many.
    pub async fn record_refused_messages(
        &self,
        refusals: Vec<Refusal>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        on_backend!(self, store => store.record_refused_messages(refusals, now).await)
    }

    /// Creates an installation; `false` when there is one with its id.
    pub async fn create_installation(
        &self,
        installation: Installation,
    ) -> Result<bool, StoreError> {
        on_backend!(self, store => store.create_installation(installation).await)
    }

    /// Changes an installation in one step; `None` when there is none, or what
    /// `change` returned.
    pub async fn update_installation<E: Send + 'static>(
        &self,
        igrp: Igrp,
        change: impl FnOnce(Installation) -> Result<Installation, E> + Send + 'static,
    ) -> Result<Option<Result<Installation, E>>, StoreError> {
        on_backend!(self, store => store.update_installation(igrp, change).await)
    }

    /// Deletes an installation, with `force` its records too. `None` when
    /// there is none, `false` when it has records that stay.
    pub async fn delete_installation(
        &self,
        igrp: Igrp,
        force: bool,
    ) -> Result<Option<bool>, StoreError> {
        on_backend!(self, store => store.delete_installation(igrp, force).await)
    }

    /// Gets a session at Salesforce that cores share, or the turn to log in.
    ///
    /// The embedded store is open in one process at a time, which keeps its
    /// session in memory.
    pub async fn claim_session(&self, claim: SessionClaim) -> Result<SessionTurn, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(SessionTurn::Unshared),
            Self::Postgres(store) => store.claim_session(claim).await,
        }
    }

    /// Keeps a turn to log in for so much longer.
    pub async fn extend_session_turn(
        &self,
        igrp: Igrp,
        owner: Uuid,
        lease: std::time::Duration,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(store) => store.extend_session_turn(igrp, owner, lease).await,
        }
    }

    /// Ends a turn to log in, with the session that it brought, if any. The
    /// session's number; nothing when there is none, or the turn was lost.
    pub async fn end_session_turn(
        &self,
        igrp: Igrp,
        owner: Uuid,
        session: Option<Sealed>,
    ) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(store) => store.end_session_turn(igrp, owner, session).await,
        }
    }

    /// Whether several processes may have the store open at a time.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Keeps a connection with new credentials in place of the one that there
    /// was, and returns it as kept. `None` when there is no such installation.
    pub async fn set_salesforce_connection(
        &self,
        new: SalesforceConnection,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        on_backend!(self, store => store.set_salesforce_connection(new).await)
    }

    /// Changes a connection in one step; `change` returns nothing when it
    /// leaves it as it is. Whether it was changed.
    pub async fn update_salesforce_connection(
        &self,
        igrp: Igrp,
        change: impl FnOnce(&SalesforceConnection) -> Option<SalesforceConnection> + Send + 'static,
    ) -> Result<bool, StoreError> {
        on_backend!(self, store => store.update_salesforce_connection(igrp, change).await)
    }

    /// Deletes a connection. `None` when there is no such installation, `false`
    /// when it has none.
    pub async fn delete_salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<bool>, StoreError> {
        on_backend!(self, store => store.delete_salesforce_connection(igrp).await)
    }

    /// The connection of an installation.
    pub async fn salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        on_backend!(self, store => store.salesforce_connection(igrp).await)
    }

    /// The connections of these installations, by their ids.
    pub async fn salesforce_connections(
        &self,
        coverage: Coverage,
    ) -> Result<Vec<SalesforceConnection>, StoreError> {
        on_backend!(self, store => store.salesforce_connections(coverage).await)
    }

    /// Adds an API key.
    pub async fn create_api_key(&self, key: ApiKey) -> Result<(), StoreError> {
        on_backend!(self, store => store.create_api_key(key).await)
    }

    /// Removes an API key. `None` when there is none; `false` when it is the
    /// last one that could make others, and `even_last` is not set.
    pub async fn revoke_api_key(
        &self,
        api_key_id: String,
        even_last: bool,
    ) -> Result<Option<bool>, StoreError> {
        on_backend!(self, store => store.revoke_api_key(api_key_id, even_last).await)
    }

    /// A page of API keys, the newest first.
    pub async fn api_keys(&self, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        on_backend!(self, store => store.api_keys(page).await)
    }

    /// Adds a URL token; `false` when there are as many as there can be.
    pub async fn create_url_token(&self, token: UrlToken) -> Result<bool, StoreError> {
        on_backend!(self, store => store.create_url_token(token).await)
    }

    /// Revokes a URL token, with `forget` removes it; `false` when there is
    /// none. One that was revoked before keeps that time.
    pub async fn revoke_url_token(
        &self,
        url_token_id: UrlTokenId,
        forget: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        on_backend!(self, store => store.revoke_url_token(url_token_id, forget, now).await)
    }

    /// A page of URL tokens, the newest first: all, or those of an
    /// organisation.
    pub async fn url_tokens(
        &self,
        organization: Option<OrganizationId>,
        page: PageRequest,
    ) -> Result<Page<UrlToken>, StoreError> {
        on_backend!(self, store => store.url_tokens(organization, page).await)
    }

    /// One installation.
    pub async fn installation(&self, igrp: Igrp) -> Result<Option<Installation>, StoreError> {
        on_backend!(self, store => store.installation(igrp).await)
    }

    /// Whether an organisation may send, and from where, as far as these
    /// installations say.
    pub async fn organization_access(
        &self,
        organization: OrganizationId,
        coverage: Coverage,
    ) -> Result<OrganizationAccess, StoreError> {
        on_backend!(self, store => store.organization_access(organization, coverage).await)
    }

    /// What is known of a visitor, or of the one that a call names, up to the
    /// as-of time.
    pub async fn history(
        &self,
        igrp: Igrp,
        visitor_id: Option<VisitorId>,
        call_ref: Option<CallRef>,
        as_of: Timestamp,
    ) -> Result<VisitorHistory, StoreError> {
        on_backend!(self, store => store.history(igrp, visitor_id, call_ref, as_of).await)
    }

    /// One event.
    pub async fn event(&self, event_id: Uuid) -> Result<Option<Event>, StoreError> {
        on_backend!(self, store => store.event(event_id).await)
    }

    /// The current rating of a call.
    pub async fn current_rating(
        &self,
        igrp: Igrp,
        call_ref: String,
    ) -> Result<Option<CallRating>, StoreError> {
        on_backend!(self, store => store.current_rating(igrp, call_ref).await)
    }

    /// One lead enrichment.
    pub async fn lead_enrichment(&self, id: Uuid) -> Result<Option<LeadEnrichment>, StoreError> {
        on_backend!(self, store => store.lead_enrichment(id).await)
    }

    /// One call.
    pub async fn call(&self, igrp: Igrp, call_ref: String) -> Result<Option<Call>, StoreError> {
        on_backend!(self, store => store.call(igrp, call_ref).await)
    }

    /// One quarantined notification.
    pub async fn quarantined(
        &self,
        id: Uuid,
    ) -> Result<Option<QuarantinedNotification>, StoreError> {
        on_backend!(self, store => store.quarantined(id).await)
    }

    /// A page of installations, the newest first.
    pub async fn installations(
        &self,
        filter: InstallationFilter,
        page: PageRequest,
    ) -> Result<Page<Installation>, StoreError> {
        on_backend!(self, store => store.installations(filter, page).await)
    }

    /// A page of events, the newest event time first.
    pub async fn events(
        &self,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        on_backend!(self, store => store.events(filter, page).await)
    }

    /// A page of ratings, the newest rating time first.
    pub async fn call_ratings(
        &self,
        filter: CallRatingFilter,
        page: PageRequest,
    ) -> Result<Page<CallRating>, StoreError> {
        on_backend!(self, store => store.call_ratings(filter, page).await)
    }

    /// A page of lead enrichments, the newest receipt first.
    pub async fn lead_enrichments(
        &self,
        filter: LeadEnrichmentFilter,
        page: PageRequest,
    ) -> Result<Page<LeadEnrichment>, StoreError> {
        on_backend!(self, store => store.lead_enrichments(filter, page).await)
    }

    /// A page of visits, the newest first.
    pub async fn visits(
        &self,
        filter: VisitFilter,
        page: PageRequest,
    ) -> Result<Page<Visit>, StoreError> {
        on_backend!(self, store => store.visits(filter, page).await)
    }

    /// A page of calls, the newest start first.
    pub async fn calls(
        &self,
        filter: CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        on_backend!(self, store => store.calls(filter, page).await)
    }

    /// A page of quarantined notifications without their fields, the newest
    /// receipt first.
    pub async fn quarantined_notifications(
        &self,
        filter: QuarantineFilter,
        page: PageRequest,
    ) -> Result<Page<QuarantinedNotification>, StoreError> {
        on_backend!(self, store => store.quarantined_notifications(filter, page).await)
    }

    /// A page of refused messages, the last refusal first.
    pub async fn refused_messages(
        &self,
        filter: RefusedMessageFilter,
        page: PageRequest,
    ) -> Result<Page<RefusedMessage>, StoreError> {
        on_backend!(self, store => store.refused_messages(filter, page).await)
    }
}

#[cfg(test)]
mod conformance;
