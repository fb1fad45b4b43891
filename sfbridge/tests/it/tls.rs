//! TLS from end to end: the gateway's, the core's, and between them.

use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;
use test_certificates::{Authority, Identity, NOW};

use crate::harness::{EVENTS, Message, Notification, Role, Server, Start, run_with, until};

/// An authority of servers and one of clients, with files of both.
struct Files {
    folder: TempDir,
    servers: Authority,
    server: (PathBuf, PathBuf),
    client: (PathBuf, PathBuf),
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        std::fs::write(folder.path().join("servers.pem"), servers.pem()).unwrap();
        std::fs::write(folder.path().join("clients.pem"), clients.pem()).unwrap();
        let message = Message::new().with(&Notification::opportunity(1));
        std::fs::write(folder.path().join("message.xml"), message.xml()).unwrap();
        let server = servers.server(&["localhost", "127.0.0.1"]);
        Self {
            server: server.write(folder.path(), "server"),
            client: clients.client().write(folder.path(), "client"),
            servers,
            folder,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A process whose core speaks mutual TLS, and whose gateway speaks TLS.
    fn start(&self, role: Role) -> Start {
        let (certificate, key) = (text(&self.server.0), text(&self.server.1));
        let mut start = Start::new(role);
        if role != Role::Gateway {
            start = start
                .flag("core-tls-certificate-file", &certificate)
                .flag("core-tls-key-file", &key)
                .flag("core-client-ca-file", self.path("clients.pem"));
        }
        if role != Role::Core {
            start = start
                .flag("gateway-tls-certificate-file", &certificate)
                .flag("gateway-tls-key-file", &key)
                .flag("gateway-client-ca-file", self.path("clients.pem"));
        }
        start
    }

    /// The settings by which a client calls that core.
    fn caller(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SFBRIDGE_CORE_URL_CA_FILE", self.path("servers.pem")),
            ("SFBRIDGE_CORE_URL_CERTIFICATE_FILE", text(&self.client.0)),
            ("SFBRIDGE_CORE_URL_KEY_FILE", text(&self.client.1)),
        ]
    }

