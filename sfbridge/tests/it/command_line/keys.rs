//! Who may call the core.

use crate::harness::{EVENTS, Message, Notification, Request, Role, Start};

const VARIABLE: &str = "SFBRIDGE_CORE_API_KEY";

#[tokio::test]
async fn once_there_is_a_key_every_command_needs_one() {
    let mut up = Start::new(Role::Up).on_lasting_ports().start().await;
    let empty = up.run("keys list").await;
    assert!(empty.ok().contains("There are no API keys"), "{empty:?}");
    let created = up.run("keys create --role admin --name boss").await;
    let admin = created.ok().trim();
    assert!(!admin.contains(char::is_whitespace), "{created:?}");

    for line in [
        "events list --igrp 1",
        "ratings list --igrp 1",
        "enrichments list --igrp 1",
        "visits list --igrp 1",
        "calls list --igrp 1",
        "installations list",
        "quarantine list",
        "keys list",
    ] {
        let refused = up.run(line).await;
        assert!(refused.failed(1).contains(VARIABLE), "{line}: {refused:?}");
        let wrong = up.run_with(line, &[(VARIABLE, "sfb_wrong_key")]).await;
        assert!(
            !wrong.failed(1).contains("sfb_wrong_key"),
            "{line}: {wrong:?}"
        );
        up.run_with(line, &[(VARIABLE, admin)]).await.ok();
    }
    // The gateway in the same process needs none.
    let notification = Notification::opportunity(1).field("IGRP__c", "81");
    let message = Message::new().with(&notification).xml();
    let request = Request::post(EVENTS, message);
    request.send(up.gateway()).await.assert_acknowledged();

    // A key from a file, and one that may only read one installation.
    let file = up.data_dir().join("key");
    std::fs::write(&file, format!("{admin}\n")).unwrap();
    let with_file = [("SFBRIDGE_CORE_API_KEY_FILE", file.to_str().unwrap())];
    let reader = up
        .run_with("keys create --role read --igrp 81 --json", &with_file)
        .await;
    let reader = reader.json();
    let text = reader["api_key_text"].as_str().unwrap();
    let as_reader = [(VARIABLE, text)];
    up.run_with("events list --igrp 81", &as_reader).await.ok();
    up.run_with("events list --igrp 82", &as_reader)
        .await
        .failed(1);
    up.run_with("installations update 81 --currency GBP", &as_reader)
        .await
        .failed(1);
    up.run_with("keys list", &as_reader).await.failed(1);

    let listed = up.run_with("keys list", &with_file).await;
    for words in ["boss", "admin", "read", "81"] {
        assert!(listed.ok().contains(words), "{words} in {listed:?}");
    }
    let secret = admin.rsplit('_').next().unwrap();
    assert!(!listed.out.contains(secret), "{listed:?}");

    let id = reader["api_key"]["api_key_id"].as_str().unwrap();
    up.run_with(&format!("keys revoke {id}"), &with_file)
        .await
        .ok();
    up.run_with("events list --igrp 81", &as_reader)
        .await
        .failed(1);

    // The last key that can make others goes only while no core runs.
    let id = admin.split('_').nth(1).unwrap();
    up.run_with(&format!("keys revoke {id}"), &with_file)
        .await
        .failed(1);
    let running = up.run(&format!("keys revoke {id} --offline")).await;
    assert!(running.failed(1).contains("stop it first"), "{running:?}");
    up.signal("TERM").await;
    assert_eq!(up.exit_code().await, Some(0));
    up.run(&format!("keys revoke {id} --offline")).await.ok();
    let created = up.run("keys create --offline --role admin").await;
    let created = created.ok().trim();
    let listed = up.run("keys list --offline --json").await.json();
    assert_eq!(listed["api_keys"].as_array().unwrap().len(), 1);
    up.restart().await;
    up.run_with("events list --igrp 81", &[(VARIABLE, created)])
        .await
        .ok();
    up.run("events list --igrp 81").await.failed(1);
}
