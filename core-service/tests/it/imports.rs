//! Imports: streams of visits and calls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use core_service::domain::{Coverage, Role};
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::RejectionReason as Reason;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::harness::{Client, Setup, TestCore, event, fields_at_fault, reason, until};

const VISITOR: &str = "b5bb14cc-7cf6-49ff-a131-538d85bd143d";

/// Visit number so many of installation 7.
fn visit(number: usize) -> pb::Visit {
    pb::Visit {
        igrp: 7,
        visitor_id: VISITOR.to_owned(),
        visit_time: Some(prost_types::Timestamp {
            seconds: 1_700_000_000 + i64::try_from(number).unwrap(),
            nanos: 0,
        }),
        ..Default::default()
    }
}

fn message(numbers: std::ops::Range<usize>) -> pb::ImportVisitsRequest {
    pb::ImportVisitsRequest {
        visits: numbers.map(visit).collect(),
        options: None,
    }
}

fn from(start_position: i64) -> pb::ImportVisitsRequest {
    pb::ImportVisitsRequest {
        visits: Vec::new(),
        options: Some(pb::ImportOptions {
            start_position,
            ..Default::default()
        }),
    }
}

/// An import whose messages are sent one by one.
struct Import {
    messages: mpsc::Sender<pb::ImportVisitsRequest>,
    answers: Streaming<pb::ImportVisitsResponse>,
}

impl Import {
    async fn begin(client: &Client) -> Result<Self, Status> {
        let (messages, received) = mpsc::channel(1);
        let mut visits = client.visits();
        let answers = visits.import_visits(ReceiverStream::new(received)).await?;
        let answers = answers.into_inner();
        Ok(Self { messages, answers })
    }

    /// Sends a message and waits for its answer.
    async fn send(
        &mut self,
        message: pb::ImportVisitsRequest,
    ) -> Result<pb::ImportVisitsResponse, Status> {
        // An import that has ended says so in its answers.
        let _ = self.messages.send(message).await;
        Ok(self.answers.message().await?.expect("the import has ended"))
    }

    /// Ends it: what else it had to say.
    async fn end(self) -> Result<Vec<pb::ImportVisitsResponse>, Status> {
        drop(self.messages);
        self.answers.collect().await
    }
}

/// The error that an import ends with, after any further answers.
async fn error_of(mut answers: Streaming<pb::ImportVisitsResponse>) -> Status {
    loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended well"),
            Err(status) => return status,
        }
    }
}