    /// Posts the message with these flags: the exit code and what was said.
    async fn send(&self, server: &Server, host: &str, flags: &[&str]) -> (Option<i32>, String) {
        let url = format!(
            "https://{host}:{}{EVENTS}?igrp=1001",
            server.gateway().port()
        );
        let message = self.path("message.xml");
        let mut arguments = vec!["send", &message, "--to", &url];
        arguments.extend(flags);
        let ran = run_with(arguments, &[]).await;
        (ran.code, ran.out + &ran.err)
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

#[tokio::test]
async fn a_message_goes_through_tls_to_the_gateway_and_mutual_tls_to_the_core() {
    let files = Files::new();
    let core = files.start(Role::Core).start().await;
    let url = format!("https://localhost:{}", core.core_address().port());
    let mut start = files.start(Role::Gateway).flag("core-url", &url);
    for (name, value) in files.caller() {
        start = start.variable(name, value);
    }
    let gateway = start.start().await;

    let ca = files.path("servers.pem");
    let (certificate, key) = (text(&files.client.0), text(&files.client.1));
    let flags = ["--ca", &ca, "--certificate", &certificate, "--key", &key];
    let (code, said) = files.send(&gateway, "localhost", &flags).await;
    assert_eq!(code, Some(0), "{said}");

    let variables = files.caller();
    let listed = run_with(
        ["events", "list", "--igrp", "1001", "--json", "--core", &url],
        &borrowed(&variables),
    )
    .await;
    assert!(listed.out.contains("1001"), "{listed:?}");

    // Who runs on the same data directory finds the core by itself.
    let data = text(core.data_dir());
    let arguments = ["events", "list", "--igrp", "1001", "--data-dir", &data];
    let listed = run_with(arguments, &borrowed(&variables)).await;
    assert_eq!(listed.code, Some(0), "{listed:?}");
}

#[tokio::test]
async fn a_client_is_told_what_is_wrong_with_tls_and_what_to_do() {
    let files = Files::new();
    let server = files.start(Role::Up).start().await;
    let ca = files.path("servers.pem");
    for (host, flags, expected) in [
        ("localhost", &[][..], "--ca"),
        ("localhost", &["--ca", "/nowhere/ca.pem"], "/nowhere/ca.pem"),
    ] {
        let (code, said) = files.send(&server, host, flags).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let (code, said) = files
        .send(&server, "[::ffff:127.0.0.1]", &["--ca", &ca])
        .await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not for the host name"), "{said}");

    let port = server.core_address().port();
    let list = async |url: &str, variables: &[(&str, &str)]| {
        let ran = run_with(["events", "list", "--igrp", "1", "--core", url], variables).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        ran.err
    };
    let url = format!("https://localhost:{port}");
    let said = list(&url, &[]).await;
    assert!(said.contains("--core-url-ca-file"), "{said}");
    let known = [("SFBRIDGE_CORE_URL_CA_FILE", ca.as_str())];
    let said = list(&url, &known).await;
    assert!(said.contains("--core-url-certificate-file"), "{said}");
    let wrong_name = format!("https://[::ffff:127.0.0.1]:{port}");
    let said = list(&wrong_name, &known).await;
    assert!(said.contains("--core https://NAME"), "{said}");
    let operator = format!("https://127.0.0.1:{}", server.operator().port());
    let said = list(&operator, &known).await;
    assert!(said.contains("does not speak TLS"), "{said}");
}

#[tokio::test]
async fn a_process_that_speaks_tls_says_so_and_measures_its_certificate() {
    let files = Files::new();
    let server = files.start(Role::Up).start().await;
    let greeting = until(async || {
        let greeting = server.greeting();
        greeting.contains("Ctrl-C").then_some(greeting)
    })
    .await;
    assert!(greeting.contains("https://"), "{greeting}");
    assert!(
        greeting.contains("--core-url-certificate-file"),
        "{greeting}"
    );
    let addresses = std::fs::read_to_string(server.addresses_file()).unwrap();
    let addresses: serde_json::Value = serde_json::from_str(&addresses).unwrap();
    assert_eq!(addresses["core_tls"], json!(true));
    assert_eq!(addresses["gateway_tls"], json!(true));

    let metrics = crate::harness::Request::get("/metrics")
        .send(server.operator())
        .await;
    for listener in ["gateway", "core"] {
        let name = "sfbridge_tls_certificate_not_after_timestamp_seconds";
        let line = format!("{name}{{listener=\"{listener}\"}} ");
        assert!(metrics.body.contains(&line), "{}", metrics.body);
    }
    drop(files.servers);
}

#[tokio::test]
async fn files_that_do_not_belong_together_are_told_at_the_start() {
    let files = Files::new();
    let (certificate, _) = &files.server;
    let other = Identity::self_signed("other", false, NOW);
    let (_, other_key) = other.write(files.folder.path(), "other");
    let half = Start::new(Role::Up).flag("gateway-tls-certificate-file", text(certificate));
    let (code, log) = half.end().await;
    assert_eq!(code, Some(2), "{log}");
    assert!(log.contains("gateway_tls_key_file"), "{log}");

    let mismatch = Start::new(Role::Up)
        .flag("core-tls-certificate-file", text(certificate))
        .flag("core-tls-key-file", text(&other_key));
    let (code, log) = mismatch.end().await;
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("other.key") && log.contains("server.pem"),
        "{log}"
    );

    let authorities = Start::new(Role::Up).flag("core-client-ca-file", files.path("clients.pem"));
    let (code, log) = authorities.end().await;
    assert_eq!(code, Some(2), "{log}");
    assert!(log.contains("core_tls_certificate_file"), "{log}");
}
