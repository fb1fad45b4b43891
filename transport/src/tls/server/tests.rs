use std::fs;
use std::net::Ipv4Addr;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use sfbridge_values::Fingerprint;
use tempfile::TempDir;
use test_certificates::{Authority, Identity, PAST};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, SupportedProtocolVersion, version};

use super::*;

const NAME: &str = "gateway.example";

/// A server's files, and the authority that its certificate is of.
struct Scene {
    folder: TempDir,
    authority: Authority,
    files: ServerFiles,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("servers");
        let (certificate, key) = authority.server(&[NAME]).write(folder.path(), "server");
        let files = ServerFiles {
            certificate,
            key,
            client_authorities: None,
        };
        Self {
            folder,
            authority,
            files,
        }
    }

    /// With authorities of clients.
    fn clients(mut self, pem: &[String]) -> Self {
        let path = self.folder.path().join("clients.pem");
        fs::write(&path, pem.concat()).unwrap();
        self.files.client_authorities = Some(path);
        self
    }

    fn load(&self, clients: ClientCertificates) -> Result<ServerTls, TlsError> {
        ServerTls::load("test", self.files.clone(), clients, &TlsMetrics::default())
    }

    fn client(&self, identity: Option<&Identity>) -> Client {
        Client {
            root: self.authority.certificate(),
            identity: identity.cloned(),
            version: &version::TLS13,
        }
    }
}

/// A client that trusts one authority.
struct Client {
    root: CertificateDer<'static>,
    identity: Option<Identity>,
    version: &'static SupportedProtocolVersion,
}

impl Client {
    /// Connects to a server: what the server knows of the client, and the
    /// certificate that it presented.
    async fn meet(
        &self,
        server: &ServerTls,
    ) -> io::Result<(Option<ClientCertificate>, CertificateDer<'static>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (stream, _) = listener.accept().await?;
        let name = ServerName::try_from(NAME).unwrap();
        let connector = TlsConnector::from(Arc::new(self.config()));
        let client = async {
            let mut stream = connector.connect(name, client).await?;
            let (_, session) = stream.get_ref();
            let presented = session.peer_certificates().unwrap()[0].clone().into_owned();
            // With TLS 1.3 a client learns only now that it was refused.
            let _ = stream.read(&mut [0]).await;
            io::Result::Ok(presented)
        };
        let server = async {
            let (stream, certificate) = server.accept(stream).await?;
            drop(stream);
            io::Result::Ok(certificate)
        };
        let (presented, certificate) = tokio::join!(client, server);
        Ok((certificate?, presented?))
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_root_certificates(roots);
        match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
                let chain = vec![identity.certificate.clone()];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        }
    }
}

fn fingerprint(der: &CertificateDer<'_>) -> Fingerprint {
    Fingerprint::new(Sha256::digest(der).into())
}

#[tokio::test]
async fn any_certificate_or_none_is_taken_where_it_is_judged_later() {
    let authority = Authority::new("clients");
    let files = Scene::new().clients(&[Authority::new("others").pem(), authority.pem()]);
    let server = files.load(ClientCertificates::Judged).unwrap();
    assert!(!server.requires_client_certificate());
    let known = vec![fingerprint(&authority.certificate())];
    let stranger = Identity::self_signed("stranger", false, PAST);
    for (identity, authorities) in [
        (Some(authority.client()), known),
        (Some(authority.client_valid(PAST)), Vec::new()),
        (Some(stranger), Vec::new()),
        (None, Vec::new()),
    ] {
        for version in [&version::TLS12, &version::TLS13] {
            let mut client = files.client(identity.as_ref());
            client.version = version;
            let (certificate, _) = client.meet(&server).await.unwrap();
            let expected = identity.as_ref().map(|identity| ClientCertificate {
                fingerprint: fingerprint(&identity.certificate),
                authorities: authorities.clone(),
            });
            assert_eq!(certificate, expected);
        }
    }
}