async fn visits(client: &Client) -> usize {
    let mut request = pb::ListVisitsRequest {
        igrp: 7,
        page_size: 1_000,
        ..Default::default()
    };
    let mut seen = 0;
    loop {
        let page = client.visits().list_visits(request.clone()).await.unwrap();
        let page = page.into_inner();
        seen += page.visits.len();
        if page.next_page_token.is_empty() {
            return seen;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn each_message_is_answered_once_it_is_durable() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut import = Import::begin(&client).await.unwrap();
    let first = import.send(message(0..1_000)).await.unwrap();
    assert_eq!(
        (first.accepted_through, first.recorded_count),
        (1_000, 1_000)
    );
    assert_eq!(visits(&client).await, 1_000);
    // The same again, with a changed one.
    let mut again = message(0..10);
    again.visits[3].source = "Google".to_owned();
    let second = import.send(again).await.unwrap();
    assert_eq!(second.accepted_through, 1_010);
    assert_eq!((second.recorded_count, second.duplicate_count), (1_001, 9));
    assert!(import.end().await.unwrap().is_empty());
    assert_eq!(visits(&client).await, 1_000);
}

#[tokio::test]
async fn rejections_name_positions_and_stop_nothing() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut import = Import::begin(&client).await.unwrap();
    let options = pb::ImportOptions {
        start_position: 500,
        default_igrp: 7,
        ..Default::default()
    };
    let mut first = message(0..4);
    first.options = Some(options);
    first.visits[0].igrp = 0;
    first.visits[1].visitor_id = "nobody".to_owned();
    first.visits[3].visit_time = None;
    let answer = import.send(first).await.unwrap();
    assert_eq!(answer.accepted_through, 504);
    let rejections: Vec<_> = answer
        .rejections
        .into_iter()
        .map(|one| {
            let rejection = one.rejection.unwrap();
            (one.position, rejection.reason(), rejection.field)
        })
        .collect();
    let expected = [
        (501, Reason::InvalidVisitorId, "visitor_id".to_owned()),
        (503, Reason::InvalidTimestamp, "visit_time".to_owned()),
    ];
    assert_eq!(rejections, expected);
    // Each is told once, and all are counted.
    let answer = import.send(message(10..11)).await.unwrap();
    assert_eq!((answer.accepted_through, answer.rejected_count), (505, 2));
    assert!(answer.rejections.is_empty());
}

#[tokio::test]
async fn calls_are_imported_alike() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let call = |call_ref: &str| pb::Call {
        call_ref: call_ref.to_owned(),
        start_time: visit(0).visit_time,
        ..Default::default()
    };
    let requests = [
        pb::ImportCallsRequest {
            calls: vec![call("a"), call(""), call("a")],
            options: Some(pb::ImportOptions {
                default_igrp: 7,
                ..Default::default()
            }),
        },
        pb::ImportCallsRequest {
            calls: vec![call("b")],
            options: None,
        },
    ];
    let mut calls = client.calls();
    let answers = calls.import_calls(tokio_stream::iter(requests)).await;
    let answers: Vec<_> = answers.unwrap().into_inner().collect().await;
    let last = answers.last().unwrap().as_ref().unwrap();
    assert_eq!(last.accepted_through, 4);
    let counts = (
        last.recorded_count,
        last.duplicate_count,
        last.rejected_count,
    );
    assert_eq!(counts, (2, 1, 1));
}

#[tokio::test]
async fn an_import_that_was_cut_goes_on_where_it_was_and_loses_nothing() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut import = Import::begin(&client).await.unwrap();
    let told = import.send(message(0..300)).await.unwrap().accepted_through;
    // Another batch is on its way when the connection goes.
    import.messages.send(message(300..600)).await.unwrap();
    drop(import);
    drop(client);

    let client = core.client().await;
    let mut import = Import::begin(&client).await.unwrap();
    let opened = import.send(from(told)).await.unwrap();
    assert_eq!((opened.accepted_through, opened.recorded_count), (300, 0));
    let answer = import.send(message(300..600)).await.unwrap();
    assert_eq!(answer.accepted_through, 600);
    assert_eq!(answer.recorded_count + answer.duplicate_count, 300);
    assert_eq!(visits(&client).await, 600);
}

#[tokio::test]
async fn a_core_that_ends_tells_an_import_to_go_on_elsewhere() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut import = Import::begin(&client).await.unwrap();
    import.send(message(0..10)).await.unwrap();
    core.shutdown.cancel();
    let status = error_of(import.answers).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unavailable, "SHUTTING_DOWN")
    );
    assert!(status.get_error_details().retry_info().is_some());
    // An open import does not hold the end up.
    let core = core.ended().await.start().await.unwrap();
    assert_eq!(visits(&core.client().await).await, 10);
}

