//! Recording batches: reading what they need, writing what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::{GenericClient, Transaction};
use tokio::join;
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::warnings;
use super::database::{Database, Tries};
use super::lead_enrichments::any_due;
use super::open_transaction::OpenTransaction;
use super::rows::Rows;
use super::statements::{self, Behind, Statement, first_cause};
use super::upserts::{Changed, Upserts};
use super::{
    calls, events, installations, keys, lead_enrichments, quarantine, ratings, visits, waking,
};
use crate::domain::{NewCall, NewVisit};
use crate::recording::{Batch, Changes, Draft, ItemResult, Needs, RecordKind, Request, Sender};

/// A batch of one kind.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// What a draft decides about.
    Recorded(Request),
    Visits(Batch<NewVisit>),
    Calls(Batch<NewCall>),
}

impl Work {
    /// On whose account it is.
    pub(super) fn sender(&self) -> Sender {
        match self {
            Self::Recorded(request) => request.sender(),
            Self::Visits(batch) => batch.sender(),
            Self::Calls(batch) => batch.sender(),
        }
    }

    /// How many items it has.
    pub(super) fn items(&self) -> usize {
        match self {
            Self::Recorded(request) => request.items(),
            Self::Visits(batch) => batch.items.len(),
            Self::Calls(batch) => batch.items.len(),
        }
    }

