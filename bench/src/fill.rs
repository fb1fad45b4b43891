//! Filling a store with events of the past.
//!
//! The core's own store is asked, with all that it makes durable and looks for.
//! So what is filled is what a core would have recorded, on either store, and
//! what is there already is not recorded again.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use core_service::StoreMetrics;
use core_service::domain::{
    Coverage, GivenCurrency, GivenTime, MatchMode, NewEvent, Origin, TimeSource,
};
use core_service::recording::{Batch, IdempotencyKey, Item, ItemResult, UnknownInstallations};
use core_service::store::Store;
use sfbridge_bench::shape;
use sfbridge_values::{
    Action, CallRef, Currency, Decimal, Igrp, LongText, OrganizationId, ShortText, Timestamp,
    VisitorId,
};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Fill;
use crate::report::line;

/// Events in a transaction: as many as a request to the core may hold.
const BATCH: u64 = 1_000;

/// Transactions that are under way at once.
const AT_ONCE: usize = 4;

/// Records events numbered from 0 on, the last ones now.
pub(crate) async fn fill(asked: &Fill) -> anyhow::Result<()> {
    let (store, _) = Store::open(&asked.store, StoreMetrics::default()).await?;
    let filled = record(&store, asked).await;
    store.close().await;
    filled
}

async fn record(store: &Store, asked: &Fill) -> anyhow::Result<()> {
    let start = Instant::now();
    #[expect(
        clippy::disallowed_methods,
        reason = "events are of the days up to now"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let span = Duration::from_hours(24) * asked.days;
    let first = now.saturating_sub(span);
    let mut under_way = JoinSet::new();
    let mut recorded = 0;
    for begin in (0..asked.events).step_by(usize::try_from(BATCH)?) {
        if under_way.len() >= AT_ONCE {
            recorded += end_one(&mut under_way).await?;
        }
        let end = (begin + BATCH).min(asked.events);
        #[expect(clippy::cast_precision_loss, reason = "a time is wanted about right")]
        let time = first + span.mul_f64(begin as f64 / asked.events as f64);
        let time = Timestamp::from_micros(i64::try_from(time.as_micros())?);
        if begin.is_multiple_of(100_000) {
            store.make_room(time).await?;
        }
        let items = (begin..end).map(|number| item(number, time, asked.installations));
        let batch = Batch {
            items: items.collect::<Result<_, _>>()?,
            unknown_installations: UnknownInstallations::Create,
            coverage: Coverage::All,
            now: time,
        };
        let store = store.clone();
        under_way.spawn(async move { Ok(store.record_events(batch).await?) });
        if end.is_multiple_of(500_000) {
            line(&format!(
                "{end} events, {:.0} s",
                start.elapsed().as_secs_f64()
            ));
        }
    }
    while !under_way.is_empty() {
        recorded += end_one(&mut under_way).await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    line(&format!(
        "{recorded} of {} events are new; {seconds:.0} s",
        asked.events
    ));
    Ok(())
}

/// Waits for a transaction, and says how many events were new.
async fn end_one(
    under_way: &mut JoinSet<anyhow::Result<Vec<ItemResult>>>,
) -> anyhow::Result<usize> {
    let ended = under_way.join_next().await.context("none is under way")?;
    let results = ended??;
    let is_new = |result: &&ItemResult| matches!(result, ItemResult::Recorded(_));
    let refused = results
        .iter()
        .find(|result| matches!(result, ItemResult::Rejected { .. }));
    ensure!(refused.is_none(), "an event was refused: {refused:?}");
    Ok(results.iter().filter(is_new).count())
}

/// The event of a number, as the gateway would send it.
fn item(number: u64, time: Timestamp, installations: u32) -> anyhow::Result<Item<NewEvent>> {
    let igrp = shape::igrp_of(number, installations);
    let organization = shape::organization(igrp);
    let notification = format!("04l5g{number:010}");
    let key = format!("{organization}/{notification}/events/{igrp:032x}");
    let has = |of, percent| shape::chance(number, of) % 100 < percent;
    let visitor = shape::visitor_of(number);
    let value = shape::chance(number, 10) % 1_000_000;
    let actions = ["sale", "opportunity", "lead"];
    let action = actions[usize::try_from(shape::chance(number, 11) % 3)?];
    // It happened a while before Salesforce told of it.
    let before = i64::try_from(shape::chance(number, 12) % 3_600_000_000)?;
    let event_time = Timestamp::from_micros(time.micros() - before);
    let call = format!("{:08x}", shape::chance(number, 13) >> 32);
    let event = NewEvent {
        action: Action::parse(action)?,
        visitor_id: has(7, 70).then(|| VisitorId::from_bytes(visitor.into_bytes())),
        call_ref: has(8, 30).then(|| CallRef::parse(&call)).transpose()?,
        title: LongText::cut(format!("Renewal {number}")).0,
        value: None,
        transaction_value: has(9, 60)
            .then(|| Decimal::read(&format!("{}.{:02}", value / 100, value % 100)))
            .transpose()?
            .map(|read| read.decimal),
        currency: GivenCurrency::Fallback(Currency::parse("GBP")?),
        transaction_ref: Some(ShortText::new(&format!("R-{number}"))?),
        time: GivenTime::new(event_time, TimeSource::LastModifiedDate),
        match_mode: MatchMode::Exact,
        source_phone_number: None,
        call_start_time: None,
        attributes: BTreeMap::new(),
        warnings: Vec::new(),
        origin: Some(Origin {
            organization_id: Some(ShortText::new(&organization)?),
            action_id: Some(ShortText::new("04k5g0000000077AAA")?),
            notification_id: Some(ShortText::new(&notification)?),
            object_type: Some(ShortText::new("Opportunity")?),
            record_id: Some(ShortText::new(&shape::record_of(number))?),
        }),
    };
    Ok(Item {
        igrp: Some(Igrp::new(igrp.into())?),
        organization_id: Some(OrganizationId::parse(&organization)?),
        content: Ok(event),
        idempotency_key: Some(IdempotencyKey::of_notification(ShortText::new(&key)?)),
        notification: None,
    })
}
