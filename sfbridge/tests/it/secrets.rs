//! Secrets and personal data, and where they must not turn up.
//!
//! Every secret in what is sent here holds [`SECRET`], everything personal
//! [`PERSONAL`]: one search finds what was told of any.

use std::fs;
use std::path::Path;

use crate::harness::{
    Answer, CALL_RATING, EVENTS, Message, Notification, PretendOrg, Request, Role, Server, Start,
    run_with, until,
};

/// In what nobody may keep or tell: session ids, tokens, keys, headers.
const SECRET: &str = "zqzqsecret";
/// In what only records may hold, and only the core's store keeps.
const PERSONAL: &str = "zqzqperson";
/// In both.
const EITHER: &str = "zqzq";

const API_KEY: &str = "SFBRIDGE_CORE_API_KEY";

/// A notification about a person; of installation 31 unless that is left out.
fn person(number: u32) -> Notification {
    Notification::lead(number)
        .field("FirstName", &format!("{PERSONAL}-first"))
        .field("LastName", &format!("{PERSONAL}-last"))
        .field("Email", &format!("{PERSONAL}@example.com"))
        .field("Phone", &format!("+44 20 7946 {PERSONAL}"))
        .xml(&format!(
            "<sf:Address__c><sf:street>{PERSONAL}-street</sf:street></sf:Address__c>"
        ))
        .xml(&format!(
            "<sf:Nil__c xsi:nil=\"true\">{PERSONAL}-nil</sf:Nil__c>"
        ))
}

fn xml(notification: &Notification) -> String {
    let xml = Message::new().with(notification).xml();
    let session = format!("<SessionId>00D!{SECRET}-session</SessionId>");
    let url = format!("?sid={SECRET}-url</EnterpriseUrl>");
    xml.replace("<SessionId xsi:nil=\"true\"/>", &session)
        .replace("</EnterpriseUrl>", &url)
}

fn recorded(number: u32) -> String {
    let title = format!("{PERSONAL}-title");
    xml(&person(number).field("IGRP__c", "31").field("Name", &title))
}

/// A request with everything secret that a header or a URL may hold.
fn post(path: &str, query: &str, body: impl Into<Vec<u8>>) -> Request {
    let target = format!("{path}?token={SECRET}-token{query}");
    Request::post(&target, body)
        .header("Authorization", &format!("Basic {SECRET}-authorization"))
        .header("Proxy-Authorization", &format!("{SECRET}-proxy"))
        .header("Cookie", &format!("session={SECRET}-cookie"))
        .header("X-Api-Key", &format!("{SECRET}-x-api-key"))
        .header(&format!("X-{SECRET}-name"), "1")
        .header("User-Agent", &format!("{SECRET}-agent"))
        .header("SOAPAction", &format!("{SECRET}-action"))
}

/// What is sent, and the status that it is answered with.
fn requests() -> Vec<(Request, u16)> {
    let good = || recorded(1);
    let cut = good().split("</Notification>").next().unwrap().to_owned();
    let stranger = || Message::of("00D5g0000009999EAA").with(&person(9)).xml();
    let text = |value: &str| format!("&title={value}-title&c_Who={value}-variable");
    vec![
        (post(EVENTS, &text(PERSONAL), good()), 200),
        // Without an installation it is quarantined.
        (post(EVENTS, "", xml(&person(2))), 200),
        (post(CALL_RATING, "", xml(&person(3))), 200),
        (post(EVENTS, "&igrp=31", good()).gzip(), 200),
        (post(EVENTS, "&igrp=31", good()).chunked(), 200),
        // Refused at every stage.
        (post(&format!("/{SECRET}-path"), "", good()), 404),
        (Request::get(&format!("{EVENTS}?x={SECRET}-get")), 405),
        (
            post(EVENTS, &format!("&act=land{SECRET}&title="), good()),
            400,
        ),
        (post(EVENTS, &format!("&igrp={SECRET}-igrp"), good()), 400),
        (post(EVENTS, &format!("&tz={SECRET}-zone"), good()), 400),
        (post(EVENTS, &format!("&txc={SECRET}-money"), good()), 400),
        (post(EVENTS, &format!("&igrpFeild={SECRET}-f"), good()), 400),
        (post(EVENTS, &format!("&title=%zz{SECRET}"), good()), 400),
        (post(EVENTS, &format!("&vid={SECRET}-vid"), good()), 400),
        (post(EVENTS, &format!("&t=a&title={SECRET}"), good()), 400),
        (post(EVENTS, &format!("&c_A=x&c_A={SECRET}"), good()), 400),
        (post(EVENTS, "", cut), 400),
        (post(EVENTS, "", good().replace(" xmlns:sf=", " a:b=")), 400),
        (
            post(EVENTS, "", good().replace("-first", "&undeclared;")),
            400,
        ),
        (
            post(EVENTS, "", format!("{PERSONAL}: {SECRET} is no message")),
            400,
        ),
        (
            post(EVENTS, "", [good().as_bytes(), b"\xff\xfe"].concat()),
            400,
        ),
        (
            post(EVENTS, "", good()).header("Content-Encoding", "gzip"),
            400,
        ),
        (post(EVENTS, "", good().repeat(200)), 413),
        (
            post(EVENTS, "", stranger()).header("X-Forwarded-For", &format!("{SECRET}-peer")),
            403,
        ),
    ]
}

