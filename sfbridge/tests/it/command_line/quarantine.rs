//! The way out of the quarantine.

use crate::harness::{EVENTS, Message, Notification, Request, Server};

/// A notification whose installation nobody can know.
fn message(number: u32) -> Request {
    let notification = Notification::opportunity(number)
        .field("Site__c", "71")
        .field("Name", "Lost and found");
    Request::post(EVENTS, Message::new().with(&notification).xml())
}

/// Has one quarantined, and returns its record.
async fn quarantined(up: &Server, number: u32) -> serde_json::Value {
    message(number)
        .send(up.gateway())
        .await
        .assert_acknowledged();
    let listed = up.run("quarantine list --json").await.json();
    listed["quarantined_notifications"][0].clone()
}

#[tokio::test]
async fn a_quarantined_notification_is_replayed_and_keeps_its_first_receipt() {
    let up = Server::up().await;
    let held = quarantined(&up, 1).await;
    let id = held["quarantined_notification_id"].as_str().unwrap();
    let listed = up.run("quarantine list --reason missing_igrp").await;
    for words in ["MISSING_IGRP", "events", "Opportunity", "OPEN", id] {
        assert!(listed.ok().contains(words), "{words} in {listed:?}");
    }
    let shown = up.run(&format!("quarantine show {id}")).await;
    for words in ["fields.Site__c", "igrpField", "Lost and found"] {
        assert!(shown.ok().contains(words), "{words} in {shown:?}");
    }

    // As it came, it fails again and stays.
    let again = up.run(&format!("quarantine replay {id}")).await;
    assert!(again.failed(1).contains("--query"), "{again:?}");
    let wrong = up
        .run(&format!("quarantine replay {id} --query igrpFeild=Site__c"))
        .await;
    assert!(wrong.failed(2).contains("igrpField"), "{wrong:?}");

    let line = format!("quarantine replay {id} --query igrpField=Site__c");
    let preview = up.run(&format!("{line} --dry-run")).await;
    assert!(preview.ok().contains("would be sent"), "{preview:?}");
    assert!(
        up.run("events list --igrp 71")
            .await
            .ok()
            .contains("no such events")
    );

    let replayed = up.run(&line).await;
    assert!(replayed.ok().contains("RECORDED"), "{replayed:?}");
    let events = up.run("events list --igrp 71 --json").await.json();
    let event = &events["events"][0];
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
    assert_eq!(event["receive_time"], held["receive_time"]);
    assert_eq!(event["event_time"], held["receive_time"]);
    let shown = up.run(&format!("quarantine show {id} --json")).await.json();
    assert_eq!(shown["state"], "QUARANTINE_STATE_REPLAYED");
    assert_eq!(shown["resolved_record_id"], event["event_id"]);

    // Neither a second replay nor a late delivery doubles it or opens it again.
    up.run(&line).await.ok();
    message(1).send(up.gateway()).await.assert_acknowledged();
    let listed = up.run("quarantine list").await;
    assert!(listed.ok().contains("There are no such"), "{listed:?}");
    let events = up.run("events list --igrp 71 --json").await.json();
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_quarantined_notification_is_discarded_and_stays_readable() {
    let up = Server::up().await;
    let held = quarantined(&up, 2).await;
    let id = held["quarantined_notification_id"].as_str().unwrap();
    let discarded = up.run(&format!("quarantine discard {id}")).await;
    assert_eq!(discarded.ok(), "Discarded 1.\n");
    let listed = up.run("quarantine list").await;
    assert!(listed.ok().contains("There are no such"), "{listed:?}");
    let listed = up.run("quarantine list --show-resolved").await;
    assert!(listed.ok().contains("DISCARDED"), "{listed:?}");
    let shown = up.run(&format!("quarantine show {id} --json")).await.json();
    assert_eq!(shown["fields"]["Name"], "Lost and found");
}
