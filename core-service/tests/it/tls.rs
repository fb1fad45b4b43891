//! TLS and mutual TLS of the core, and the limit on its connections.

use std::fs;
use std::net::SocketAddr;

use core_service::StartError;
use core_service::domain::{Coverage, Role};
use prometheus_client::registry::Registry;
use sfbridge_transport::TlsMetrics;
use sfbridge_transport::tls::{ClientCertificates, ServerFiles, ServerTls};
use test_certificates::{Authority, Identity, NOW, PAST};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use crate::harness::{Client, Setup, TestCore, event};

const NAME: &str = "core.example";

/// TLS with a certificate of an authority, for these clients.
fn tls(servers: &Authority, clients: &[&Authority]) -> ServerTls {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = servers.server(&[NAME]).write(folder.path(), "core");
    let path = folder.path().join("clients.pem");
    let pem: String = clients.iter().map(|client| client.pem()).collect();
    fs::write(&path, pem).unwrap();
    let files = ServerFiles {
        certificate,
        key,
        client_authorities: (!clients.is_empty()).then_some(path),
    };
    let metrics = TlsMetrics::register(&mut Registry::default());
    ServerTls::load("core", files, ClientCertificates::Required, &metrics).unwrap()
}

/// A client of a core that speaks TLS. Whether it is let in may show only with
/// its first request.
async fn client(
    core: &TestCore,
    servers: &Authority,
    identity: Option<&Identity>,
) -> Result<Client, tonic::transport::Error> {
    let mut tls = ClientTlsConfig::new()
        .domain_name(NAME)
        .ca_certificate(Certificate::from_pem(servers.pem()));
    if let Some(identity) = identity {
        let (certificate, key) = (&identity.certificate_pem, &identity.key_pem);
        tls = tls.identity(tonic::transport::Identity::from_pem(certificate, key));
    }
    let endpoint = Endpoint::from_shared(format!("https://{}", core.address))?;
    let channel = endpoint.tls_config(tls)?.connect().await?;
    Ok(Client::over(channel))
}

async fn is_let_in(core: &TestCore, servers: &Authority, identity: Option<&Identity>) -> bool {
    let Ok(client) = client(core, servers, identity).await else {
        return false;
    };
    let request = sfbridge_proto::v1::RecordEventsRequest {
        events: vec![event("")],
        ..Default::default()
    };
    client.events().record_events(request).await.is_ok()
}

#[tokio::test]
async fn tls_is_spoken_and_no_certificate_asked_for() {
    let servers = Authority::new("servers");
    let mut setup = Setup::new();
    setup.tls = Some(tls(&servers, &[]));
    let core = setup.start().await.unwrap();
    assert!(is_let_in(&core, &servers, None).await);
    // Who does not trust the authority does not speak, nor who knows no TLS.
    assert!(!is_let_in(&core, &Authority::new("others"), None).await);
    let plain = core.endpoint().connect().await;
    let plain = async {
        Client::over(plain.ok()?)
            .events()
            .record_events(sfbridge_proto::v1::RecordEventsRequest::default())
            .await
            .ok()
    };
    assert!(plain.await.is_none());
    core.stop().await;
}

#[tokio::test]
async fn with_mutual_tls_only_clients_of_the_authorities_are_let_in() {
    let servers = Authority::new("servers");
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let mut setup = Setup::new();
    setup.tls = Some(tls(&servers, &[&one, &other]));
    let core = setup.start().await.unwrap();
    assert!(is_let_in(&core, &servers, Some(&one.client())).await);
    assert!(is_let_in(&core, &servers, Some(&other.client())).await);
    for bad in [
        None,
        Some(one.client_valid(PAST)),
        Some(Authority::new("one").client()),
        Some(Identity::self_signed("stranger", false, NOW)),
    ] {
        assert!(!is_let_in(&core, &servers, bad.as_ref()).await, "{bad:?}");
    }
    core.stop().await;
}

#[tokio::test]
async fn mutual_tls_guards_a_core_beyond_this_machine() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let beyond = |tls| {
        let mut setup = Setup::new();
        setup.listen = SocketAddr::from(([0, 0, 0, 0], 0));
        setup.tls = Some(tls);
        setup
    };
    let refused = beyond(tls(&servers, &[])).start().await;
    assert!(matches!(refused, Err(StartError::Unguarded(_))));

    let core = beyond(tls(&servers, &[&clients])).start().await.unwrap();
    assert!(is_let_in(&core, &servers, Some(&clients.client())).await);
    core.stop().await;
}

#[tokio::test]
async fn once_there_is_a_key_mutual_tls_alone_is_not_enough() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let mut setup = Setup::new();
    setup.tls = Some(tls(&servers, &[&clients]));
    setup.key(&[Role::Admin], Coverage::All).await;
    let core = setup.start().await.unwrap();
    let client = client(&core, &servers, Some(&clients.client()))
        .await
        .unwrap();
    let request = sfbridge_proto::v1::RecordEventsRequest::default();
    let refused = client.events().record_events(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    core.stop().await;
}

#[tokio::test]
async fn mute_connections_keep_no_caller_out() {
    let mut setup = Setup::new();
    setup.max_connections = 20;
    let core = setup.start().await.unwrap();
    let mut mute = Vec::new();
    for _ in 0..200 {
        mute.push(TcpStream::connect(core.address).await.unwrap());
    }
    let client = core.client().await;
    client.record(vec![event("")]).await;
    // The core has said its settings, and then no more.
    let _ = mute[0].read_to_end(&mut Vec::new()).await;
    assert_eq!(core.counter("core_connections_refused_total"), 0);
    core.stop().await;
}