    fn add_needs(&self, needs: &mut Needs) {
        if let Self::Recorded(request) = self {
            request.add_needs(needs);
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
            Self::Recorded(_) => {}
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
pub(super) async fn record(database: &Database, requests: &[Work]) -> Result<Recorded, StoreError> {
    let mut tries = database.tries();
    loop {
        let done = try_to_record(&tries, requests).await;
        if let Some(done) = tries.end(done).await {
            return done;
        }
    }
}

async fn try_to_record(tries: &Tries<'_>, requests: &[Work]) -> Result<Recorded, StoreError> {
    let mut transaction = OpenTransaction::on(tries.client().await?);
    let done = record_and_commit(&mut transaction, requests).await;
    transaction.end().await;
    done
}

/// Takes two round trips, unless installations are new or jobs may be waiting.
async fn record_and_commit(
    transaction: &mut OpenTransaction,
    requests: &[Work],
) -> Result<Recorded, StoreError> {
    let client = transaction.client()?;
    // In this order: what is read belongs to the transaction.
    let (begun, decided) = join!(
        biased;
        transaction.begin(),
        Box::pin(decide(client, requests)),
    );
    first_cause([begun.as_ref().err(), decided.as_ref().err()])?;
    let ((), decided) = (begun?, decided?);
    decided.create_installations(client).await?;
    let statements = decided.statements()?;
    let is_woken = if decided.is_awaited() {
        statements::run(client, &statements, Behind::Nothing).await?;
        let is_woken = decided.wake(client).await?;
        transaction.commit(&[]).await?;
        is_woken
    } else {
        transaction.commit(&statements).await?;
        false
    };
    drop(statements);
    Ok(decided.recorded(is_woken))
}

/// Records batches in the present transaction.
pub(super) async fn record_in(
    transaction: &Transaction<'_>,
    requests: &[Work],
) -> Result<Recorded, StoreError> {
    let decided = Box::pin(decide(transaction, requests)).await?;
    decided.create_installations(transaction).await?;
    statements::run(transaction, &decided.statements()?, Behind::Nothing).await?;
    let is_woken = decided.wake(transaction).await?;
    Ok(decided.recorded(is_woken))
}

/// Reads, and locks, what batches need, and decides what becomes of them.
async fn decide(client: &impl GenericClient, requests: &[Work]) -> Result<Decided, StoreError> {
    let mut needs = Needs::default();
    let mut data_needs = DataNeeds::default();
    for request in requests {
        request.add_needs(&mut needs);
        request.add_data_needs(&mut data_needs);
    }
    let (mut draft, mut data) = read(client, &needs, &data_needs).await?;
    let mut results = Vec::with_capacity(requests.len());
    for request in requests {
        results.push(match request.clone() {
            Work::Recorded(request) => draft.decide(request),
            Work::Visits(batch) => {
                let now = batch.now;
                data.visits.record(draft.upsert(batch), now)
            }
            Work::Calls(batch) => {
                let now = batch.now;
                data.calls.record(draft.upsert(batch), now)
            }
        });
    }
    Ok(Decided {
        results,
        changes: draft.into_changes(),
        visits: data.visits.into_changes(),
        calls: data.calls.into_changes(),
    })
}

/// Reads, and locks, what batches need. The statements go out together.
async fn read(
    client: &impl GenericClient,
    needs: &Needs,
    data_needs: &DataNeeds,
) -> Result<(Draft, Data), StoreError> {
    // Those of visits and calls have a stronger lock.
    let awaited = &data_needs.installations.igrps;
    let plain = needs.igrps.difference(awaited).copied().collect();
    let seen = |kind| keys::find(client, kind, needs.keys(kind));
    let (kept, awaited, plain, events, ratings, leads, jobs, held, visits, calls) = join!(
        biased;
        // What is read of these installations is what they are from then on.
        installations::keep(client, &plain),
        installations::find_shared(client, awaited),
        installations::find_all(client, &plain),
        seen(RecordKind::Event),
        seen(RecordKind::CallRating),
        seen(RecordKind::LeadEnrichment),
        lead_enrichments::find_needed(client, needs),
        quarantine::held(client, needs),
        visits::find_known(client, &data_needs.visits),
        calls::find_known(client, &data_needs.calls),
    );
    first_cause([
        kept.as_ref().err(),
        awaited.as_ref().err(),
        plain.as_ref().err(),
        events.as_ref().err(),
        ratings.as_ref().err(),
        leads.as_ref().err(),
        jobs.as_ref().err(),
        held.as_ref().err(),
        visits.as_ref().err(),
        calls.as_ref().err(),
    ])?;
    let ((), awaited, plain) = (kept?, awaited?, plain?);
    let (events, ratings, leads, jobs, held) = (events?, ratings?, leads?, jobs?, held?);
    let mut draft = Draft::default();
    for installation in awaited.into_iter().chain(plain) {
        draft.know_installation(installation);
    }
    for (digest, seen) in events.into_iter().chain(ratings).chain(leads) {
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

/// What becomes of batches.
struct Decided {
    /// The results of each batch, in order.
    results: Vec<Vec<ItemResult>>,
    changes: Changes,
    visits: BTreeMap<visits::VisitKey, Changed<NewVisit>>,
    calls: BTreeMap<calls::CallKey, Changed<NewCall>>,
}

impl Decided {
    /// Creates and links installations. Somebody else may do so at the same time.
    async fn create_installations(&self, client: &impl GenericClient) -> Result<(), StoreError> {
        for changed in self.changes.installations.values() {
            installations::create_or_link(client, changed).await?;
        }
        Ok(())
    }

    /// The statements that write all the rest, in an order that is the same for
    /// all transactions. Each may be about rows that those before it have
    /// written.
    fn statements(&self) -> Result<Vec<Statement<'_>>, StoreError> {
        let Changes {
            installations: _,
            events,
            ratings,
            jobs,
            warnings,
            keys,
            holds,
            releases,
        } = &self.changes;
        let mut statements = Vec::new();
        statements.extend(keys::writing(keys));
        statements.extend(events::insertion(events)?);
        statements.extend(ratings::placing(ratings)?);
        statements.extend(lead_enrichments::writing(jobs)?);
        statements.extend(visits::writing(&self.visits)?);
        statements.extend(calls::writing(&self.calls));
        add_warnings(&mut statements, warnings)?;
        statements.extend(quarantine::holding(holds)?);
        statements.extend(quarantine::releasing(releases));
        Ok(statements)
    }

    /// Whether there is something that jobs may be waiting for.
    fn is_awaited(&self) -> bool {
        !self.visits.is_empty() || !self.calls.is_empty()
    }

    /// Wakes the jobs that wait for what was written; whether there were any
    /// that may be due.
    async fn wake(&self, client: &impl GenericClient) -> Result<bool, StoreError> {
        let Self { visits, calls, .. } = self;
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
        waking::wake(client, &visitors, &calls, now).await
    }

    fn recorded(self, is_woken: bool) -> Recorded {
        Recorded {
            is_due: is_woken || any_due(&self.changes.jobs),
            has_events: !self.changes.events.is_empty(),
            results: self.results,
        }
    }
}

/// Adds the statements that replace the warnings of records.
fn add_warnings<'a>(
    statements: &mut Vec<Statement<'a>>,
    changed: &'a BTreeMap<(RecordKind, Uuid), Vec<String>>,
) -> Result<(), StoreError> {
    let kinds: BTreeSet<RecordKind> = changed.keys().map(|(kind, _)| *kind).collect();
    for kind in kinds {
        let (table, id_column) = keys::table(kind);
        let of_kind = || changed.iter().filter(move |((of, _), _)| *of == kind);
        let texts: Vec<_> = of_kind()
            .map(|(_, all)| warnings(all))
            .collect::<Result<_, _>>()?;
        let change = Rows::default()
            .column("id", of_kind().map(|((_, id), _)| *id))
            .column("warnings", texts.into_iter())
            .change(
                table,
                "warnings = new.warnings",
                &format!("kept.{id_column} = new.id"),
            );
        statements.extend(change);
    }
    Ok(())
}
