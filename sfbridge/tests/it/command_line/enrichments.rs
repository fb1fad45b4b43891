//! Lead enrichments: listed, shown, retried and cancelled.

use crate::harness::{Message, Notification, Request, Server, VISITOR, run, until};

/// A process with one lead enrichment that waits for data, and its id.
async fn with_one() -> (Server, String) {
    let up = Server::up().await;
    let lead = Notification::lead(1).field("VID__c", VISITOR);
    let target = "/callback/v1/salesforce/leadEnrich?igrp=62";
    let request = Request::post(target, Message::new().with(&lead).xml());
    request.send(up.gateway()).await.assert_acknowledged();
    let id = until(async || {
        let listed = up.run("enrichments list --igrp 62 --json").await.json();
        let job = &listed["lead_enrichments"][0];
        let waits = job["state"] == "LEAD_ENRICHMENT_STATE_WAITING_FOR_DATA";
        waits.then(|| job["lead_enrichment_id"].as_str().unwrap().to_owned())
    })
    .await;
    (up, id)
}

#[tokio::test]
async fn an_enrichment_is_cancelled_and_retried_and_each_answer_says_what_is_next() {
    let (up, id) = with_one().await;
    let cancelled = up.run(&format!("enrichments cancel {id}")).await;
    for words in [&id, "CANCELLED", "`retry` opens it again"] {
        assert!(cancelled.ok().contains(words), "{words} in {cancelled:?}");
    }
    let shown = up.run(&format!("enrichments show {id}")).await;
    let told = shown.ok();
    assert!(told.starts_with("CANCELLED\n"), "{told}");
    for words in ["`retry` opens it again", VISITOR, "WAITED_FOR_DATA"] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let again = up
        .run(&format!("enrichments cancel {id} --json"))
        .await
        .json();
    assert_eq!(again["state"], "LEAD_ENRICHMENT_STATE_CANCELLED");

    let retried = up
        .run(&format!("enrichments retry {id} --json"))
        .await
        .json();
    assert_eq!(retried["lead_enrichment_id"], id.as_str());
    assert_eq!(retried["state"], "LEAD_ENRICHMENT_STATE_PENDING");
    let missing = "01a2037e-ea68-72b0-a8c3-85d13aa08e68";
    for verb in ["retry", "cancel"] {
        let ran = up.run(&format!("enrichments {verb} {missing}")).await;
        assert!(ran.failed(1).contains(missing), "{ran:?}");
    }
}

#[tokio::test]
async fn enrichments_are_listed_by_their_state() {
    let (up, id) = with_one().await;
    up.run(&format!("enrichments cancel {id}")).await.ok();
    let listed = up.run("enrichments list --igrp 62 --state cancelled").await;
    assert!(listed.ok().contains(&id), "{listed:?}");
    let listed = up.run("enrichments list --igrp 62 --state FAILED").await;
    assert!(listed.ok().contains("There are no such"), "{listed:?}");
    let wrong = run("enrichments list --igrp 62 --state FALED".split(' ')).await;
    assert!(wrong.failed(2).contains("FAILED"), "{wrong:?}");
}
