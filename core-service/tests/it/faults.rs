//! Where an item has several faults, the first in the order of the contract is
//! its reason.

use proptest::prelude::*;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::RejectionReason as Reason;

use crate::harness::{Client, TestCore, event};

const OURS: &str = "00D000000000062EAA";
const OTHERS: &str = "00D000000000063EAA";

/// A way to spoil an event, and the reason it gives; in the order of reasons.
type Fault = (Reason, fn(&mut pb::Event, &mut pb::Notification));

fn sender_says(notification: &mut pb::Notification, reason: Reason) {
    // The sender names one fault, the first that it finds.
    notification.rejection.get_or_insert_with(|| pb::Rejection {
        reason: reason.into(),
        ..Default::default()
    });
}

const FAULTS: [Fault; 8] = [
    (Reason::RecordGone, |_, notification| {
        sender_says(notification, Reason::RecordGone);
    }),
    (Reason::MalformedNotification, |_, notification| {
        sender_says(notification, Reason::MalformedNotification);
    }),
    (Reason::UnknownInstallation, |event, _| event.igrp = 99),
    (Reason::OrganizationNotLinked, |event, _| {
        OTHERS.clone_into(&mut event.salesforce.get_or_insert_default().organization_id);
    }),
    (Reason::InvalidVisitorId, |event, _| {
        event.visitor_id.push('x');
    }),
    (Reason::InvalidTimestamp, |event, _| {
        event.event_time = Some(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        });
    }),
    (Reason::InvalidDecimal, |event, _| event.value.push('x')),
    (Reason::ReservedAction, |event, _| {
        event.action.push_str("land");
    }),
];

async fn linked(core: &TestCore) -> Client {
    let client = core.client().await;
    let create = pb::CreateInstallationRequest {
        installation: Some(pb::Installation {
            igrp: 7,
            organization_id: OURS.to_owned(),
            ..Default::default()
        }),
    };
    client
        .installations()
        .create_installation(create)
        .await
        .unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_fault_in_the_order_of_reasons_is_the_reason() {
    let core = TestCore::start().await;
    let client = linked(&core).await;
    tokio::task::block_in_place(|| {
        let config = ProptestConfig {
            cases: 100,
            failure_persistence: None,
            ..Default::default()
        };
        proptest!(config, |(batch in prop::collection::vec(any::<[bool; 8]>(), 1..8))| {
            let mut events = Vec::new();
            let mut notifications = Vec::new();
            for faults in &batch {
                let mut event = event("");
                OURS.clone_into(&mut event.salesforce.get_or_insert_default().organization_id);
                let mut notification = pb::Notification::default();
                for (_, (_, spoil)) in faults.iter().zip(FAULTS).filter(|(is_in, _)| **is_in) {
                    spoil(&mut event, &mut notification);
                }
                events.push(event);
                notifications.push(notification);
            }
            let request = pb::RecordEventsRequest {
                events,
                notifications,
                unknown_installations: pb::UnknownInstallations::Reject.into(),
                validate_only: false,
            };
            let answer = tokio::runtime::Handle::current().block_on(async {
                client.events().record_events(request).await.unwrap().into_inner()
            });
            for (faults, result) in batch.iter().zip(answer.results) {
                let first = faults.iter().zip(FAULTS).find(|(is_in, _)| **is_in);
                let expected = first.map(|(_, (reason, _))| reason);
                let given = result.rejection.as_ref().map(pb::Rejection::reason);
                prop_assert_eq!(given, expected);
                prop_assert_eq!(result.quarantined_notification_id.is_empty(), given.is_none());
            }
        });
    });
}

#[tokio::test]
async fn an_item_without_an_installation_says_which_way() {
    let core = TestCore::start().await;
    let client = core.client().await;
    for (igrp, reason) in [
        (0, Reason::MissingIgrp),
        (-1, Reason::InvalidIgrp),
        (i64::MIN, Reason::InvalidIgrp),
        ((1 << 53) + 1, Reason::InvalidIgrp),
    ] {
        let event = pb::Event { igrp, ..event("") };
        let result = client.record(vec![event]).await.remove(0);
        assert_eq!(result.rejection.unwrap().reason(), reason, "{igrp}");
    }
}
