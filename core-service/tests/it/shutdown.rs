use std::time::Duration;

use sfbridge_proto::v1::event_service_client::EventServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, Setup, TestCore, event, until};

/// Runs a core with this drain, lets `connect` do something to it, and returns
/// once it has ended.
async fn ends(drain: Duration, connect: impl AsyncFnOnce(std::net::SocketAddr)) {
    let folder = tempfile::tempdir().unwrap();
    let config = core_service::CoreConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        tls: None,
        max_connections: 1_024,
        store: core_service::StoreConfig::Sqlite {
            path: folder.path().join("core.db"),
        },
        store_write_delay: std::time::Duration::ZERO,
        installations: core_service::InstallationMode::Auto,
        secret_keys: core_service::sealing::SecretKeySource::Own(folder.path().join("secret.key")),
        salesforce: core_service::SalesforceConfig::default(),
        enriching: core_service::EnrichingConfig::default(),
        expiring: core_service::ExpiringConfig::default(),
        reflection: false,
    };
    let mut registry = prometheus_client::registry::Registry::default();
    let core = core_service::bind(config, &mut registry).await.unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let address = core.local_addr();
    let running = tokio::spawn(core.run(shutdown.clone(), drain));
    connect(address).await;
    shutdown.cancel();
    let ended = tokio::time::timeout(PATIENCE, running).await;
    ended.expect("the core does not end").unwrap().unwrap();
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn a_mute_or_half_open_connection_is_cut_at_the_deadline() {
    let mut kept = Vec::new();
    ends(Duration::from_millis(50), async |address| {
        // One never speaks, one stops in the middle of its greeting, one opens
        // a request and never ends it.
        kept.push(TcpStream::connect(address).await.unwrap());
        let mut half = TcpStream::connect(address).await.unwrap();
        half.write_all(&PREFACE[..10]).await.unwrap();
        kept.push(half);
        let mut open = TcpStream::connect(address).await.unwrap();
        open.write_all(PREFACE).await.unwrap();
        let mut settings = [0; 9];
        open.read_exact(&mut settings).await.unwrap();
        kept.push(open);
    })
    .await;
}

#[tokio::test]
async fn an_idle_client_does_not_hold_the_end_up() {
    let core = TestCore::start().await;
    let client = core.client().await;
    client.record(vec![event("")]).await;
    core.stop().await;
    drop(client);
}

#[tokio::test]
async fn the_port_is_closed_and_the_store_let_go() {
    let core = TestCore::start().await;
    let address = core.address;
    let client = core.client().await;
    client.record(vec![event("")]).await;
    let setup = core.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    // The next core has the store at once.
    let core = setup.start().await.unwrap();
    core.client().await.record(vec![event("")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_the_end_is_there_afterwards() {
    let core = TestCore::start().await;
    let clients: Vec<_> = {
        let mut clients = Vec::new();
        for _ in 0..8 {
            clients.push(core.client().await);
        }
        clients
    };
    let writers: Vec<_> = clients
        .into_iter()
        .map(|client| {
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                loop {
                    let request = sfbridge_proto::v1::RecordEventsRequest {
                        events: vec![event("")],
                        ..Default::default()
                    };
                    match client.events().record_events(request).await {
                        Ok(answer) => {
                            acknowledged.push(answer.into_inner().results[0].event_id.clone());
                        }
                        Err(_) => return acknowledged,
                    }
                }
            })
        })
        .collect();
    until(async || core.counter("store_commits_total") > 20).await;
    let setup: Setup = core.stop().await;
    let core = setup.start().await.unwrap();
    let client = core.client().await;
    for writer in writers {
        for event_id in writer.await.unwrap() {
            let get = sfbridge_proto::v1::GetEventRequest { event_id };
            client.events().get_event(get).await.unwrap();
        }
    }
}

#[tokio::test]
async fn after_the_end_the_process_own_callers_are_told_so() {
    let core = TestCore::start().await;
    let mut in_process = EventServiceClient::new(core.in_process.clone());
    core.stop().await;
    let request = sfbridge_proto::v1::RecordEventsRequest {
        events: vec![event("")],
        ..Default::default()
    };
    let refused = in_process.record_events(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
    assert_eq!(crate::harness::reason(&refused), "SHUTTING_DOWN");
}
