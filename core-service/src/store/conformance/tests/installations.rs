//! Installations and API keys.

use std::collections::BTreeSet;

use sfbridge_values::OrganizationId;

use super::given::{
    OTHERS, OURS, at, bad, batch, call, enrich, event, igrp, item, lead, rate, rating, record,
    seven, short, visit, visitor,
};
use crate::domain::{
    ApiKey, AttributionModelId, AttributionModels, Channels, Coverage, CustomModel, Installation,
    ModelKind, NewAttributionModel, NewCriterion, QuarantineState, RejectionReason, Role,
};
use crate::store::{InstallationFilter, PageRequest, Store};

async fn get(store: &Store) -> Option<Installation> {
    store.installation(seven()).await.unwrap()
}

fn linked_to(installation: &Installation) -> Option<&str> {
    installation
        .organization_id
        .as_ref()
        .map(OrganizationId::as_str)
}

pub(super) async fn open_mode_creates_and_links_what_is_used_first(store: &Store) {
    record(store, 1, item(event(""))).await.recorded();
    let created = get(store).await.unwrap();
    assert!(created.is_provisional && linked_to(&created).is_none());
    record(store, 2, item(event("")).from(OURS))
        .await
        .recorded();
    let linked = get(store).await.unwrap();
    assert_eq!(linked_to(&linked), Some(OURS));
    assert_eq!((linked.create_time, linked.update_time), (at(1), at(2)));
    let other = record(store, 3, item(event("")).from(OTHERS)).await;
    assert_eq!(other.rejected().0, RejectionReason::OrganizationNotLinked);
    let both = item(event("")).of(igrp(8)).from(OURS);
    record(store, 4, both).await.recorded();
    // Visits and calls create installations too.
    let visits = [item(visit(visitor(1), 1)).of(igrp(9))];
    store.record_visits(batch(5, visits)).await.unwrap()[0].recorded();
    assert!(store.installation(igrp(9)).await.unwrap().is_some());
}

pub(super) async fn strict_mode_creates_and_links_nothing(store: &Store) {
    let strict = |item| batch(1, [item]).strict();
    let unknown = store.record_events(strict(item(event("")))).await.unwrap();
    assert_eq!(
        unknown[0].rejected().0,
        RejectionReason::UnknownInstallation
    );
    assert!(get(store).await.is_none());
    let calls = batch(1, [item(call("C", None, 1))]).strict();
    let unknown = store.record_calls(calls).await.unwrap();
    assert_eq!(
        unknown[0].rejected().0,
        RejectionReason::UnknownInstallation
    );

    let installation = Installation::provisional(seven(), None, at(1));
    assert!(store.create_installation(installation).await.unwrap());
    let from = store
        .record_events(strict(item(event("")).from(OURS)))
        .await
        .unwrap();
    assert_eq!(from[0].rejected().0, RejectionReason::OrganizationNotLinked);
    assert_eq!(linked_to(&get(store).await.unwrap()), None);
    let direct = store.record_events(strict(item(event("")))).await.unwrap();
    direct[0].recorded();
}

pub(super) async fn a_rejected_item_creates_nothing(store: &Store) {
    let reason = RejectionReason::InvalidDecimal;
    record(store, 1, bad(reason).notified("k")).await.rejected();
    assert!(get(store).await.is_none());
}

/// One record of each kind.
async fn fill(store: &Store) {
    record(store, 1, item(event("")).from(OURS).notified("k"))
        .await
        .recorded();
    rate(store, 1, item(rating("C", "A", 1)).from(OURS).notified("k"))
        .await
        .recorded();
    enrich(store, 1, item(lead(1)).from(OURS).notified("k"))
        .await
        .recorded();
    let visits = batch(1, [item(visit(visitor(1), 1))]);
    store.record_visits(visits).await.unwrap()[0].recorded();
    let calls = batch(1, [item(call("C", None, 1))]);
    store.record_calls(calls).await.unwrap()[0].recorded();
    let reason = RejectionReason::InvalidDecimal;
    record(store, 1, bad(reason).from(OURS).notified("bad"))
        .await
        .quarantined();
}

pub(super) async fn an_installation_with_records_stays_unless_forced(store: &Store) {
    assert_eq!(
        store.delete_installation(seven(), true).await.unwrap(),
        None
    );
    let empty = Installation::provisional(seven(), None, at(1));
    assert!(store.create_installation(empty).await.unwrap());
    assert_eq!(
        store.delete_installation(seven(), false).await.unwrap(),
        Some(true)
    );
    fill(store).await;
    record(store, 1, item(event("")).of(igrp(8)))
        .await
        .recorded();
    assert_eq!(
        store.delete_installation(seven(), false).await.unwrap(),
        Some(false)
    );
    assert!(get(store).await.is_some());
    assert_eq!(
        store.delete_installation(seven(), true).await.unwrap(),
        Some(true)
    );
    assert!(get(store).await.is_none());
    // Another's records stay.
    assert_eq!(super::given::events(store, igrp(8)).await.len(), 1);
}

pub(super) async fn after_a_deletion_everything_is_recorded_anew(store: &Store) {
    fill(store).await;
    // Its quarantine record names no installation, so it outlives the event.
    let mut nobodys = bad(RejectionReason::MissingIgrp).notified("early");
    nobodys.igrp = None;
    let early = record(store, 1, nobodys).await.quarantined();
    let first = record(store, 2, item(event("")).notified("early"))
        .await
        .recorded();
    assert_eq!(
        store.delete_installation(seven(), true).await.unwrap(),
        Some(true)
    );

    fill(store).await;
    let second = record(store, 3, item(event("")).notified("early"))
        .await
        .recorded();
    assert_ne!(second, first);
    let early = store.quarantined(early).await.unwrap().unwrap();
    assert_eq!(early.state, QuarantineState::Recorded);
    assert_eq!(early.resolved_record_id, Some(second));
}

