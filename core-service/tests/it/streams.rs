//! Streams of events over real connections.

use std::collections::BTreeSet;
use std::time::Duration;

use core_service::InstallationMode;
use core_service::domain::{Coverage, Role};
use sfbridge_proto::v1 as pb;
use sfbridge_values::Igrp;
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt;

use crate::harness::{Client, Setup, TestCore, event, fields_at_fault, reason, until};

/// The most streams at once, by the contract of one core.
const MOST: usize = 100;

fn beginning() -> pb::StreamEventsRequest {
    pb::StreamEventsRequest {
        start: pb::StreamStart::Beginning.into(),
        ..Default::default()
    }
}

fn after(cursor: &str) -> pb::StreamEventsRequest {
    pb::StreamEventsRequest {
        cursor: cursor.to_owned(),
        ..Default::default()
    }
}

type Answers = Streaming<pb::StreamEventsResponse>;

async fn stream(client: &Client, request: pb::StreamEventsRequest) -> Answers {
    let answers = client.events().stream_events(request).await;
    answers.unwrap().into_inner()
}

async fn next(answers: &mut Answers) -> pb::StreamEventsResponse {
    answers.message().await.unwrap().expect("the stream ended")
}

/// The next event, and the cursor after it.
async fn next_event(answers: &mut Answers) -> (pb::Event, String) {
    loop {
        let answer = next(answers).await;
        if let Some(event) = answer.event {
            return (event, answer.cursor);
        }
    }
}

/// How a stream ends.
async fn end(mut answers: Answers) -> Status {
    loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without a reason"),
            Err(status) => return status,
        }
    }
}

async fn refused(client: &Client, request: pb::StreamEventsRequest) -> Status {
    match client.events().stream_events(request).await {
        Ok(answers) => end(answers.into_inner()).await,
        Err(status) => status,
    }
}

async fn put(client: &Client, title: &str) -> String {
    let mut results = client.record(vec![event(title)]).await;
    results.remove(0).event_id
}

#[tokio::test]
async fn a_stream_gives_what_is_kept_and_then_what_comes() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let first = put(&client, "first").await;
    let second = put(&client, "second").await;
    let mut answers = stream(&client, beginning()).await;
    let answer = next(&mut answers).await;
    assert_eq!(answer.event.unwrap().event_id, first);
    assert!(!answer.is_caught_up);
    let answer = next(&mut answers).await;
    let event = answer.event.unwrap();
    assert_eq!((event.event_id, event.title.as_str()), (second, "second"));
    assert!(answer.is_caught_up);
    let third = put(&client, "third").await;
    assert_eq!(next_event(&mut answers).await.0.event_id, third);
    assert_eq!(core.counter("event_streams"), 1);
    drop(answers);
    until(async || core.counter("event_streams") == 0).await;
    core.stop().await;
}

#[tokio::test]
async fn a_stream_from_now_on_says_at_once_where_it_begins() {
    let core = TestCore::start().await;
    let client = core.client().await;
    put(&client, "before").await;
    let mut answers = stream(&client, pb::StreamEventsRequest::default()).await;
    let answer = next(&mut answers).await;
    assert!(answer.event.is_none() && answer.is_caught_up);
    let after_it = put(&client, "after").await;
    assert_eq!(next_event(&mut answers).await.0.event_id, after_it);
    // Whoever had lost the stream before its first event would have missed
    // nothing.
    let mut answers = stream(&client, after(&answer.cursor)).await;
    assert_eq!(next_event(&mut answers).await.0.event_id, after_it);
}

#[tokio::test]
async fn a_quiet_stream_says_now_and_then_how_far_it_is() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let only_leads = pb::StreamEventsRequest {
        action: "lead".to_owned(),
        ..Default::default()
    };
    let mut answers = stream(&client, only_leads).await;
    let begun = next(&mut answers).await.cursor;
    put(&client, "of another action").await;
    // Its cursor moves on with what it does not tell.
    let later = next(&mut answers).await;
    assert!(later.event.is_none() && later.is_caught_up);
    assert_ne!(later.cursor, begun);
}