#[track_caller]
fn tells_nothing(what: &str, text: &str, marker: &str) {
    let found = text.to_lowercase().find(marker);
    let around = found.map(|at| {
        let (from, to) = (at.saturating_sub(300), (at + 100).min(text.len()));
        String::from_utf8_lossy(&text.as_bytes()[from..to])
    });
    assert!(around.is_none(), "{what} holds {around:?}");
}

/// Every file of a folder, as text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            (path.display().to_string(), text)
        })
        .collect()
}

/// Sends all of it and looks at every answer.
async fn send_everything(gateway: &Server) {
    for (request, status) in requests() {
        let answer: Answer = request.send(gateway.gateway()).await;
        assert_eq!(answer.status, status, "{request:?}: {answer:?}");
        tells_nothing("an answer", &format!("{answer:?}"), EITHER);
    }
    // What HTTP itself refuses.
    for (name, value) in [("Content-Length", SECRET), ("Host", "a b")] {
        let broken = Request::post(EVENTS, recorded(1)).header(name, value);
        let answer = broken.try_send(gateway.gateway()).await;
        tells_nothing("an answer", &format!("{answer:?}"), EITHER);
    }
}

/// Looks at what a process tells while it runs.
async fn check_running(server: &Server) {
    for path in ["/metrics", "/readyz", "/healthz"] {
        let answer = Request::get(path).send(server.operator()).await;
        tells_nothing(path, &answer.body, EITHER);
    }
    let addresses = fs::read_to_string(server.addresses_file()).unwrap();
    tells_nothing("addresses.json", &addresses, EITHER);
}

/// Ends a process and looks at what it has told.
async fn check_ended(server: &mut Server) {
    server.signal("TERM").await;
    assert_eq!(server.exit_code().await, Some(0));
    tells_nothing("standard output", &server.greeting(), EITHER);
    tells_nothing("the log", &server.log(), EITHER);
}

/// Waits until the core lists every refusal that is for good.
async fn check_refused(core: &Server, key: &[(&str, &str)]) {
    let expected = requests()
        .iter()
        .filter(|(_, status)| matches!(status, 400 | 403 | 413))
        .count();
    let listed = until(async || {
        let listed = core.run_with("refused list --json", key).await;
        let rows = listed.json()["refused_messages"].clone();
        let counts = rows.as_array().unwrap().iter().map(|row| {
            let count = row["count"].as_str().unwrap();
            count.parse::<usize>().unwrap()
        });
        (counts.sum::<usize>() >= expected).then_some(listed)
    });
    tells_nothing("the list of refused messages", listed.await.ok(), EITHER);
}

/// Looks at the files of a store: records are there, secrets are not, nor is
/// anything of what was refused.
fn check_store(core: &Server) {
    let files = files(core.data_dir());
    for (path, text) in &files {
        tells_nothing(path, text, SECRET);
        tells_nothing(path, text, &format!("{PERSONAL}: "));
    }
    let holds = |marker: &str| files.iter().any(|(_, text)| text.contains(marker));
    // The records of a person, and the quarantined notification.
    assert!(holds(&format!("{PERSONAL}-title")));
    assert!(holds(&format!("{PERSONAL}@example.com")));
    // What was nil, and a message of a stranger.
    assert!(!holds(&format!("{PERSONAL}-nil")));
    assert!(!holds("00T5g0000000009"));
}

fn traced(role: Role, format: &str) -> Start {
    Start::new(role)
        .variable("SFBRIDGE_LOG", "trace,h2=trace,hyper=trace,tonic=trace")
        .variable("SFBRIDGE_LOG_FORMAT", format)
}

#[tokio::test]
async fn one_process_tells_nothing_of_secrets_and_persons_at_any_level() {
    for format in ["text", "json"] {
        let start = traced(Role::Up, format).flag("gateway-max-body-bytes", 40_000);
        let mut up = start.start().await;
        send_everything(&up).await;
        check_refused(&up, &[]).await;
        check_running(&up).await;
        check_ended(&mut up).await;
        assert!(up.log().contains("message acknowledged"));
        check_store(&up);
    }
}