#[tokio::test]
async fn what_no_import_may_send_ends_it_with_a_reason() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let spoilt = |options: pb::ImportOptions| pb::ImportVisitsRequest {
        visits: Vec::new(),
        options: Some(options),
    };
    let negative = spoilt(pb::ImportOptions {
        start_position: -1,
        ..Default::default()
    });
    let no_igrp = spoilt(pb::ImportOptions {
        default_igrp: -1,
        ..Default::default()
    });
    for (request, field) in [
        (message(0..1_001), "visits"),
        (negative, "options.start_position"),
        (no_igrp, "options.default_igrp"),
        (from(5), "options"),
    ] {
        let mut import = Import::begin(&client).await.unwrap();
        if field == "options" {
            import.send(message(0..1)).await.unwrap();
        }
        import.messages.send(request).await.unwrap();
        let status = error_of(import.answers).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(fields_at_fault(&status), [field]);
    }

    let mut long = message(0..1);
    long.visits[0].landing_page = "x".repeat(5 << 20);
    let flood = pb::ImportVisitsRequest {
        visits: vec![pb::Visit::default(); 100_000],
        options: None,
    };
    for (request, words) in [(long, "bytes"), (flood, "1,000")] {
        let import = Import::begin(&client).await.unwrap();
        import.messages.send(request).await.unwrap();
        let status = error_of(import.answers).await;
        assert_eq!(reason(&status), "INVALID_REQUEST", "{status:?}");
        assert!(status.message().contains(words), "{status:?}");
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_its_imports() {
    let setup = Setup::new();
    let admin = setup.key(&[Role::Admin], Coverage::All).await;
    let only = Coverage::Only(BTreeSet::from([sfbridge_values::Igrp::new(7).unwrap()]));
    let key = setup.key(&[Role::Ingest], only).await;
    let core = setup.start().await.unwrap();
    let admin = core.client_with(Some(&admin)).await;
    let create = pb::CreateInstallationRequest {
        installation: Some(crate::harness::installation()),
    };
    admin
        .installations()
        .create_installation(create)
        .await
        .unwrap();

    let client = core.client_with(Some(&key)).await;
    let mut import = Import::begin(&client).await.unwrap();
    let mut first = message(0..2);
    first.visits[1].igrp = 8;
    let answer = import.send(first).await.unwrap();
    assert_eq!((answer.recorded_count, answer.rejected_count), (1, 1));
    let api_key_id = key.split('_').nth(1).unwrap().to_owned();
    let revoke = pb::RevokeApiKeyRequest { api_key_id };
    admin.access().revoke_api_key(revoke).await.unwrap();
    import.messages.send(message(2..3)).await.unwrap();
    assert_eq!(error_of(import.answers).await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn only_so_many_imports_run_at_once_and_one_that_ends_makes_room() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut running = Vec::new();
    let refused = loop {
        match Import::begin(&client).await {
            Ok(import) => running.push(import),
            Err(status) => break status,
        }
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.get_error_details().retry_info().is_some());
    running.pop().unwrap().end().await.unwrap();
    until(async || Import::begin(&client).await.is_ok()).await;
}

#[tokio::test]
async fn an_overloaded_store_slows_imports_and_fails_none() {
    let mut setup = Setup::new();
    setup.store_write_delay = Duration::from_micros(100);
    let core = setup.start().await.unwrap();
    let client = core.client().await;
    // Together they send more at once than one sender may have waiting.
    let imports = (0..12).map(|number| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut import = Import::begin(&client).await.unwrap();
            let start = number * 1_000;
            let answer = import.send(message(start..start + 1_000)).await.unwrap();
            assert_eq!(answer.recorded_count, 1_000);
        })
    });
    let imports: Vec<_> = imports.collect();
    for import in imports {
        import.await.unwrap();
    }
    assert_eq!(visits(&client).await, 12_000);
}

#[tokio::test]
async fn a_sender_that_reads_no_answers_is_held_back() {
    const MESSAGES: usize = 120;

    let core = TestCore::start().await;
    let client = core.client().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    // Messages are long, and so are answers: all items are rejected.
    let bad = pb::Visit {
        landing_page: "x".repeat(300),
        ..Default::default()
    };
    let requests = tokio_stream::iter(0..MESSAGES).map(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        pb::ImportVisitsRequest {
            visits: vec![bad.clone(); 1_000],
            options: None,
        }
    });
    let answers = client.visits().import_visits(requests).await.unwrap();
    let mut answers = answers.into_inner();
    // Held back is who sends nothing while others are served again and again.
    let other = core.client().await;
    let mut before = usize::MAX;
    until(async || {
        for _ in 0..50 {
            other.record(vec![event("")]).await;
        }
        let now = sent.load(Ordering::Relaxed);
        let is_held = now > 0 && now == before;
        before = now;
        is_held
    })
    .await;
    assert!(before < MESSAGES / 2, "{before} messages were taken");

    let mut accepted_through = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        accepted_through = answer.accepted_through;
    }
    assert_eq!(accepted_through, i64::try_from(MESSAGES * 1_000).unwrap());
}
