//! Recording batches: reading what they need, writing what becomes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use deadpool_postgres::Transaction;
use tokio::join;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::warnings;
use super::database::{Database, transact};
use super::installations::RecordingLock;
use super::lead_enrichments::any_due;
use super::rows::Rows;
use super::upserts::{Changed, Upserts};
use super::{
    calls, events, installations, keys, lead_enrichments, quarantine, ratings, visits, waking,
};
use crate::domain::{LeadToEnrich, NewCall, NewCallRating, NewEvent, NewVisit};
use crate::recording::{Batch, Changes, Draft, ItemResult, Needs, RecordKind, Sender};

/// A batch of one kind.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Events(Batch<NewEvent>),
    Ratings(Batch<NewCallRating>),
    Leads(Batch<LeadToEnrich>),
    Visits(Batch<NewVisit>),
    Calls(Batch<NewCall>),
    /// Notifications that became no item.
    Rejected(Batch<Infallible>),
}

impl Request {
    /// On whose account it is.
    pub(super) fn sender(&self) -> Sender {
        match self {
            Self::Events(batch) => batch.sender(),
            Self::Ratings(batch) => batch.sender(),
            Self::Leads(batch) => batch.sender(),
            Self::Visits(batch) => batch.sender(),
            Self::Calls(batch) => batch.sender(),
            Self::Rejected(batch) => batch.sender(),
        }
    }

    /// How many items it has.
    pub(super) fn items(&self) -> usize {
        match self {
            Self::Events(batch) => batch.items.len(),
            Self::Ratings(batch) => batch.items.len(),
            Self::Leads(batch) => batch.items.len(),
            Self::Visits(batch) => batch.items.len(),
            Self::Calls(batch) => batch.items.len(),
            Self::Rejected(batch) => batch.items.len(),
        }
    }

    fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::Events(batch) => needs.add(batch, RecordKind::Event),
            Self::Ratings(batch) => needs.add(batch, RecordKind::CallRating),
            Self::Leads(batch) => needs.add_leads(batch),
            Self::Visits(_) | Self::Calls(_) => {}
            Self::Rejected(batch) => needs.add_rejected(batch),
        }
    }

    /// Adds what a batch needs of the data that jobs wait for.
    fn add_data_needs(&self, needs: &mut DataNeeds) {
        match self {
            Self::Visits(batch) => {
                needs.installations.add_installations(batch);
                needs.visits.extend(visits::keys(batch));
            }
            Self::Calls(batch) => {
                needs.installations.add_installations(batch);
                needs.calls.extend(calls::keys(batch));
            }
            Self::Events(_) | Self::Ratings(_) | Self::Leads(_) | Self::Rejected(_) => {}
        }
    }
}

/// What a group of batches needs of the data that jobs wait for.
#[derive(Debug, Default)]
struct DataNeeds {
    installations: Needs,
    visits: BTreeSet<visits::VisitKey>,
    calls: BTreeSet<calls::CallKey>,
}

/// The data that jobs wait for: what is there of it, and what will be.
#[derive(Debug)]
struct Data {
    visits: Upserts<NewVisit>,
    calls: Upserts<NewCall>,
}

/// What recording batches comes to.
#[derive(Debug)]
pub(super) struct Recorded {
    /// The results of each batch, in order.
    pub(super) results: Vec<Vec<ItemResult>>,
    /// Whether a job may be due sooner than somebody knows.
    pub(super) is_due: bool,
    /// Whether there are new events.
    pub(super) has_events: bool,
}

/// Records batches in one transaction.
pub(super) async fn record(
    database: &Database,
    requests: &[Request],
) -> Result<Recorded, StoreError> {
    transact!(database, |transaction| record_in(&transaction, requests)
        .await)
}

/// Records batches in the present transaction.
pub(super) async fn record_in(
    transaction: &Transaction<'_>,
    requests: &[Request],
) -> Result<Recorded, StoreError> {
    let mut needs = Needs::default();
    let mut data_needs = DataNeeds::default();
    for request in requests {
        request.add_needs(&mut needs);
        request.add_data_needs(&mut data_needs);
    }
    // So many statements at once take much room, which belongs on the heap.
    let (mut draft, mut data) = Box::pin(read(transaction, &needs, &data_needs)).await?;
    let mut results = Vec::with_capacity(requests.len());
    for request in requests {
        results.push(match request.clone() {
            Request::Events(batch) => draft.record_events(batch),
            Request::Ratings(batch) => draft.rate_calls(batch),
            Request::Leads(batch) => draft.enrich_leads(batch),
            Request::Visits(batch) => {
                let now = batch.now;
                data.visits.record(draft.upsert(batch), now)
            }
            Request::Calls(batch) => {
                let now = batch.now;
                data.calls.record(draft.upsert(batch), now)
            }
            Request::Rejected(batch) => draft.quarantine(batch),
        });
    }
    let changes = draft.into_changes();
    let has_events = !changes.events.is_empty();
    let is_due = Box::pin(write(transaction, changes, data)).await?;
    Ok(Recorded {
        results,
        is_due,
        has_events,
    })
}

