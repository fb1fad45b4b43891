//! TLS of a listener, from files that may change while it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use rustls_pki_types::UnixTime;
use sfbridge_values::ClientCertificate;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use tracing::{error, info};

use super::authorities::{Authorities, verifier};
use super::error::TlsError;
use super::pem::{PemFile, Validity};
use super::verifier::AnyCertificate;
use super::{VERSIONS, provider};
use crate::metrics::{CertificateMetrics, TlsMetrics};

/// The files of a listener's TLS, all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    /// The server's certificate, and after it those of its authorities but for
    /// the last.
    pub certificate: PathBuf,
    /// The certificate's private key, not encrypted.
    pub key: PathBuf,
    /// The authorities of clients, and certificates of clients themselves.
    pub client_authorities: Option<PathBuf>,
}

/// What is asked of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Where there are authorities, nobody speaks without a certificate that
    /// chains to one of them.
    Required,
    /// Everybody may speak, and the connection says which certificate was shown
    /// and which authorities it chains to.
    Judged,
}

/// TLS of a listener.
///
/// Its files are looked at again and again while the listener runs, and what
/// has changed counts for the connections that begin then.
#[derive(Clone)]
pub struct ServerTls {
    listener: &'static str,
    files: ServerFiles,
    clients: ClientCertificates,
    metrics: CertificateMetrics,
    current: Arc<watch::Sender<Current>>,
}

/// What counts now.
#[derive(Clone)]
struct Current {
    config: Arc<ServerConfig>,
    authorities: Arc<Authorities>,
    version: Version,
}

/// What the files held, as a hash: keys are not kept for comparison.
type Version = [u8; 32];

impl ServerTls {
    /// Reads the files. `listener` is what it is called in metrics and the log.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file and says what is wrong with it.
    pub fn load(
        listener: &'static str,
        files: ServerFiles,
        clients: ClientCertificates,
        metrics: &TlsMetrics,
    ) -> Result<Self, TlsError> {
        let metrics = metrics.of(listener);
        let read = Contents::read(&files);
        let version = read.version();
        let (current, validity) = read.load(clients, version)?;
        metrics.not_after.set(validity.not_after);
        Ok(Self {
            listener,
            files,
            clients,
            metrics,
            current: Arc::new(watch::Sender::new(current)),
        })
    }

    /// Whether nobody speaks without a good certificate.
    pub fn requires_client_certificate(&self) -> bool {
        self.clients == ClientCertificates::Required && self.files.client_authorities.is_some()
    }

    /// Agrees on TLS with a client.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<(TlsStream<TcpStream>, Option<ClientCertificate>)> {
        let current = self.current.borrow().clone();
        let stream = TlsAcceptor::from(current.config).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let certificate = current.authorities.judge(chain, UnixTime::now());
        Ok((stream, certificate))
    }

    /// Takes over the files whenever they change. Never ends.
    ///
    /// Files are written one after the other, so that a change counts once it
    /// has been the same for two looks. One that can't be used is told once,
    /// and what counted before goes on.
    pub(crate) async fn follow(&self) {
        const PAUSE: Duration = Duration::from_secs(1);

        let mut tried = self.current.borrow().version;
        let mut last = tried;
        loop {
            tokio::time::sleep(PAUSE).await;
            let files = self.files.clone();
            let read = tokio::task::spawn_blocking(move || Contents::read(&files)).await;
            // The runtime ends, and this with it.
            let Ok(read) = read else { continue };
            let version = read.version();
            let is_settled = version == last;
            last = version;
            if !is_settled || version == tried {
                continue;
            }
            tried = version;
            self.take_over(read, version);
        }
    }

    fn take_over(&self, read: Contents, version: Version) {
        match read.load(self.clients, version) {
            Ok((current, validity)) => {
                self.current.send_replace(current);
                self.metrics.not_after.set(validity.not_after);
                info!(
                    listener = self.listener,
                    "TLS goes on with the files' new content"
                );
            }
            Err(error) => {
                self.metrics.reload_failures.inc();
                error!(
                    listener = self.listener,
                    error = &error as &dyn std::error::Error,
                    "the new files of TLS can't be used; TLS goes on with what it had"
                );
            }
        }
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("listener", &self.listener)
            .field("files", &self.files)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

/// The files as they were read at one time.
struct Contents {
    certificate: Result<PemFile, TlsError>,
    key: Result<PemFile, TlsError>,
    client_authorities: Option<Result<PemFile, TlsError>>,
}

impl Contents {
    fn read(files: &ServerFiles) -> Self {
        Self {
            certificate: PemFile::read(&files.certificate),
            key: PemFile::read(&files.key),
            client_authorities: files.client_authorities.as_deref().map(PemFile::read),
        }
    }

    fn version(&self) -> Version {
        let files = [
            Some(&self.certificate),
            Some(&self.key),
            self.client_authorities.as_ref(),
        ];
        let mut all = Sha256::new();
        for file in files.into_iter().flatten() {
            let one: Version = match file {
                Ok(file) => Sha256::digest(file.content()).into(),
                Err(error) => Sha256::digest(format!("{error:?}")).into(),
            };
            all.update(one);
        }
        all.finalize().into()
    }

    fn load(
        self,
        clients: ClientCertificates,
        version: Version,
    ) -> Result<(Current, Validity), TlsError> {
        let now = UnixTime::now();
        let (certificate, key) = (self.certificate?, self.key?);
        let client_authorities = self.client_authorities.transpose()?;
        let chain = certificate.certificates()?;
        let mut validities = Vec::with_capacity(chain.len());
        for (index, one) in chain.iter().enumerate() {
            let validity = Validity::of(one, certificate.path(), index)?;
            validity.warn(certificate.path(), index, now);
            validities.push(validity);
        }
        let validity = earliest(&validities, certificate.path())?;

        let authorities = match &client_authorities {
            Some(file) => Authorities::new(file, now)?,
            None => Authorities::default(),
        };
        let requires = match (clients, &client_authorities) {
            (ClientCertificates::Required, Some(file)) => Some(required(file)?),
            _ => None,
        };
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Setup)?;
        let does_require = requires.is_some();
        let builder = match (requires, clients) {
            (Some(verifier), _) => builder.with_client_cert_verifier(verifier),
            (None, ClientCertificates::Required) => builder.with_no_client_auth(),
            (None, ClientCertificates::Judged) => {
                builder.with_client_cert_verifier(Arc::new(AnyCertificate::new()))
            }
        };
        let mut config = builder
            .with_single_cert(chain, key.key()?)
            .map_err(|error| TlsError::of_pair(certificate.path(), key.path(), error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if does_require {
            // A session that is taken up again is not verified again, and the
            // certificate may have expired since.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        let current = Current {
            config: Arc::new(config),
            authorities: Arc::new(authorities),
            version,
        };
        Ok((current, validity))
    }
}

/// The part of a chain that expires first ends all of it.
fn earliest(validities: &[Validity], file: &Path) -> Result<Validity, TlsError> {
    let first = validities.iter().min_by_key(|validity| validity.not_after);
    first.copied().ok_or_else(|| TlsError::NoCertificate {
        file: file.to_owned(),
    })
}

fn required(file: &PemFile) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in file.certificates()?.into_iter().enumerate() {
        roots
            .add(certificate)
            .map_err(|error| TlsError::bad_certificate(file.path(), index, error))?;
    }
    verifier(roots)
}

#[cfg(test)]
mod tests;