#[tokio::test]
async fn a_gateway_and_a_core_tell_nothing_of_secrets_and_persons_at_any_level() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let make = "keys create --offline --name first --role admin --data-dir";
        let made = run_with(make.split(' ').chain([data]), &[]).await;
        let key = made.ok().trim();
        let mut core = traced(Role::Core, format).data(folder.path()).start().await;
        let gateway = traced(Role::Gateway, format)
            .flag("core-url", core.core_url())
            .flag("gateway-max-body-bytes", 40_000)
            .variable(API_KEY, key);
        let mut gateway = gateway.start().await;
        send_everything(&gateway).await;
        check_refused(&core, &[(API_KEY, key)]).await;
        // A key that nobody knows, from the command line and from a gateway.
        let bad = format!("sfb_{SECRET}_{SECRET}");
        let refused = core
            .run_with("events list --igrp 31", &[(API_KEY, &bad)])
            .await;
        tells_nothing("a command", &format!("{refused:?}"), EITHER);
        let stranger = traced(Role::Gateway, format)
            .flag("core-url", core.core_url())
            .variable(API_KEY, &bad);
        let mut stranger = stranger.start().await;
        let answer = post(EVENTS, "", recorded(8)).send(stranger.gateway()).await;
        assert_eq!(answer.status, 503);
        tells_nothing("an answer", &format!("{answer:?}"), EITHER);

        for server in [&stranger, &gateway, &core] {
            check_running(server).await;
        }
        for server in [&mut stranger, &mut gateway, &mut core] {
            check_ended(server).await;
            let secret = key.rsplit('_').next().unwrap();
            tells_nothing("the log", &server.log(), secret);
        }
        check_store(&core);
    }
}

/// Sets Salesforce credentials of either kind and uses them; looks at whatever
/// the command line says.
async fn use_credentials(core: &Server, org: &PretendOrg, secret: &Path, key: &Path) {
    let set = format!(
        "credentials set 31 --login-url {} --client-id 3MVG9pretended.sfbridge.simulator",
        org.url()
    );
    let by_secret = format!("{set} --client-secret-file {}", secret.display());
    let by_key = format!(
        "{set} --username integration@acme.example.com --private-key-file {}",
        key.display()
    );
    let create = "installations create 31 --organization-id 00D000000000062EAA";
    let backup = format!("backup {}", core.data_dir().join("backup.db").display());
    for line in [
        create,
        &by_secret,
        "credentials test 31",
        "credentials show 31 --json",
        &backup,
        &by_key,
        "credentials test 31 --json",
        "installations show 31 --json",
        "installations list --json",
        "credentials rotate --json",
    ] {
        let ran = core.run(line).await;
        ran.ok();
        let text = format!("{}{}", ran.out, ran.err);
        tells_nothing(line, &text, SECRET);
        tells_nothing(line, &text, &key_marker(key));
    }
    // What is refused is not repeated either.
    let wrong = format!("{by_secret} --username {SECRET}@acme.example.com");
    let refused = core.run(&wrong).await;
    tells_nothing("a command", &format!("{refused:?}"), SECRET);
}

/// A line from the middle of a private key, in lower case.
fn key_marker(key: &Path) -> String {
    let text = fs::read_to_string(key).unwrap();
    text.lines().nth(5).unwrap().to_lowercase()
}

#[tokio::test]
async fn nobody_tells_of_salesforce_credentials_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, format!("{SECRET}-client\n")).unwrap();
    let key = folder.path().join("key.pem");
    let private_key = salesforce_sim::DemoKey::generate().unwrap();
    fs::write(&key, private_key.private_key()).unwrap();
    let description = format!("[app]\nclient_secret = \"{SECRET}-client\"");
    let org = PretendOrg::start(&description).await;
    for format in ["text", "json"] {
        let start =
            traced(Role::Up, format).variable("SFBRIDGE_SALESFORCE_EXTRA_HOSTS", org.host());
        let mut up = start.start().await;
        use_credentials(&up, &org, &secret, &key).await;
        check_running(&up).await;
        check_ended(&mut up).await;
        let seal = fs::read_to_string(up.data_dir().join("secret.key")).unwrap();
        // A session's token begins with the organisation and this mark.
        for marker in [
            &key_marker(&key),
            "00d000000000062!",
            &seal.trim().to_lowercase(),
        ] {
            tells_nothing("the log", &up.log(), marker);
        }
        for (path, text) in files(up.data_dir()) {
            tells_nothing(&path, &text, SECRET);
            tells_nothing(&path, &text, &key_marker(&key));
            if !path.ends_with("secret.key") {
                tells_nothing(&path, &text, &seal.trim().to_lowercase());
            }
        }
    }
}

#[tokio::test]
async fn the_configuration_is_shown_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sfbridge.toml");
    let key = format!("sfb_1_{SECRET}");
    // Nobody would take it for a secret key, and it is not repeated.
    let seal = "SFBRIDGE_SECRET_KEY";
    let fine = "zqzqsecret+zqzqsecret/zqzqsecret+zqzqsecreE=";
    fs::write(&file, format!("core_api_key = \"{key}\"\n")).unwrap();
    let file = file.to_str().unwrap();
    for (arguments, variables) in [
        (vec!["config", "show"], vec![(API_KEY, key.as_str())]),
        (vec!["config", "show", "--json"], vec![(API_KEY, &key)]),
        (vec!["config", "show", "--config", file], vec![]),
        // What is refused is not repeated either.
        (vec!["up", "--config", file, "--log", "nonsense=x"], vec![]),
        (vec!["up", "--core-api-key", &key], vec![]),
        (vec!["config", "show"], vec![(seal, fine)]),
        (vec!["config", "show"], vec![(seal, key.as_str())]),
        (vec!["up", "--secret-key", fine], vec![]),
    ] {
        let shown = run_with(&arguments, &variables).await;
        tells_nothing("a command", &format!("{}{}", shown.out, shown.err), SECRET);
    }
}