/// Reads, and locks, what batches need. The statements go out together.
async fn read(
    transaction: &Transaction<'_>,
    needs: &Needs,
    data_needs: &DataNeeds,
) -> Result<(Draft, Data), StoreError> {
    // Those of visits and calls have a stronger lock.
    let awaited = &data_needs.installations.igrps;
    let plain = needs.igrps.difference(awaited).copied().collect();
    let (awaited, plain, keys, jobs, held, visits, calls) = join!(
        installations::find_all(transaction, awaited, RecordingLock::AwaitedData),
        installations::find_all(transaction, &plain, RecordingLock::Plain),
        async {
            let mut seen = Vec::new();
            for kind in RecordKind::ALL {
                seen.extend(keys::find(transaction, kind, needs.keys(kind)).await?);
            }
            Ok(seen)
        },
        lead_enrichments::find_needed(transaction, needs),
        quarantine::held(transaction, needs),
        visits::find_known(transaction, &data_needs.visits),
        calls::find_known(transaction, &data_needs.calls),
    );
    first_cause([
        awaited.as_ref().err(),
        plain.as_ref().err(),
        keys.as_ref().err(),
        jobs.as_ref().err(),
        held.as_ref().err(),
        visits.as_ref().err(),
        calls.as_ref().err(),
    ])?;
    let (awaited, plain, keys, jobs, held) = (awaited?, plain?, keys?, jobs?, held?);
    let mut draft = Draft::default();
    for installation in awaited.into_iter().chain(plain) {
        draft.know_installation(installation);
    }
    for (digest, seen) in keys {
        draft.know_key(digest, seen);
    }
    for job in jobs {
        draft.know_job(job);
    }
    for held in held {
        draft.know_held(held);
    }
    let data = Data {
        visits: Upserts::new(visits?),
        calls: Upserts::new(calls?),
    };
    Ok((draft, data))
}

/// Writes what batches come to. The statements go out together, in an order
/// that is the same for all transactions. Whether a job may be due sooner than
/// somebody knows.
async fn write(
    transaction: &Transaction<'_>,
    changes: Changes,
    data: Data,
) -> Result<bool, StoreError> {
    let Changes {
        installations,
        events,
        ratings,
        jobs,
        warnings,
        keys,
        holds,
        releases,
    } = changes;
    let creating = async {
        for changed in installations.values() {
            installations::create_or_link(transaction, changed).await?;
        }
        Ok::<_, StoreError>(())
    };
    let visits = data.visits.into_changes();
    let calls = data.calls.into_changes();
    let (created, used, recorded, placed, kept, visited, called) = join!(
        creating,
        keys::put(transaction, &keys),
        events::insert(transaction, &events),
        ratings::place(transaction, &ratings),
        lead_enrichments::put(transaction, &jobs),
        visits::put(transaction, &visits),
        calls::put(transaction, &calls),
    );
    let written = [created, used, recorded, placed, kept, visited, called];
    first_cause(written.iter().map(|done| done.as_ref().err()))?;
    // These may be about rows that were just written.
    let (warned, held) = join!(add_warnings(transaction, warnings), async {
        quarantine::hold(transaction, &holds).await?;
        quarantine::release(transaction, &releases).await
    });
    first_cause([warned.as_ref().err(), held.as_ref().err()])?;
    let is_woken = wake(transaction, &visits, &calls).await?;
    Ok(is_woken || any_due(&jobs))
}

/// Wakes the jobs that wait for what was written; whether there were any.
async fn wake(
    transaction: &Transaction<'_>,
    visits: &BTreeMap<visits::VisitKey, Changed<NewVisit>>,
    calls: &BTreeMap<calls::CallKey, Changed<NewCall>>,
) -> Result<bool, StoreError> {
    let times = visits.values().map(|visit| visit.receive_time);
    let times = times.chain(calls.values().map(|call| call.receive_time));
    let Some(now) = times.max() else {
        return Ok(false);
    };
    let visitors = visits.keys().map(|key| (key.igrp, key.visitor_id));
    let callers = calls
        .iter()
        .filter_map(|(key, call)| Some((key.igrp, call.content.visitor_id?)));
    let visitors: BTreeSet<_> = visitors.chain(callers).collect();
    let visitors: Vec<_> = visitors.into_iter().collect();
    let calls: Vec<_> = calls
        .keys()
        .map(|key| (key.igrp, key.call_ref.clone()))
        .collect();
    waking::wake(transaction, &visitors, &calls, now).await
}

/// Of statements that went out together: why one failed, if one did. Those
/// behind it fail too, only because the transaction is lost by then.
fn first_cause<'a>(
    failures: impl IntoIterator<Item = Option<&'a StoreError>>,
) -> Result<(), StoreError> {
    let is_consequence = |failure: &StoreError| match failure {
        StoreError::Refused(source) => {
            let source: &(dyn std::error::Error + 'static) = &**source;
            let error = source.downcast_ref::<tokio_postgres::Error>();
            error.and_then(tokio_postgres::Error::code)
                == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
        }
        _ => false,
    };
    let failures: Vec<&StoreError> = failures.into_iter().flatten().collect();
    let cause = failures.iter().find(|failure| !is_consequence(failure));
    match cause.or(failures.first()) {
        Some(failure) => Err(StoreError::clone(failure)),
        None => Ok(()),
    }
}

async fn add_warnings(
    transaction: &Transaction<'_>,
    changed: BTreeMap<(RecordKind, Uuid), Vec<String>>,
) -> Result<(), StoreError> {
    let kinds: BTreeSet<RecordKind> = changed.keys().map(|(kind, _)| *kind).collect();
    for kind in kinds {
        let (table, id_column) = keys::table(kind);
        let of_kind = || changed.iter().filter(|((of, _), _)| *of == kind);
        let texts: Vec<_> = of_kind()
            .map(|(_, all)| warnings(all))
            .collect::<Result<_, _>>()?;
        Rows::default()
            .column("id", of_kind().map(|((_, id), _)| *id))
            .column("warnings", texts.into_iter())
            .update(
                transaction,
                table,
                "warnings = new.warnings",
                &format!("kept.{id_column} = new.id"),
            )
            .await?;
    }
    Ok(())
}