#[tokio::test]
async fn a_certificate_counts_only_with_its_key() {
    let authority = Authority::new("clients");
    let files = Scene::new().clients(&[authority.pem()]);
    let server = files.load(ClientCertificates::Judged).unwrap();
    // The certificate is known to everybody; the thief's key is another one of
    // the same kind, which the library must not notice before the handshake.
    let stolen = authority.client().certificate;
    let thief = authority.client();
    let key = PrivateKeyDer::from_pem_slice(thief.key_pem.as_bytes()).unwrap();
    let key = provider().key_provider.load_private_key(key).unwrap();
    let certified = tokio_rustls::rustls::sign::CertifiedKey::new(vec![stolen], key);
    for version in [&version::TLS12, &version::TLS13] {
        let mut client = files.client(None);
        client.version = version;
        let mut config = client.config();
        config.client_auth_cert_resolver = Arc::new(Thief(Arc::new(certified.clone())));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let connected = connector.connect(ServerName::try_from(NAME).unwrap(), stream);
        let (_, met) = tokio::join!(connected, server.accept(accepted));
        let error = met.unwrap_err().to_string();
        assert!(error.contains("BadSignature"), "{error}");
    }
}

/// Shows a certificate with a key that is not its own.
#[derive(Debug)]
struct Thief(Arc<tokio_rustls::rustls::sign::CertifiedKey>);

impl tokio_rustls::rustls::client::ResolvesClientCert for Thief {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[tokio_rustls::rustls::SignatureScheme],
    ) -> Option<Arc<tokio_rustls::rustls::sign::CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn where_certificates_are_required_only_good_ones_get_in() {
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let files = Scene::new().clients(&[one.pem(), other.pem()]);
    let server = files.load(ClientCertificates::Required).unwrap();
    assert!(server.requires_client_certificate());
    for good in [one.client(), other.client()] {
        files.client(Some(&good)).meet(&server).await.unwrap();
    }
    let stranger = Identity::self_signed("stranger", false, test_certificates::NOW);
    for bad in [None, Some(one.client_valid(PAST)), Some(stranger)] {
        files.client(bad.as_ref()).meet(&server).await.unwrap_err();
    }
}

#[test]
fn without_authorities_nobody_is_asked_for_a_certificate() {
    let server = Scene::new().load(ClientCertificates::Required).unwrap();
    assert!(!server.requires_client_certificate());
}

/// Lets the files be looked at often enough for any change to be taken over.
async fn looks() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn new_files_count_without_a_restart() {
    let files = Scene::new();
    let server = files.load(ClientCertificates::Judged).unwrap();
    let client = files.client(None);
    let following = server.clone();
    let following = tokio::spawn(async move { following.follow().await });

    let renewed = files.authority.server(&[NAME]);
    // Between the two files there is a pair that does not match.
    fs::write(&files.files.certificate, &renewed.certificate_pem).unwrap();
    looks().await;
    let (_, presented) = client.meet(&server).await.unwrap();
    assert_ne!(presented, renewed.certificate);
    assert_eq!(server.metrics.reload_failures.get(), 1);
    fs::write(&files.files.key, &renewed.key_pem).unwrap();
    looks().await;
    let (_, presented) = client.meet(&server).await.unwrap();
    assert_eq!(presented, renewed.certificate);
    assert_eq!(server.metrics.reload_failures.get(), 1);
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_used_is_counted_once_and_changes_nothing() {
    let files = Scene::new();
    let server = files.load(ClientCertificates::Judged).unwrap();
    let client = files.client(None);
    let (_, first) = client.meet(&server).await.unwrap();
    let following = server.clone();
    let following = tokio::spawn(async move { following.follow().await });

    for (failures, broken) in [(1, "broken"), (2, "broken again"), (3, "")] {
        fs::write(&files.files.certificate, broken).unwrap();
        looks().await;
        looks().await;
        let (_, presented) = client.meet(&server).await.unwrap();
        assert_eq!(presented, first);
        assert_eq!(server.metrics.reload_failures.get(), failures);
    }
    fs::remove_file(&files.files.key).unwrap();
    looks().await;
    assert_eq!(server.metrics.reload_failures.get(), 4);
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn new_authorities_count_without_a_restart() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let files = Scene::new().clients(&[old.pem()]);
    let server = files.load(ClientCertificates::Judged).unwrap();
    let client = new.client();
    let client = files.client(Some(&client));
    let (certificate, _) = client.meet(&server).await.unwrap();
    assert_eq!(certificate.unwrap().authorities, []);

    let following = server.clone();
    let following = tokio::spawn(async move { following.follow().await });
    let path = files.files.client_authorities.as_ref().unwrap();
    fs::write(path, old.pem() + &new.pem()).unwrap();
    looks().await;
    let (certificate, _) = client.meet(&server).await.unwrap();
    let expected = [fingerprint(&new.certificate())];
    assert_eq!(certificate.unwrap().authorities, expected);
    following.abort();
}

/// What is said of files that can't be used.
#[track_caller]
fn check(change: impl FnOnce(&mut ServerFiles, &Scene), file: &str, expected: &str) {
    let mut files = Scene::new();
    let mut changed = files.files.clone();
    change(&mut changed, &files);
    files.files = changed;
    let error = files.load(ClientCertificates::Judged).unwrap_err();
    let mut text = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        text = format!("{text}: {source}");
    }
    assert!(text.contains(file) && text.contains(expected), "{text}");
    // Nothing of a key is ever shown.
    assert!(!text.contains("MIG") && !text.contains("s3cret"), "{text}");
}