pub(super) async fn an_update_sees_what_was_there(store: &Store) {
    let missing = store
        .update_installation(seven(), Ok::<_, ()>)
        .await
        .unwrap();
    assert!(missing.is_none());
    let installation = Installation::provisional(seven(), None, at(1));
    assert!(
        store
            .create_installation(installation.clone())
            .await
            .unwrap()
    );
    assert!(!store.create_installation(installation).await.unwrap());
    let updates: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let change = |mut kept: Installation| {
                    kept.display_name = short(&format!("{}x", kept.display_name));
                    Ok::<_, ()>(kept)
                };
                store.update_installation(seven(), change).await
            })
        })
        .collect();
    for update in updates {
        update.await.unwrap().unwrap().unwrap().unwrap();
    }
    assert_eq!(
        get(store).await.unwrap().display_name.as_str(),
        "x".repeat(20)
    );
    let refused = store
        .update_installation(seven(), |_| Err("no"))
        .await
        .unwrap();
    assert_eq!(refused.unwrap().unwrap_err(), "no");
    assert_eq!(
        get(store).await.unwrap().display_name.as_str(),
        "x".repeat(20)
    );
}

pub(super) async fn an_installation_keeps_its_models(store: &Store) {
    let model = |id, kind, channels, criteria: &[(&str, &str, &str)]| {
        let criteria = criteria.iter().map(|(field, op, value)| NewCriterion {
            field: (*field).to_owned(),
            op: (*op).to_owned(),
            value: (*value).to_owned(),
        });
        CustomModel::new(NewAttributionModel {
            id: AttributionModelId::new(id).unwrap(),
            display_name: short("Größe \"1\""),
            kind,
            lookback_days: Some(30),
            first_weight: Some(1_000),
            last_weight: None,
            channels,
            criteria: criteria.collect(),
        })
        .unwrap()
    };
    let names = || BTreeSet::from(["PPC".to_owned(), "Newsletter".to_owned()]);
    let criteria = [("campaign", "begins", "uk "), ("href", "re", r"\d+$")];
    let models = vec![
        model(20, ModelKind::Spread, Channels::All, &criteria),
        model(11, ModelKind::First, Channels::Include(names()), &[]),
        model(12, ModelKind::Last, Channels::Exclude(names()), &[]),
        model(13, ModelKind::InfiniteFirst, Channels::All, &[]),
        model(14, ModelKind::InfiniteLast, Channels::All, &criteria),
    ];
    let models = AttributionModels::new(models).unwrap();
    let mut installation = Installation::provisional(seven(), None, at(1));
    installation.attribution_models = models.clone();
    installation.attribution_model_id = AttributionModelId::new(20).unwrap();
    assert!(store.create_installation(installation).await.unwrap());
    let kept = get(store).await.unwrap();
    assert_eq!(kept.attribution_models, models);
    let listed = store.installations(
        InstallationFilter {
            coverage: Coverage::All,
            organization_id: None,
        },
        PageRequest::ALL,
    );
    assert_eq!(listed.await.unwrap().rows[0].attribution_models, models);

    // They work as they did.
    for id in [0, 10, 11, 20] {
        let id = AttributionModelId::new(id).unwrap();
        assert_eq!(kept.attribution_model(id).unwrap().id(), id);
        assert_eq!(kept.model_of_lead(Some(id)).id(), id);
    }
    let unknown = AttributionModelId::new(15).unwrap();
    assert!(kept.attribution_model(unknown).is_none());
    for asked in [None, Some(unknown)] {
        assert_eq!(kept.model_of_lead(asked).id().get(), 20);
    }

    // What records an item writes its installation again.
    record(store, 2, item(event("")).from(OURS))
        .await
        .recorded();
    let linked = get(store).await.unwrap();
    assert_eq!(linked_to(&linked), Some(OURS));
    assert_eq!(linked.attribution_models, models);
}

pub(super) async fn the_last_master_key_stays_unless_forced(store: &Store) {
    let key = |id: &str, role, coverage| ApiKey {
        api_key_id: id.to_owned(),
        display_name: String::new(),
        roles: BTreeSet::from([role]),
        coverage,
        create_time: at(1),
        secret_hash: [0; 32],
    };
    let only_seven = Coverage::Only(BTreeSet::from([seven()]));
    for key in [
        key("a", Role::Admin, Coverage::All),
        key("b", Role::Admin, Coverage::All),
        key("limited", Role::Admin, only_seven.clone()),
        key("reader", Role::Read, Coverage::All),
    ] {
        store.create_api_key(key).await.unwrap();
    }
    let revoke = |id: &str, even_last| store.revoke_api_key(id.to_owned(), even_last);
    assert_eq!(revoke("nobody", false).await.unwrap(), None);
    assert_eq!(revoke("a", false).await.unwrap(), Some(true));
    assert_eq!(revoke("b", false).await.unwrap(), Some(false));
    assert_eq!(revoke("reader", false).await.unwrap(), Some(true));
    let kept = store.api_keys(PageRequest::ALL).await.unwrap().rows;
    let kept: Vec<_> = kept
        .iter()
        .map(|key| (key.api_key_id.as_str(), &key.coverage))
        .collect();
    assert_eq!(kept, [("limited", &only_seven), ("b", &Coverage::All)]);
    assert_eq!(revoke("b", true).await.unwrap(), Some(true));
}
