//! From a URL to the record: build, send, explain, look.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::{
    CALL_RATING, EVENTS, Message, Notification, Request, Server, VISITOR, gzip, run, until,
};

/// A message in a file, with the folder that it is in.
pub(super) fn file(message: &Message) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("message.xml");
    std::fs::write(&path, message.xml()).unwrap();
    (folder, path)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn sale() -> Message {
    let notification = Notification::opportunity(1)
        .field("IGRP__c", "61")
        .field("VID__c", VISITOR)
        .field("Name", "Acme deal")
        .field("Amount", "1250.50")
        .field("LastModifiedDate", "2026-05-04T09:08:07.000Z");
    Message::new().with(&notification)
}

#[tokio::test]
async fn a_url_that_was_built_is_one_that_the_gateway_takes() {
    let up = Server::up().await;
    let base = format!("http://{}", up.gateway());
    let built = run([
        "url",
        "events",
        "--base",
        &base,
        "--txv-field=Amount",
        "--currency=GBP",
        "--tz=Europe/London",
        "--c-field=stage=StageName",
    ]);
    let built = built.await;
    let url = built.ok().trim();
    assert_eq!(
        url,
        format!("{base}{EVENTS}?txvField=Amount&txc=GBP&tz=Europe%2FLondon&c_stageField=StageName")
    );
    assert_eq!(run(["url", "check", url]).await.code, Some(0));

    let (_folder, path) = file(&sale());
    let sent = run(["send", text(&path), "--to", url]).await;
    assert!(sent.ok().starts_with("200 OK: acknowledged."), "{sent:?}");
    let sent = run(["send", text(&path), "--to", url, "--json"])
        .await
        .json();
    assert_eq!(
        (&sent["acknowledged"], &sent["status"]),
        (&json!(true), &json!(200))
    );
}

#[tokio::test]
async fn a_message_that_is_refused_is_a_failure_and_says_why() {
    let up = Server::up().await;
    let (_folder, path) = file(&sale());
    let url = format!("http://{}{EVENTS}?vidFeild=X__c", up.gateway());
    let refused = run(["send", text(&path), "--to", &url]).await;
    let told = refused.failed(1);
    for words in ["400", "`vidFeild`", "`vidField`", "request "] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let refused = run(["send", text(&path), "--to", &url, "--json"]).await;
    refused.failed(1);
    let document: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(document["acknowledged"], false);

    let nobody = run(["send", text(&path), "--to", "http://127.0.0.1:1/"]).await;
    assert!(nobody.failed(1).contains("sfbridge up"), "{nobody:?}");
    let no_file = run(["send", "/nonexistent.xml", "--to", &url]).await;
    assert!(
        no_file.failed(1).contains("/nonexistent.xml"),
        "{no_file:?}"
    );
}

