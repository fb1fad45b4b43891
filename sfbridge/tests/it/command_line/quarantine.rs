//! The way out of the quarantine.

use crate::harness::{EVENTS, Message, Notification, Request, Server, run};

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
    assert!(preview.ok().contains("would be RECORDED"), "{preview:?}");
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

#[tokio::test]
async fn many_are_replayed_by_what_they_have_in_common_after_a_look_and_a_yes() {
    let up = Server::up().await;
    quarantined(&up, 3).await;
    quarantined(&up, 4).await;
    let line = "quarantine replay --reason missing_igrp --query igrpField=Site__c";
    let count = async || {
        let events = up.run("events list --igrp 71 --json").await.json();
        events["events"].as_array().unwrap().len()
    };
    let looked = up.run(&format!("{line} --dry-run")).await;
    assert!(looked.ok().contains("2 would be recorded"), "{looked:?}");
    // Nobody is there to say yes.
    let asked = up.run(line).await;
    assert!(asked.failed(1).contains("--yes"), "{asked:?}");
    assert!(asked.out.contains("2 would be recorded"), "{asked:?}");
    let asked = up.run(&format!("{line} --json")).await;
    assert!(asked.failed(2).contains("--dry-run"), "{asked:?}");
    assert_eq!(count().await, 0);

    // As they came they would be rejected again.
    let looked = up
        .run("quarantine replay --all --dry-run --json")
        .await
        .json();
    assert_eq!(looked["dry_run"]["rejected"]["MISSING_IGRP"], 2);
    let again = up.run("quarantine replay --all --yes").await;
    assert!(
        again.failed(1).contains("still in the quarantine"),
        "{again:?}"
    );

    let replayed = up.run(&format!("{line} --yes --json")).await.json();
    assert_eq!(replayed["replayed"]["recorded"], 2);
    assert_eq!(replayed["results"].as_array().unwrap().len(), 2);
    assert_eq!(count().await, 2);
    let none = up.run(&format!("{line} --yes")).await;
    assert!(none.ok().contains("no such open"), "{none:?}");
}

#[tokio::test]
async fn a_replay_says_which_ones_and_in_one_way() {
    for line in [
        "quarantine replay",
        "quarantine replay --query igrp=1",
        "quarantine replay x --all",
        "quarantine replay x --igrp 1",
        "quarantine replay --all --igrp 1",
        "quarantine replay --reason NONSENSE",
    ] {
        let ran = run(line.split(' ')).await;
        assert_eq!(ran.code, Some(2), "{line}: {ran:?}");
    }
}
