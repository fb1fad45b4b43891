//! TLS in the gateway: what is presented, who gets through the handshake, and
//! what changes while it runs.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::registry::Registry;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use sfbridge_proto::v1::SenderRestriction;
use sfbridge_transport::TlsMetrics;
use sfbridge_transport::tls::{ClientCertificates, ServerFiles, ServerTls};
use sfbridge_values::Fingerprint;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use test_certificates::{Authority, Identity, NOW, PAST};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::harness::TestGateway;
use crate::http_client::{Client, EVENTS, PATIENCE, head, post};
use crate::messages::message;
use crate::tokens::{gateway_with_own_clock, later, token};

const NAME: &str = "gateway.example";

/// A gateway that speaks TLS, and its files.
struct TlsGateway {
    gateway: TestGateway,
    authority: Authority,
    certificate: PathBuf,
    key: PathBuf,
    _folder: TempDir,
}

impl TlsGateway {
    /// With these authorities of clients.
    async fn start(clients: &[&Authority]) -> Self {
        Self::start_as(clients, async |tls| {
            TestGateway::start_with(|config| config.tls = Some(tls)).await
        })
        .await
    }

    /// Nothing but itself runs by its clock, so that tests can set it.
    async fn start_before_a_core_in_the_process() -> Self {
        Self::start_as(&[], async |tls| {
            gateway_with_own_clock(Vec::new(), |config| config.tls = Some(tls)).await
        })
        .await
    }

    async fn start_as(
        clients: &[&Authority],
        start: impl AsyncFnOnce(ServerTls) -> TestGateway,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("servers");
        let (certificate, key) = authority.server(&[NAME]).write(folder.path(), "server");
        let path = folder.path().join("clients.pem");
        let pem: String = clients.iter().map(|client| client.pem()).collect();
        fs::write(&path, pem).unwrap();
        let files = ServerFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authorities: (!clients.is_empty()).then_some(path),
        };
        let metrics = TlsMetrics::register(&mut Registry::default());
        let tls = ServerTls::load("gateway", files, ClientCertificates::Judged, &metrics).unwrap();
        let gateway = start(tls).await;
        Self {
            gateway,
            authority,
            certificate,
            key,
            _folder: folder,
        }
    }

    /// Connects with this certificate, and speaks one of these protocols.
    async fn connect(
        &self,
        identity: Option<&Identity>,
        protocols: &[&str],
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.certificate()).unwrap();
        let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
                let chain = vec![identity.certificate.clone()];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        let stream = TcpStream::connect(self.gateway.address).await?;
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    async fn client(&self, identity: Option<&Identity>) -> Client<TlsStream<TcpStream>> {
        Client::over(self.connect(identity, &[]).await.unwrap())
    }

    /// The certificate that the gateway presents now.
    async fn presented(&self) -> CertificateDer<'static> {
        let stream = self.connect(None, &[]).await.unwrap();
        let (_, session) = stream.get_ref();
        session.peer_certificates().unwrap()[0].clone().into_owned()
    }
}

#[tokio::test]
async fn whatever_the_certificate_the_message_is_answered_with_words() {
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let gateway = TlsGateway::start(&[&one, &other]).await;
    for identity in [
        None,
        Some(one.client()),
        Some(other.client()),
        Some(one.client_valid(PAST)),
        Some(Identity::self_signed("salesforce", false, NOW)),
        Some(Identity::self_signed("salesforce", true, NOW)),
    ] {
        let mut client = gateway.client(identity.as_ref()).await;
        client.send(post(EVENTS, &message(&["a"]))).await;
        // Not the handshake refuses, but an answer that an admin can read.
        assert!(matches!(client.answer().await.status, 200 | 403));
    }
}

#[tokio::test]
async fn http_2_is_spoken_with_those_who_offer_it() {
    let gateway = TlsGateway::start(&[]).await;
    for (offered, agreed) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let stream = gateway.connect(None, offered).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), agreed.map(str::as_bytes));
    }

    let stream = gateway.connect(None, &["h2"]).await.unwrap();
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper::client::conn::http2::Builder::new(executor);
    let stream = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = client.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::builder()
        .method("POST")
        .uri(format!("https://{NAME}{EVENTS}"))
        .header("content-type", "text/xml")
        .body(http_body_util::Full::new(bytes::Bytes::from(message(&[
            "a",
        ]))))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