#[tokio::test]
async fn an_explanation_says_what_comes_of_a_message_and_writes_nothing() {
    let up = Server::up().await;
    let bad = Notification::opportunity(2)
        .field("IGRP__c", "61")
        .field("VID__c", "nobody");
    let (_folder, path) = file(&sale().with(&bad));
    let url = format!("http://{}{EVENTS}?txvField=Amount", up.gateway());
    let line = format!("explain {} --url {url}", text(&path));
    let alone = up.run(&format!("{line} --offline")).await;
    assert!(alone.ok().contains("The core was not asked"), "{alone:?}");
    let asked = up.run(&line).await;
    assert!(asked.ok().contains("The core was asked"), "{asked:?}");
    for told in [alone.ok(), asked.ok()] {
        for words in [
            "It would become an event.",
            "default field VID__c",
            "INVALID_VISITOR_ID",
            "1250.50",
        ] {
            assert!(told.contains(words), "{words} in {told}");
        }
    }
    for (line, is_asked) in [(format!("{line} --offline"), false), (line.clone(), true)] {
        let explained = up.run(&format!("{line} --json")).await.json();
        assert_eq!(explained["core_asked"], is_asked);
        assert_eq!(explained["not_consulted"].is_null(), is_asked);
        let verdicts = explained["notifications"].as_array().unwrap().iter();
        let verdicts: Vec<_> = verdicts
            .map(|one| one["would_be"].as_str().unwrap())
            .collect();
        assert_eq!(verdicts, ["recorded", "quarantined"]);
    }
    // Of the sender only the organisation is judged, and only by a core.
    let linked = |told: &Value| told["organization_linked"].clone();
    let told = up.run(&format!("{line} --offline --json")).await.json();
    assert!(linked(&told).is_null(), "{told}");
    let told = up.run(&format!("{line} --json")).await.json();
    assert_eq!(linked(&told), false);
    assert!(told["sender"].as_str().unwrap().contains("403"), "{told}");
    for told in [alone.ok(), asked.ok()] {
        assert!(
            told.contains("certificate and token are not known"),
            "{told}"
        );
    }
    // A compressed file says so itself.
    let (_packed_folder, packed) = file(&sale().with(&bad));
    std::fs::write(&packed, gzip(&std::fs::read(&path).unwrap())).unwrap();
    let line_of_packed = format!("explain {} --url {url}", text(&packed));
    for offline in ["", " --offline"] {
        let told = up.run(&format!("{line_of_packed}{offline}")).await;
        for words in [
            "Content-Encoding: gzip",
            "It would become an event.",
            "1250.50",
        ] {
            assert!(told.ok().contains(words), "{words} in {told:?}");
        }
    }
    // Without a core it goes on alone.
    let alone = up.run(&format!("{line} --core http://127.0.0.1:1")).await;
    assert!(alone.ok().contains("The core was not asked"), "{alone:?}");
    let listed = up.run("events list --igrp 61").await;
    assert!(
        listed.ok().contains("There are no such events."),
        "{listed:?}"
    );

    run(["send", text(&path), "--to", &url]).await.ok();
    let again = up.run(&line).await;
    assert!(again.ok().contains("recorded before as"), "{again:?}");

    std::fs::write(&path, "<a>").unwrap();
    let refused = up.run(&line).await;
    assert!(refused.failed(1).contains("line 1, column"), "{refused:?}");
}

#[tokio::test]
async fn events_are_listed_and_shown() {
    let up = Server::up().await;
    let url = format!("{EVENTS}?txvField=Amount&txc=GBP");
    let request = Request::post(&url, sale().xml());
    request.send(up.gateway()).await.assert_acknowledged();

    let listed = up.run("events list --igrp 61").await;
    for words in [
        "2026-05-04T09:08:07Z",
        "Acme deal",
        "1250.5 GBP",
        "UNMATCHED",
    ] {
        assert!(listed.ok().contains(words), "{words} in {listed:?}");
    }
    let listed = up.run("events list --igrp 61 --json").await.json();
    let event = &listed["events"][0];
    assert_eq!(event["transaction_value"], "1250.5");
    let id = event["event_id"].as_str().unwrap();
    let shown = up.run(&format!("events show {id}")).await;
    assert!(shown.ok().contains("title"), "{shown:?}");
    let shown = up.run(&format!("events show {id} --json")).await.json();
    assert_eq!(&shown, event);

    let filtered = up.run("events list --igrp 61 --action other").await;
    assert!(filtered.ok().contains("no such events"), "{filtered:?}");
    let unknown = up
        .run("events show 01a2037e-ea68-72b0-a8c3-85d13aa08e68")
        .await;
    unknown.failed(1);
}