#[test]
fn files_that_can_not_be_used_are_named_with_what_to_do() {
    let missing = |files: &mut ServerFiles, _: &Scene| files.key = "/nowhere/server.key".into();
    check(missing, "/nowhere/server.key", "can't be read");
    let other = |files: &mut ServerFiles, all: &Scene| {
        fs::write(&files.key, all.authority.server(&[NAME]).key_pem).unwrap();
    };
    check(other, "server.key", "is not that of the first certificate");
    let swapped = |files: &mut ServerFiles, _: &Scene| {
        std::mem::swap(&mut files.certificate, &mut files.key);
    };
    check(swapped, "server.key", "holds no certificate");

    let key = |text: &'static str| {
        move |files: &mut ServerFiles, _: &Scene| {
            fs::write(&files.key, text).unwrap();
        }
    };
    check(key(""), "server.key", "holds no private key");
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\ns3cret\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check(key(encrypted), "server.key", "openssl pkey");
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\ns3cret\n";
    check(key(old), "server.key", "openssl pkey");
    check(
        key("-----BEGIN PRIVATE KEY-----\ns3cret\n"),
        "server.key",
        "broken off",
    );
    let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    check(key(nonsense), "server.key", "can't be used");

    let certificate = |text: &'static str| {
        move |files: &mut ServerFiles, _: &Scene| {
            fs::write(&files.certificate, text).unwrap();
        }
    };
    check(certificate(""), "server.pem", "holds no certificate");
    check(
        certificate("-----BEGIN CERTIFICATE-----\nAAAA"),
        "server.pem",
        "broken off",
    );
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    check(certificate(nonsense), "server.pem", "certificate 1");

    let authorities = |text: String| {
        move |files: &mut ServerFiles, all: &Scene| {
            let path = all.folder.path().join("clients.pem");
            fs::write(&path, text).unwrap();
            files.client_authorities = Some(path);
        }
    };
    check(
        authorities(String::new()),
        "clients.pem",
        "holds no certificate",
    );
    let second = Authority::new("one").pem() + nonsense;
    check(authorities(second), "clients.pem", "certificate 2");
    let many = Authority::new("one").pem().repeat(101);
    check(authorities(many), "clients.pem", "more than 100");
}

#[tokio::test]
async fn an_expired_certificate_is_no_reason_not_to_start() {
    let files = Scene::new();
    files
        .authority
        .server_valid(&[NAME], PAST)
        .write(files.folder.path(), "server");
    let server = files.load(ClientCertificates::Judged).unwrap();
    let now = i64::try_from(UnixTime::now().as_secs()).unwrap();
    assert!((1..now).contains(&server.metrics.not_after.get()));
    let error = files.client(None).meet(&server).await.unwrap_err();
    assert!(crate::tls::Trouble::of(&error).is_some(), "{error}");
}