#[tokio::test]
async fn a_stream_goes_on_at_its_cursor_after_a_restart_and_shutdown_ends_it_cleanly() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut ids = vec![put(&client, "1").await, put(&client, "2").await];
    let mut answers = stream(&client, beginning()).await;
    let mut streamed = Vec::new();
    let (event, mut cursor) = next_event(&mut answers).await;
    streamed.push(event.event_id);
    let setup = {
        let stopped = tokio::spawn(core.stop());
        let status = end(answers).await;
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(reason(&status), "SHUTTING_DOWN");
        assert!(status.get_error_details().retry_info().is_some());
        stopped.await.unwrap()
    };

    let core = setup.start().await.unwrap();
    let client = core.client().await;
    ids.push(put(&client, "3").await);
    let mut answers = stream(&client, after(&cursor)).await;
    while streamed.len() < ids.len() {
        let (event, after_it) = next_event(&mut answers).await;
        streamed.push(event.event_id);
        cursor = after_it;
    }
    assert_eq!(streamed, ids);
    // Nothing is left behind the last one.
    let answer = next(&mut stream(&client, after(&cursor)).await).await;
    assert!(answer.event.is_none() && answer.is_caught_up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_or_repeated_however_often_a_reader_comes_back() {
    const EVENTS: usize = 600;

    let core = TestCore::start().await;
    let client = core.client().await;
    let writing = {
        let client = client.clone();
        tokio::spawn(async move {
            let mut ids = BTreeSet::new();
            while ids.len() < EVENTS {
                let batch = (0..20).map(|n| event(&n.to_string())).collect();
                let results = client.record(batch).await;
                ids.extend(results.into_iter().map(|result| result.event_id));
            }
            ids
        })
    };
    let mut streamed = Vec::new();
    let mut request = beginning();
    while streamed.len() < EVENTS {
        let mut answers = stream(&client, request.clone()).await;
        for _ in 0..7 {
            if streamed.len() < EVENTS {
                let (event, cursor) = next_event(&mut answers).await;
                streamed.push(event.event_id);
                request = after(&cursor);
            }
        }
    }
    let written = writing.await.unwrap();
    assert_eq!(streamed.len(), EVENTS);
    assert_eq!(streamed.into_iter().collect::<BTreeSet<_>>(), written);
}

#[tokio::test]
async fn a_key_streams_what_it_covers() {
    let mut setup = Setup::new();
    setup.installations = InstallationMode::Open;
    let key = setup.key(&[Role::Ingest], Coverage::All).await;
    let only_seven = Coverage::Only([Igrp::new(7).unwrap()].into());
    let limited = setup.key(&[Role::Read], only_seven).await;
    let core = setup.start().await.unwrap();
    let client = core.client_with(Some(&key)).await;
    let open = pb::RecordEventsRequest {
        events: vec![
            pb::Event {
                igrp: 8,
                ..event("theirs")
            },
            event("ours"),
        ],
        ..Default::default()
    };
    client.events().record_events(open).await.unwrap();
    let reader = core.client_with(Some(&limited)).await;
    let mut answers = stream(&reader, beginning()).await;
    let answer = next(&mut answers).await;
    assert_eq!(answer.event.unwrap().title, "ours");
    assert!(answer.is_caught_up);
    let theirs = pb::StreamEventsRequest {
        igrp: 8,
        ..beginning()
    };
    let status = refused(&reader, theirs).await;
    assert_eq!(status.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_revoked() {
    let setup = Setup::new();
    let admin = setup.key(&[Role::Admin], Coverage::All).await;
    let reader = setup.key(&[Role::Read], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let mut answers = stream(
        &core.client_with(Some(&reader)).await,
        pb::StreamEventsRequest::default(),
    )
    .await;
    next(&mut answers).await;
    let request = pb::RevokeApiKeyRequest {
        api_key_id: reader.split('_').nth(1).unwrap().to_owned(),
    };
    let admin = core.client_with(Some(&admin)).await;
    admin.access().revoke_api_key(request).await.unwrap();
    assert_eq!(end(answers).await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_stream_ends_at_its_deadline() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut request = Request::new(pb::StreamEventsRequest::default());
    request.set_timeout(Duration::from_millis(200));
    let answers = client.events().stream_events(request).await.unwrap();
    let status = end(answers.into_inner()).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn what_is_no_cursor_is_refused_and_says_what_to_do() {
    let core = TestCore::start().await;
    let client = core.client().await;
    put(&client, "one").await;
    let (_, cursor) = next_event(&mut stream(&client, beginning()).await).await;
    let cut = &cursor[..cursor.len() - 2];
    for wrong in ["nonsense", cut] {
        let status = refused(&client, after(wrong)).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{wrong}");
        assert_eq!(fields_at_fault(&status), ["cursor"]);
    }
    let status = refused(
        &client,
        pb::StreamEventsRequest {
            start: 77,
            ..Default::default()
        },
    )
    .await;
    assert_eq!(fields_at_fault(&status), ["start"]);

    // One of another store is a cursor, but not here.
    let other = TestCore::start().await;
    let status = refused(&other.client().await, after(&cursor)).await;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "CURSOR_LOST");
}

#[tokio::test]
async fn there_are_so_many_streams_and_one_that_ends_makes_room() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut open = Vec::new();
    for _ in 0..MOST {
        open.push(stream(&client, pb::StreamEventsRequest::default()).await);
    }
    let status = refused(&client, pb::StreamEventsRequest::default()).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "TOO_MANY_STREAMS");
    assert!(status.get_error_details().retry_info().is_some());
    open.clear();
    until(async || {
        let begun = client.events().stream_events(beginning()).await;
        begun.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_holds_up_nobody() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let long = "x".repeat(4_000);
    // Far more than a page and the windows of a connection.
    for _ in 0..15 {
        let batch = (0..1_000).map(|_| event(&long)).collect();
        client.record(batch).await;
    }
    let sent_to_mute = core.client().await;
    let _mute = stream(&sent_to_mute, beginning()).await;
    let reader = core.client().await;
    let mut answers = stream(&reader, beginning()).await;
    for _ in 0..15_000 {
        next_event(&mut answers).await;
    }
    // What was read for the other one is bounded.
    assert!(core.counter("streamed_events_total") < 25_000);
}