#[tokio::test]
async fn ratings_and_enrichments_are_listed_and_shown() {
    let up = Server::up().await;
    let task = Notification::task(1)
        .field("CallRef__c", "007")
        .field("CallDisposition", "Great");
    let rating = Request::post(
        &format!("{CALL_RATING}?igrp=61"),
        Message::new().with(&task).xml(),
    );
    rating.send(up.gateway()).await.assert_acknowledged();
    let lead = Notification::lead(2).field("VID__c", VISITOR);
    let target = "/callback/v1/salesforce/leadEnrich?igrp=61";
    let enrichment = Request::post(target, Message::new().with(&lead).xml());
    enrichment.send(up.gateway()).await.assert_acknowledged();

    let listed = up.run("ratings list --igrp 61").await;
    assert!(listed.ok().contains("Great"), "{listed:?}");
    let listed = up.run("ratings list --igrp 61 --json").await.json();
    assert_eq!(listed["call_ratings"][0]["call_ref"], "007");
    let shown = up.run("ratings show 007 --igrp 61 --json").await.json();
    assert_eq!(shown, listed["call_ratings"][0]);

    // Nothing is known of the visitor, so the job comes to rest there.
    until(async || {
        let listed = up.run("enrichments list --igrp 61").await;
        listed.ok().contains("WAITING_FOR_DATA").then_some(())
    })
    .await;
    let listed = up.run("enrichments list --igrp 61 --json").await.json();
    let job = &listed["lead_enrichments"][0];
    let id = job["lead_enrichment_id"].as_str().unwrap();
    let shown = up
        .run(&format!("enrichments show {id} --json"))
        .await
        .json();
    assert_eq!(&shown, job);
    for kind in ["visits", "calls"] {
        let listed = up.run(&format!("{kind} list --igrp 61")).await;
        assert!(listed.ok().starts_with("There are no such"), "{listed:?}");
    }
}

#[tokio::test]
async fn installations_are_created_shown_changed_and_deleted() {
    let up = Server::up().await;
    let created = up
        .run("installations create 61 --display-name Acme --time-zone Europe/London --currency GBP --rating-item Great,captures-value --organization-id 00D5g0000004242")
        .await;
    assert!(created.ok().contains("Europe/London"), "{created:?}");
    let again = up.run("installations create 61").await;
    assert!(
        again.failed(1).contains("installations update 61"),
        "{again:?}"
    );

    let updated = up
        .run("installations update 61 --currency EUR --json")
        .await
        .json();
    let shown = up.run("installations show 61 --json").await.json();
    assert_eq!(updated, shown);
    assert_eq!(shown["currency"], "EUR");
    assert_eq!(shown["display_name"], "Acme");
    assert_eq!(shown["rating_items"][0]["captures_value"], true);
    let nothing = up.run("installations update 61").await;
    assert!(nothing.failed(2).contains("--help"), "{nothing:?}");
    let wrong = up
        .run("installations update 61 --time-zone Europe/Atlantis")
        .await;
    assert!(wrong.failed(1).contains("time_zone"), "{wrong:?}");

    let request = Request::post(EVENTS, sale().xml());
    request.send(up.gateway()).await.assert_acknowledged();
    let kept = up.run("installations delete 61").await;
    assert!(kept.failed(1).contains("--force"), "{kept:?}");
    up.run("installations delete 61 --force").await.ok();
    up.run("installations show 61").await.failed(1);
    let listed = up.run("installations list").await;
    assert!(
        listed.ok().contains("There are no such installations"),
        "{listed:?}"
    );
}

#[tokio::test]
async fn wrong_usage_exits_with_2_and_prints_nothing_on_standard_output() {
    for line in [
        "nonsense",
        "up --nonsense",
        "events list",
        "events list --igrp x",
        "events list --igrp 1 --start-time yesterday",
        "events list --igrp 1 --core not-a-url",
        "send",
        "send x.xml --to nowhere",
        "url events --act land",
        "url events --bogus x",
        "explain x.xml",
        "installations create x",
        "quarantine list --reason NONSENSE",
        "keys create --role king",
        "config show --log-format xml",
    ] {
        let ran = run(line.split(' ')).await;
        assert_eq!(ran.code, Some(2), "{line}: {ran:?}");
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{line}: {ran:?}");
    }
}
