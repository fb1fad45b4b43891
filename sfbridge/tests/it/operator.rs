//! What operators and their machines rely on.

use std::fs;
use std::net::TcpListener;

use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use tokio::net::TcpStream;

use crate::harness::{
    CoreCaller, EVENTS, Message, Notification, Request, Role, Server, Start, run, run_with, until,
};

fn message() -> String {
    let notification = Notification::opportunity(1).field("IGRP__c", "31");
    Message::new().with(&notification).xml()
}

async fn readiness(server: &Server) -> (u16, String) {
    let answer = Request::get("/readyz").send(server.operator()).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_process_says_that_it_lives_that_it_is_ready_and_what_it_counts() {
    let up = Server::up().await;
    let answer = async |target| Request::get(target).send(up.operator()).await;
    let healthz = answer("/healthz").await;
    assert_eq!((healthz.status, healthz.body.as_str()), (200, "ok\n"));
    assert_eq!(readiness(&up).await, (200, "ready\n".to_owned()));
    assert_eq!(answer("/nothing").await.status, 404);
    let posted = Request::new("POST", "/healthz").send(up.operator()).await;
    assert_eq!(posted.status, 405);

    let sent = Request::post(EVENTS, message()).send(up.gateway()).await;
    sent.assert_acknowledged();
    let metrics = answer("/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    assert!(metrics.body.ends_with("# EOF\n"));
    for line in ["sfbridge_store_commits_total 1", "outcome=\"recorded\""] {
        assert!(metrics.body.contains(line), "{line} in {}", metrics.body);
    }
}

#[tokio::test]
async fn addresses_are_written_when_everything_accepts_and_removed_at_the_end() {
    let up = Server::up().await;
    let core = Server::core().await;
    let gateway = Server::gateway_of(&core).await;
    for (mut server, roles) in [
        (up, ["core", "gateway", "operator"].as_slice()),
        (gateway, &["gateway", "operator"]),
        (core, &["core", "operator"]),
    ] {
        let text = fs::read_to_string(server.addresses_file()).unwrap();
        let addresses: Value = serde_json::from_str(&text).unwrap();
        let addresses = addresses.as_object().unwrap();
        let mut names: Vec<_> = addresses.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, roles);
        for address in addresses.values() {
            TcpStream::connect(address.as_str().unwrap()).await.unwrap();
        }
        server.signal("TERM").await;
        assert_eq!(server.exit_code().await, Some(0));
        assert!(!server.addresses_file().exists());
    }
}

#[tokio::test]
async fn a_gateway_without_its_core_is_not_ready_and_acknowledges_nothing() {
    let mut core = Start::new(Role::Core).on_lasting_ports().start().await;
    let gateway = Server::gateway_of(&core).await;
    assert_eq!(readiness(&gateway).await.0, 200);
    let request = Request::post(EVENTS, message());
    request.send(gateway.gateway()).await.assert_acknowledged();

    core.kill().await;
    let (status, reason) = readiness(&gateway).await;
    assert_eq!(status, 503);
    assert!(reason.contains("core"), "{reason}");
    let refused = request.send(gateway.gateway()).await;
    refused.assert_fault(503);
    assert!(refused.header("retry-after").is_some());
    // It lives all the same: restarting it would help nobody.
    let healthz = Request::get("/healthz").send(gateway.operator()).await;
    assert_eq!(healthz.status, 200);

    core.restart().await;
    until(async || (readiness(&gateway).await.0 == 200).then_some(())).await;
    request.send(gateway.gateway()).await.assert_acknowledged();
    let events = CoreCaller::of(core.core_address()).events(31).await;
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn a_gateway_starts_without_its_core_and_works_once_there_is_one() {
    let mut core = Start::new(Role::Core).on_lasting_ports().start().await;
    core.kill().await;
    let gateway = Server::gateway_of(&core).await;
    assert_eq!(readiness(&gateway).await.0, 503);
    core.restart().await;
    until(async || (readiness(&gateway).await.0 == 200).then_some(())).await;
    let request = Request::post(EVENTS, message());
    request.send(gateway.gateway()).await.assert_acknowledged();
}

#[tokio::test]
async fn a_taken_port_is_named_and_nothing_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for flag in ["gateway-listen", "core-listen", "operator-listen"] {
        let start = Start::new(Role::Up).flag(flag, address);
        let (code, told) = start.end().await;
        assert_eq!(code, Some(1), "{told}");
        for words in [address.to_string(), format!("--{flag}")] {
            assert!(told.contains(&words), "{words} in {told}");
        }
    }
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused_and_the_first_unharmed() {
    let up = Server::up().await;
    let second = Start::new(Role::Core).data(up.data_dir());
    let (code, told) = second.end().await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("another process"), "{told}");
    assert!(up.addresses_file().exists());
    let sent = Request::post(EVENTS, message()).send(up.gateway()).await;
    sent.assert_acknowledged();
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_is_told() {
    // In blocks of 512 bytes or of 1024, as the shell has it.
    let full = "trap '' XFSZ; ulimit -f 1200";
    let up = Start::new(Role::Up).after(full).start().await;
    let padding = "x".repeat(20_000);
    let mut number = 0;
    let refused = until(async || {
        number += 1;
        let notification = Notification::opportunity(number).field("VID__c", &padding);
        let message = Message::new().with(&notification).xml();
        let answer = Request::post(EVENTS, message).send(up.gateway()).await;
        (!answer.is_acknowledgement()).then_some(answer)
    });
    let refused = refused.await;
    refused.assert_fault(503);
    assert!(refused.header("retry-after").is_some());

    let (status, reason) = readiness(&up).await;
    assert_eq!(status, 503);
    assert!(reason.contains("store"), "{reason}");
    // What is there can still be read.
    let core = CoreCaller::of(up.core_address());
    assert!(!core.quarantined("").await.is_empty());
}

#[tokio::test]
async fn a_core_beyond_this_machine_needs_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let beyond = || {
        Start::new(Role::Core)
            .data(folder.path())
            .flag("core-listen", "0.0.0.0:0")
    };
    let (code, told) = beyond().end().await;
    assert_eq!(code, Some(1), "{told}");
    for words in ["0.0.0.0:", "keys create"] {
        assert!(told.contains(words), "{words} in {told}");
    }

    let data = folder.path().to_str().unwrap();
    let created = run([
        "keys",
        "create",
        "--offline",
        "--role=read",
        "--data-dir",
        data,
    ])
    .await;
    let key = created.ok().trim().to_owned();
    let core = beyond().start().await;
    let list = ["events", "list", "--igrp=1", "--data-dir", data];
    let refused = run(list).await;
    assert!(refused.failed(1).contains("API key"), "{refused:?}");
    run_with(list, &[("SFBRIDGE_CORE_API_KEY", &key)])
        .await
        .ok();
    drop(core);
}

#[tokio::test]
async fn strict_mode_refuses_whom_nobody_has_linked() {
    let start = Start::new(Role::Up).variable("SFBRIDGE_INSTALLATIONS", "strict");
    let up = start.start().await;
    let request = Request::post(EVENTS, message());
    request.send(up.gateway()).await.assert_fault(403);

    let core = CoreCaller::of(up.core_address());
    core.create_installation(pb::Installation {
        igrp: 31,
        organization_id: "00D5g0000004242".to_owned(),
        ..Default::default()
    })
    .await;
    // A gateway keeps what it knows of an organisation for up to 5 seconds.
    let taken = until(async || {
        let answer = request.send(up.gateway()).await;
        answer.is_acknowledgement().then_some(())
    });
    taken.await;
    assert_eq!(core.events(31).await.len(), 1);
}

#[tokio::test]
async fn what_is_printed_at_the_start_works_as_it_stands() {
    let up = Server::up().await;
    let greeting = up.greeting();
    assert!(greeting.contains(&up.gateway().to_string()), "{greeting}");
    let line = |start: &str| {
        let line = greeting.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no {start} in {greeting}"))
            .to_owned()
    };
    let curl = line("curl ");
    let data = curl.split("--data-binary '").nth(1).unwrap();
    let target = curl.split(&up.gateway().to_string()).nth(1).unwrap();
    let target = target.split('\'').next().unwrap();
    let message = data.trim_end_matches('\'');
    let sent = Request::post(target, message).send(up.gateway()).await;
    sent.assert_acknowledged();

    let list = line(env!("CARGO_BIN_EXE_sfbridge"));
    let listed = run(list.split(' ').skip(1)).await;
    assert!(listed.ok().contains("My first sale"), "{listed:?}");
}

#[tokio::test]
async fn nothing_personal_and_no_secret_is_logged() {
    let start = Start::new(Role::Up)
        .flag("log", "trace,h2=info,hyper=info,tower=info")
        .flag("log-format", "json");
    let mut up = start.start().await;
    let notification = Notification::opportunity(1)
        .field("IGRP__c", "31")
        .field("Name", "Zebedee Quux")
        .field("VID__c", "zebedee@example.com");
    let xml = Message::new().with(&notification).xml();
    let xml = xml.replace(
        "<SessionId xsi:nil=\"true\"/>",
        "<SessionId>00Dsession!secret</SessionId>",
    );
    let target = format!("{EVENTS}?token=tok3n-secret&title=quux-title&zzz=quux-value");
    let refused = Request::post(&target, xml.clone());
    refused.send(up.gateway()).await.assert_fault(400);
    let target = format!("{EVENTS}?token=tok3n-secret&title=quux-title");
    let sent = Request::post(&target, xml).send(up.gateway()).await;
    sent.assert_acknowledged();
    up.signal("TERM").await;
    assert_eq!(up.exit_code().await, Some(0));

    let log = up.log();
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert!(log.contains("message acknowledged"), "{log}");
    let lower = log.to_lowercase();
    for secret in ["zebedee", "quux", "00dsession", "tok3n"] {
        assert!(!lower.contains(secret), "{secret} in {log}");
    }
    // Kept where it belongs, but for the session id.
    let held = fs::read(up.data_dir().join("sfbridge.db")).unwrap();
    let has = |text: &str| {
        held.windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
    };
    assert!(has("Zebedee Quux"));
    assert!(!has("00Dsession"));
    assert!(!has("tok3n"));
}

#[tokio::test]
async fn the_log_says_of_each_message_who_sent_it_and_what_came_of_it() {
    let mut up = Start::new(Role::Up)
        .flag("log-format", "json")
        .start()
        .await;
    let notification = Notification::opportunity(1).field("IGRP__c", "31");
    let xml = Message::new().with(&notification).xml();
    for (target, status) in [
        (EVENTS.to_owned(), 200),
        (format!("{EVENTS}?vidFeild=X"), 400),
    ] {
        let answer = Request::post(&target, xml.clone()).send(up.gateway()).await;
        assert_eq!(answer.status, status);
    }
    up.signal("TERM").await;
    assert_eq!(up.exit_code().await, Some(0));

    let log = up.log();
    let line = |message: &str| -> Value {
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut lines = lines.filter(|line: &Value| line["message"] == message);
        lines
            .next()
            .unwrap_or_else(|| panic!("no {message} in {log}"))
    };
    let recorded = line("message acknowledged");
    assert_eq!(recorded["endpoint"], "events");
    assert_eq!(recorded["client"], "127.0.0.1");
    assert_eq!(recorded["organization"], "00D5g0000004242");
    assert_eq!(recorded["notifications"], 1);
    assert_eq!(
        (&recorded["status"], &recorded["recorded"]),
        (&200.into(), &1.into())
    );
    assert!(recorded["duration_us"].is_u64(), "{recorded}");
    let refused = line("message refused");
    assert_eq!(refused["reason"], "INVALID_PARAMETER");
    assert_eq!(
        (&refused["status"], &refused["parameter"]),
        (&400.into(), &"vidFeild".into())
    );
    for line in [recorded, refused] {
        assert!(line["span"]["request_id"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_wrong_usage() {
    for (start, words) in [
        (
            Start::new(Role::Up).flag("gateway-listen", "nowhere"),
            "--gateway-listen",
        ),
        (
            Start::new(Role::Up).variable("SFBRIDGE_GATEWAY_LISTN", "x"),
            "GATEWAY_LISTEN",
        ),
        (Start::new(Role::Core).flag("store", "mysql://x"), "store"),
        (
            Start::new(Role::Up).flag("config", "/nonexistent.toml"),
            "/nonexistent.toml",
        ),
    ] {
        let (code, told) = start.end().await;
        assert_eq!(code, Some(2), "{told}");
        assert!(
            told.to_lowercase().contains(&words.to_lowercase()),
            "{words} in {told}"
        );
    }
}

#[tokio::test]
async fn flags_come_before_variables_and_variables_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sfbridge.toml");
    fs::write(
        &file,
        "log = \"warn\"\nlog_format = \"json\"\nshutdown_deadline = \"1s\"\n",
    )
    .unwrap();
    let shown = run_with(
        [
            "config",
            "show",
            "--json",
            "--shutdown-deadline=3s",
            "--config",
            file.to_str().unwrap(),
        ],
        &[
            ("SFBRIDGE_LOG_FORMAT", "text"),
            ("SFBRIDGE_SHUTDOWN_DEADLINE", "2s"),
            ("SFBRIDGE_CORE_API_KEY", "s3cret"),
        ],
    );
    let shown = shown.await;
    let text = shown.ok();
    assert!(!text.contains("s3cret"), "{text}");
    let shown = shown.json();
    let value = |key: &str| shown[key]["value"].clone();
    assert_eq!(value("log"), json!("warn"), "{shown}");
    assert_eq!(value("log_format"), json!("text"));
    assert_eq!(value("shutdown_deadline"), json!("3s"));
}
