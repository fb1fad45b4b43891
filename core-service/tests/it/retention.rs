//! A core deletes what was kept long enough, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use core_service::domain::{
    Coverage, GivenCurrency, GivenTime, Keeping, MatchMode, NewEvent, Periods, Retention,
};
use core_service::recording::{Batch, Item, UnknownInstallations};
use core_service::store::Store;
use core_service::{ExpiringConfig, StoreMetrics};
use sfbridge_proto::v1 as pb;
use sfbridge_values::{Action, Igrp, LongText, Timestamp};

use crate::harness::{Setup, until};

/// Records an event that was received at a time.
async fn record(store: &Store, title: &str, now: Timestamp) {
    let event = NewEvent {
        action: Action::sale(),
        visitor_id: None,
        call_ref: None,
        title: LongText::cut(title.to_owned()).0,
        value: None,
        transaction_value: None,
        currency: GivenCurrency::Absent,
        transaction_ref: None,
        time: GivenTime::RECEIVED,
        match_mode: MatchMode::Exact,
        source_phone_number: None,
        call_start_time: None,
        attributes: BTreeMap::new(),
        warnings: Vec::new(),
        origin: None,
    };
    let item = Item {
        igrp: Some(Igrp::new(7).unwrap()),
        organization_id: None,
        content: Ok(event),
        idempotency_key: None,
        notification: None,
    };
    let batch = Batch {
        items: vec![item],
        unknown_installations: UnknownInstallations::Create,
        coverage: Coverage::All,
        now,
    };
    store.record_events(batch).await.unwrap();
}

#[tokio::test]
async fn what_is_older_than_it_is_to_be_kept_goes_and_is_counted() {
    let mut setup = Setup::new();
    let (store, _) = Store::open(&setup.store(), StoreMetrics::default())
        .await
        .unwrap();
    record(&store, "old", Timestamp::from_micros(1_000_000)).await;
    #[expect(clippy::disallowed_methods, reason = "a record of now is wanted")]
    let now = chrono::Utc::now().timestamp_micros();
    record(&store, "young", Timestamp::from_micros(now)).await;
    store.close().await;

    setup.expiring = ExpiringConfig {
        retention: Retention::new(Periods {
            events: Keeping::Days(365),
            ..Periods::default()
        })
        .unwrap(),
        first_round: Duration::from_millis(1),
        between_rounds: Duration::from_millis(1),
    };
    let core = setup.start().await.unwrap();
    let client = core.client().await;
    let titles = async || {
        let request = pb::ListEventsRequest {
            igrp: 7,
            ..Default::default()
        };
        let page = client.events().list_events(request).await.unwrap();
        let events = page.into_inner().events.into_iter();
        events.map(|event| event.title).collect::<Vec<_>>()
    };
    until(async || titles().await == ["young"]).await;
    let counted = "expired_total{record=\"event\"}";
    until(async || core.counter(counted) == 1).await;
    core.stop().await;
}
