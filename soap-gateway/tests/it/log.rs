//! What is logged, and what never is.

use std::io;
use std::sync::{Arc, Mutex};

use soap_gateway::InstallationMode;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::harness::TestGateway;
use crate::http_client::{Answer, EVENTS, exchange, head, post};
use crate::messages::{ORGANIZATION, message};
use crate::tokens::token;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Whatever the gateways of all tests log from now on.
    fn of_all_tests() -> Self {
        let log = Self::default();
        let ours = Targets::new()
            .with_target("soap_gateway", Level::TRACE)
            .with_target("warp", Level::TRACE);
        let written = fmt::layer().with_writer(log.clone()).with_ansi(false);
        tracing_subscriber::registry()
            .with(written.with_filter(ours))
            .init();
        log
    }

    /// The lines so far that hold a text.
    fn lines(&self, text: &str) -> Vec<String> {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = log.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
    }

    /// The only line of a request.
    #[track_caller]
    fn line(&self, answer: &Answer) -> String {
        let lines = self.lines(answer.header("x-request-id").unwrap());
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.concat()
    }
}

#[tokio::test]
async fn a_message_is_one_line_with_nothing_of_its_content() {
    let log = Log::of_all_tests();
    let gateway = TestGateway::start_with(|config| {
        config.installations = InstallationMode::Strict;
    })
    .await;

    let gateway_with_tokens = TestGateway::start().await;
    let target = format!("{EVENTS}?igrp=7&act=s3cret-act&token=s3cret-token");
    let session = "<SessionId>00D!AQ.s3cret-session</SessionId>";
    let body = message(&["Jane Doe"]).replace("<SessionId xsi:nil=\"true\"/>", session);
    let acknowledged = exchange(gateway.address, post(&target, &body)).await;
    acknowledged.is_acknowledgement();
    let stranger = body.replace(ORGANIZATION, "00D000000000001AAA");
    let refused = exchange(gateway.address, post(&target, &stranger)).await;
    refused.is_fault(403, "ORGANIZATION_NOT_LINKED");
    let invalid = exchange(
        gateway.address,
        post(&format!("{target}&x=s3cret-x"), &body),
    )
    .await;
    invalid.is_fault(400, "INVALID_PARAMETER");
    let asked = head("GET", &format!("{target}&wsdl"), &[]);
    let described = exchange(gateway.address, asked).await;
    assert!(described.body.contains("s3cret-token"));

    let for_all = token("id", "s3cret", "");
    gateway_with_tokens
        .core
        .senders(|senders| senders.url_tokens = vec![for_all]);
    let good = format!("{EVENTS}?token=id.s3cret");
    exchange(gateway_with_tokens.address, post(&good, &body))
        .await
        .is_acknowledgement();
    let wrong = exchange(gateway_with_tokens.address, post(&target, &body)).await;
    wrong.is_fault(403, "TOKEN_NOT_ALLOWED");
    assert!(!wrong.body.contains("s3cret"));

    let line = log.line(&acknowledged);
    for part in [
        "INFO",
        "events",
        "00D5g0000004242",
        "notifications=1",
        "status=200",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    let line = log.line(&described);
    for part in ["INFO", "events", "status=200", "WSDL"] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    for (answer, reason) in [
        (&refused, "ORGANIZATION_NOT_LINKED"),
        (&invalid, "INVALID_PARAMETER"),
        (&wrong, "TOKEN_NOT_ALLOWED"),
    ] {
        let line = log.line(answer);
        assert!(line.contains("WARN") && line.contains(reason), "{line}");
        assert!(line.contains("client=127.0.0.1"), "{line}");
    }
    for secret in ["s3cret", "Jane"] {
        assert_eq!(log.lines(secret), Vec::<String>::new());
    }
}