#[tokio::test]
async fn the_wsdl_names_the_address_with_https() {
    let gateway = TlsGateway::start(&[]).await;
    let mut client = gateway.client(None).await;
    client
        .send(head("GET", &format!("{EVENTS}?wsdl"), &[]))
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 200);
    let address = format!("location=\"https://localhost{EVENTS}\"");
    assert!(answer.body.contains(&address), "{}", answer.body);
}

#[tokio::test]
async fn a_renewed_certificate_is_presented_without_a_restart() {
    let gateway = TlsGateway::start(&[]).await;
    let mut kept = gateway.client(None).await;
    let renewed = gateway.authority.server(&[NAME]);
    fs::write(&gateway.key, &renewed.key_pem).unwrap();
    fs::write(&gateway.certificate, &renewed.certificate_pem).unwrap();
    let presented = async {
        while gateway.presented().await != renewed.certificate {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, presented).await.unwrap();
    // Who was connected before is not disturbed.
    kept.send(post(EVENTS, &message(&["a"]))).await;
    kept.answer().await.is_acknowledgement();
}

#[tokio::test]
async fn handshakes_that_stall_hold_nobody_up() {
    let gateway = TlsGateway::start(&[]).await;
    let mut stalled = Vec::new();
    for _ in 0..100 {
        let mut client = Client::connect(gateway.gateway.address).await;
        client.send([22, 3, 1]).await;
        stalled.push(client);
    }
    let mut client = gateway.client(None).await;
    client.send(post(EVENTS, &message(&["a"]))).await;
    client.answer().await.is_acknowledgement();
    gateway.gateway.shutdown.cancel();
    for mut client in stalled {
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn plain_text_is_not_answered_where_tls_is_spoken() {
    let gateway = TlsGateway::start(&[]).await;
    let mut client = Client::connect(gateway.gateway.address).await;
    client.send(post(EVENTS, &message(&["a"]))).await;
    let failures = "gateway_tls_handshake_failures_total";
    gateway.gateway.until_metric(failures, "1").await;
    gateway
        .gateway
        .core
        .heard(|heard| assert!(heard.events.is_empty()));
}

/// The certificate is the connection's. What it is worth is asked anew for each
/// request, by what the core says then.
#[tokio::test]
async fn each_request_of_a_connection_is_judged_by_the_restrictions_of_its_time() {
    let identity = Identity::self_signed("salesforce", false, NOW);
    let ours = Fingerprint::new(Sha256::digest(&identity.certificate).into()).to_string();
    let restriction = |ranges: &[&str], certificate: &str| SenderRestriction {
        igrp: 7,
        address_ranges: ranges.iter().map(ToString::to_string).collect(),
        client_certificates: vec![certificate.to_owned()],
    };
    let gateway = TlsGateway::start_before_a_core_in_the_process().await;
    let core = &gateway.gateway.core;
    let mut client = gateway.client(Some(&identity)).await;
    for (restrictions, refused) in [
        (vec![restriction(&[], &ours)], None),
        (
            vec![restriction(&[], &"0".repeat(64))],
            Some("CLIENT_CERTIFICATE_NOT_ALLOWED"),
        ),
        (vec![restriction(&["127.0.0.1"], &ours)], None),
        (
            vec![restriction(&["192.0.2.1"], &ours)],
            Some("ADDRESS_NOT_ALLOWED"),
        ),
        (Vec::new(), None),
    ] {
        core.senders(|senders| senders.restrictions = restrictions);
        later(Duration::from_secs(6)).await;
        client.send(post(EVENTS, &message(&["a"]))).await;
        let answer = client.answer().await;
        match refused {
            None => answer.is_acknowledgement(),
            Some(reason) => answer.is_fault(403, reason),
        }
    }
    // So is a token.
    core.senders(|senders| senders.url_tokens = vec![token("id", "secret", "")]);
    later(Duration::from_secs(6)).await;
    client.send(post(EVENTS, &message(&["a"]))).await;
    client.answer().await.is_fault(403, "TOKEN_NEEDED");
    client
        .send(post(&format!("{EVENTS}?token=id.secret"), &message(&["a"])))
        .await;
    client.answer().await.is_acknowledgement();
}
