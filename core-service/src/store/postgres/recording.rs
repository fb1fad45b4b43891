//! Recording batches: reading what they need, writing what becomes of them.

use std::collections::BTreeSet;
use std::convert::Infallible;

use deadpool_postgres::Transaction;
use tokio::join;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::warnings;
use super::database::{Database, transact};
use super::rows::Rows;
use super::{events, installations, keys, lead_enrichments, quarantine, ratings};
use crate::domain::{LeadToEnrich, NewCallRating, NewEvent};
use crate::recording::{Batch, Changes, Draft, ItemResult, Needs, RecordKind, Sender};

/// A batch of one kind.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Events(Batch<NewEvent>),
    Ratings(Batch<NewCallRating>),
    Leads(Batch<LeadToEnrich>),
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
            Self::Rejected(batch) => batch.sender(),
        }
    }

    /// How many items it has.
    pub(super) fn items(&self) -> usize {
        match self {
            Self::Events(batch) => batch.items.len(),
            Self::Ratings(batch) => batch.items.len(),
            Self::Leads(batch) => batch.items.len(),
            Self::Rejected(batch) => batch.items.len(),
        }
    }

    fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::Events(batch) => needs.add(batch, RecordKind::Event),
            Self::Ratings(batch) => needs.add(batch, RecordKind::CallRating),
            Self::Leads(batch) => needs.add_leads(batch),
            Self::Rejected(batch) => needs.add_rejected(batch),
        }
    }
}

/// Records batches in one transaction; the results of each, in order.
pub(super) async fn record(
    database: &Database,
    requests: &[Request],
) -> Result<Vec<Vec<ItemResult>>, StoreError> {
    transact!(database, |transaction| record_in(&transaction, requests)
        .await)
}

/// Records batches in the present transaction.
pub(super) async fn record_in(
    transaction: &Transaction<'_>,
    requests: &[Request],
) -> Result<Vec<Vec<ItemResult>>, StoreError> {
    let mut needs = Needs::default();
    for request in requests {
        request.add_needs(&mut needs);
    }
    let mut draft = read(transaction, &needs).await?;
    let mut results = Vec::with_capacity(requests.len());
    for request in requests {
        results.push(match request.clone() {
            Request::Events(batch) => draft.record_events(batch),
            Request::Ratings(batch) => draft.rate_calls(batch),
            Request::Leads(batch) => draft.enrich_leads(batch),
            Request::Rejected(batch) => draft.quarantine(batch),
        });
    }
    write(transaction, draft.into_changes()).await?;
    Ok(results)
}

/// Reads, and locks, what batches need. The statements go out together.
async fn read(transaction: &Transaction<'_>, needs: &Needs) -> Result<Draft, StoreError> {
    let (installations, keys, jobs, held) = join!(
        installations::find_all(transaction, &needs.igrps),
        async {
            let mut seen = Vec::new();
            for kind in RecordKind::ALL {
                seen.extend(keys::find(transaction, kind, needs.keys(kind)).await?);
            }
            Ok(seen)
        },
        lead_enrichments::find_needed(transaction, needs),
        quarantine::held(transaction, needs),
    );
    first_cause([
        installations.as_ref().err(),
        keys.as_ref().err(),
        jobs.as_ref().err(),
        held.as_ref().err(),
    ])?;
    let (installations, keys, jobs, held) = (installations?, keys?, jobs?, held?);
    let mut draft = Draft::default();
    for installation in installations {
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
    Ok(draft)
}

/// Writes what batches come to. The statements go out together, in an order
/// that is the same for all transactions.
async fn write(transaction: &Transaction<'_>, changes: Changes) -> Result<(), StoreError> {
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
    let (created, used, recorded, placed, kept) = join!(
        creating,
        keys::put(transaction, &keys),
        events::insert(transaction, &events),
        ratings::place(transaction, &ratings),
        lead_enrichments::put(transaction, &jobs),
    );
    let written = [created, used, recorded, placed, kept];
    first_cause(written.iter().map(|done| done.as_ref().err()))?;
    // These may be about rows that were just written.
    let (warned, held) = join!(add_warnings(transaction, warnings), async {
        quarantine::hold(transaction, &holds).await?;
        quarantine::release(transaction, &releases).await
    });
    first_cause([warned.as_ref().err(), held.as_ref().err()])
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
    changed: std::collections::BTreeMap<(RecordKind, Uuid), Vec<String>>,
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
