//! The embedded store: SQLite in WAL mode with full synchronisation.
//!
//! One thread writes ([`writer`]); a pool of connections reads
//! ([`readers`]) and never waits for it.

mod alarm;
mod api_keys;
mod calls;
mod copies;
mod event_stream;
mod events;
mod expiry;
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
mod queue;
mod ratings;
mod readers;
mod recording;
mod refused_messages;
mod row;
mod salesforce_connections;
mod slowness;
mod trial;
mod url_tokens;
mod visits;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;

use sfbridge_values::{CallRef, Igrp, OrganizationId, Timestamp, VisitorId};
use tokio::sync::watch;
use uuid::Uuid;

pub(super) use copies::publish_new;
pub use copies::{backup, restore};
pub(super) use file::Lock;
pub(super) use moving::{SqliteSide, take_lock};

use super::{
    CallFilter, CallRatingFilter, ClaimedEnrichment, DueEnrichments, EnrichmentClaim, EventFilter,
    Expired, Expiry, InstallationFilter, LeadEnrichmentFilter, Migrated, Pace, Page, PageRequest,
    QuarantineFilter, RefusedMessageFilter, StoreError, StoreState, StreamFilter, StreamLimits,
    StreamPage, StreamStart, VisitFilter,
};
use crate::domain::{
    ApiKey, Call, CallRating, Coverage, Event, Installation, LeadEnrichment, LeadEnrichmentState,
    LeadToEnrich, NewCall, NewCallRating, NewEvent, NewVisit, NotOpen, OrganizationAccess,
    PlannedPush, QuarantineState, QuarantinedNotification, Refusal, RefusedMessage,
    SalesforceConnection, Settlement, UrlToken, UrlTokenId, Visit, VisitorHistory,
};
use crate::metrics::StoreMetrics;
use crate::recording::{Batch, ItemResult, Prospect, Verdict};
use lead_enrichments::SLICE;
use readers::Readers;
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
        let (alarm, event_alarm) = (self.writer.alarm(), self.writer.event_alarm());
        self.writer
            .record(batch, move |connection, batch| {
                let results = recording::events(connection, batch, &alarm)?;
                let is_recorded = |result: &ItemResult| matches!(result, ItemResult::Recorded(_));
                if results.iter().any(is_recorded) {
                    event_alarm.set();
                }
                Ok(results)
            })
            .await
    }

    pub(super) async fn rate_calls(
        &self,
        batch: Batch<NewCallRating>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let alarm = self.writer.alarm();
        self.writer
            .record(batch, move |connection, batch| {
                recording::ratings(connection, batch, &alarm)
            })
            .await
    }

    pub(super) async fn enrich_leads(
        &self,
        batch: Batch<LeadToEnrich>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let alarm = self.writer.alarm();
        self.writer
            .record(batch, move |connection, batch| {
                recording::leads(connection, batch, &alarm)
            })
            .await
    }

    pub(super) async fn try_events(
        &self,
        batch: Batch<NewEvent>,
    ) -> Result<Vec<Verdict>, StoreError> {
        let prospect = |event: Event| Prospect {
            warnings: event.warnings,
            tie: Some(event.tie),
        };
        let alarm = self.writer.alarm();
        self.writer
            .try_out((batch.sender(), batch.items.len()), move |connection| {
                trial::verdicts(
                    || recording::events(connection, batch, &alarm),
                    |id| Ok(events::find(connection, id)?.map(prospect)),
                )
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
        let alarm = self.writer.alarm();
        self.writer
            .try_out((batch.sender(), batch.items.len()), move |connection| {
                trial::verdicts(
                    || recording::ratings(connection, batch, &alarm),
                    |id| Ok(ratings::find(connection, id)?.map(prospect)),
                )
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
        let alarm = self.writer.alarm();
        self.writer
            .try_out((batch.sender(), batch.items.len()), move |connection| {
                trial::verdicts(
                    || recording::leads(connection, batch, &alarm),
                    |id| Ok(lead_enrichments::find(connection, id)?.map(prospect)),
                )
            })
            .await
    }

    pub(super) async fn due_enrichments(
        &self,
        now: Timestamp,
    ) -> Result<DueEnrichments, StoreError> {
        self.readers
            .read(move |connection| lead_enrichments::due(connection, now))
            .await
    }

    pub(super) fn enrichment_alarm(&self) -> watch::Receiver<()> {
        self.writer.alarm().listen()
    }

    pub(super) async fn claim_enrichments(
        &self,
        claim: EnrichmentClaim,
    ) -> Result<Vec<ClaimedEnrichment>, StoreError> {
        let mut enrichments = Vec::new();
        while enrichments.len() < claim.limit {
            let limit = SLICE.min(claim.limit - enrichments.len());
            let claimed = self
                .writer
                .work(limit, move |connection| {
                    lead_enrichments::claim(connection, &claim, limit)
                })
                .await;
            let claimed = match claimed {
                // What was taken up before is not to wait for its lease to end.
                Err(_) if !enrichments.is_empty() => break,
                claimed => claimed?,
            };
            let parked = u64::try_from(claimed.parked).unwrap_or(0);
            self.writer
                .count_enrichments(LeadEnrichmentState::Parked, parked);
            let count = claimed.parked + claimed.enrichments.len();
            enrichments.extend(claimed.enrichments);
            if count < limit {
                break;
            }
        }
        Ok(enrichments)
    }

    pub(super) async fn begin_push(
        &self,
        pushes: Vec<PlannedPush>,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let mut answers = Vec::with_capacity(pushes.len());
        for slice in slices(pushes) {
            let begun = self.writer.work(slice.len(), move |connection| {
                lead_enrichments::begin_push(connection, slice, lease_until, now)
            });
            answers.extend(begun.await?);
        }
        Ok(answers)
    }

    pub(super) async fn settle_enrichments(
        &self,
        settlements: Vec<Settlement>,
        now: Timestamp,
    ) -> Result<Vec<Option<LeadEnrichmentState>>, StoreError> {
        let mut answers = Vec::with_capacity(settlements.len());
        for slice in slices(settlements) {
            let alarm = self.writer.alarm();
            let settled = self.writer.work(slice.len(), move |connection| {
                lead_enrichments::settle(connection, slice, now, &alarm)
            });
            let settled = settled.await?;
            let ended = settled.iter().flatten().filter(|state| !state.is_open());
            for state in ended {
                self.writer.count_enrichments(*state, 1);
            }
            answers.extend(settled);
        }
        Ok(answers)
    }

    pub(super) async fn release_connection_waits(
        &self,
        igrp: Igrp,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let alarm = self.writer.alarm();
            let released = self.writer.work(SLICE, move |connection| {
                lead_enrichments::release(connection, igrp, now, &alarm)
            });
            let released = released.await?;
            count += released;
            if released < SLICE {
                return Ok(count);
            }
        }
    }

    pub(super) async fn end_lost_leases(&self, now: Timestamp) -> Result<usize, StoreError> {
        // Most starts find none, and write nothing.
        if !self.readers.read(lead_enrichments::has_leases).await? {
            return Ok(0);
        }
        let alarm = self.writer.alarm();
        let work = move |connection: &_| lead_enrichments::end_leases(connection, now, &alarm);
        self.writer.work(SLICE, work).await
    }

    pub(super) async fn retry_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, Uuid>>, StoreError> {
        let alarm = self.writer.alarm();
        self.writer
            .write(move |connection| lead_enrichments::retry(connection, id, now, &alarm))
            .await
    }

    pub(super) async fn cancel_enrichment(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<Result<LeadEnrichment, NotOpen>>, StoreError> {
        let cancelled = self
            .writer
            .write(move |connection| lead_enrichments::cancel(connection, id, now))
            .await?;
        if let Some(Ok(_)) = &cancelled {
            self.writer
                .count_enrichments(LeadEnrichmentState::Cancelled, 1);
        }
        Ok(cancelled)
    }

    pub(super) async fn enrichment_counts(
        &self,
    ) -> Result<BTreeMap<LeadEnrichmentState, u64>, StoreError> {
        self.readers.read(lead_enrichments::counts).await
    }

    pub(super) async fn record_visits(
        &self,
        batch: Batch<NewVisit>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let alarm = self.writer.alarm();
        self.writer
            .record(batch, move |connection, batch| {
                visits::record(connection, batch, &alarm)
            })
            .await
    }

    pub(super) async fn record_calls(
        &self,
        batch: Batch<NewCall>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let alarm = self.writer.alarm();
        self.writer
            .record(batch, move |connection, batch| {
                calls::record(connection, batch, &alarm)
            })
            .await
    }

    pub(super) async fn quarantine(
        &self,
        batch: Batch<std::convert::Infallible>,
    ) -> Result<Vec<ItemResult>, StoreError> {
        let alarm = self.writer.alarm();
        self.writer
            .record(batch, move |connection, batch| {
                recording::rejected(connection, batch, &alarm)
            })
            .await
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

    pub(super) async fn salesforce_connection(
        &self,
        igrp: Igrp,
    ) -> Result<Option<SalesforceConnection>, StoreError> {
        self.readers
            .read(move |connection| salesforce_connections::find(connection, igrp))
            .await
    }

    pub(super) async fn salesforce_connections(
        &self,
        coverage: Coverage,
    ) -> Result<Vec<SalesforceConnection>, StoreError> {
        self.readers
            .read(move |connection| salesforce_connections::list(connection, &coverage))
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

    pub(super) async fn api_keys(&self, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        self.readers
            .read(move |connection| api_keys::list(connection, page))
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

    pub(super) async fn url_tokens(
        &self,
        organization: Option<OrganizationId>,
        page: PageRequest,
    ) -> Result<Page<UrlToken>, StoreError> {
        self.readers
            .read(move |connection| url_tokens::list(connection, organization.as_ref(), page))
            .await
    }

    pub(super) async fn installation(
        &self,
        igrp: Igrp,
    ) -> Result<Option<Installation>, StoreError> {
        self.readers
            .read(move |connection| installations::find(connection, igrp))
            .await
    }

    pub(super) async fn organization_access(
        &self,
        organization: OrganizationId,
        coverage: Coverage,
    ) -> Result<OrganizationAccess, StoreError> {
        self.readers
            .read(move |connection| {
                installations::organization_access(connection, &organization, &coverage)
            })
            .await
    }

    pub(super) async fn history(
        &self,
        igrp: Igrp,
        visitor_id: Option<VisitorId>,
        call_ref: Option<CallRef>,
        as_of: Timestamp,
    ) -> Result<VisitorHistory, StoreError> {
        self.readers
            .read(move |connection| {
                histories::find(connection, igrp, visitor_id, call_ref.as_ref(), as_of)
            })
            .await
    }

    pub(super) async fn event(&self, event_id: Uuid) -> Result<Option<Event>, StoreError> {
        self.readers
            .read(move |connection| events::find(connection, event_id))
            .await
    }

    pub(super) async fn current_rating(
        &self,
        igrp: Igrp,
        call_ref: String,
    ) -> Result<Option<CallRating>, StoreError> {
        self.readers
            .read(move |connection| ratings::current(connection, igrp, &call_ref))
            .await
    }

    pub(super) async fn lead_enrichment(
        &self,
        id: Uuid,
    ) -> Result<Option<LeadEnrichment>, StoreError> {
        self.readers
            .read(move |connection| lead_enrichments::find(connection, id))
            .await
    }

    pub(super) async fn call(
        &self,
        igrp: Igrp,
        call_ref: String,
    ) -> Result<Option<Call>, StoreError> {
        self.readers
            .read(move |connection| calls::find(connection, igrp, &call_ref))
            .await
    }

    pub(super) async fn quarantined(
        &self,
        id: Uuid,
    ) -> Result<Option<QuarantinedNotification>, StoreError> {
        self.readers
            .read(move |connection| quarantine::find(connection, id))
            .await
    }

    pub(super) async fn installations(
        &self,
        filter: InstallationFilter,
        page: PageRequest,
    ) -> Result<Page<Installation>, StoreError> {
        self.readers
            .read(move |connection| installations::list(connection, &filter, page))
            .await
    }

    pub(super) async fn events(
        &self,
        filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        self.readers
            .read(move |connection| events::list(connection, filter, page))
            .await
    }

    pub(super) async fn stream_events(
        &self,
        start: StreamStart,
        filter: StreamFilter,
        limits: StreamLimits,
    ) -> Result<Option<StreamPage>, StoreError> {
        self.readers
            .read(move |connection| event_stream::after(connection, start, &filter, limits))
            .await
    }

    pub(super) fn event_alarm(&self) -> watch::Receiver<()> {
        self.writer.event_alarm().listen()
    }

    pub(super) async fn call_ratings(
        &self,
        filter: CallRatingFilter,
        page: PageRequest,
    ) -> Result<Page<CallRating>, StoreError> {
        self.readers
            .read(move |connection| ratings::list(connection, filter, page))
            .await
    }

    pub(super) async fn lead_enrichments(
        &self,
        filter: LeadEnrichmentFilter,
        page: PageRequest,
    ) -> Result<Page<LeadEnrichment>, StoreError> {
        self.readers
            .read(move |connection| lead_enrichments::list(connection, filter, page))
            .await
    }

    pub(super) async fn visits(
        &self,
        filter: VisitFilter,
        page: PageRequest,
    ) -> Result<Page<Visit>, StoreError> {
        self.readers
            .read(move |connection| visits::list(connection, &filter, page))
            .await
    }

    pub(super) async fn calls(
        &self,
        filter: CallFilter,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        self.readers
            .read(move |connection| calls::list(connection, &filter, page))
            .await
    }

    pub(super) async fn quarantined_notifications(
        &self,
        filter: QuarantineFilter,
        page: PageRequest,
    ) -> Result<Page<QuarantinedNotification>, StoreError> {
        self.readers
            .read(move |connection| quarantine::list(connection, filter, page))
            .await
    }

    pub(super) async fn refused_messages(
        &self,
        filter: RefusedMessageFilter,
        page: PageRequest,
    ) -> Result<Page<RefusedMessage>, StoreError> {
        self.readers
            .read(move |connection| refused_messages::list(connection, filter, page))
            .await
    }
}

/// Takes work apart into what one transaction may take.
fn slices<T>(work: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut work = work.into_iter();
    std::iter::from_fn(move || {
        let slice: Vec<T> = work.by_ref().take(SLICE).collect();
        (!slice.is_empty()).then_some(slice)
    })
}

#[cfg(test)]
mod tests;
