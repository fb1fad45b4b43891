//! TLS of a client, from files.

use std::fmt;
use std::path::PathBuf;

use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::TlsError;
use super::pem::PemFile;
use super::{VERSIONS, provider};

/// The files of a client's TLS, all PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFiles {
    /// The authorities of servers; those of the system when there is none.
    pub authorities: Option<PathBuf>,
    /// The client's certificate with those of its authorities, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// What a client trusts and what it shows, checked. The libraries that speak
/// for a client take it as PEM.
#[derive(Clone, Default)]
pub struct ClientTls {
    authorities: Option<PemFile>,
    identity: Option<(PemFile, PemFile)>,
}

impl ClientTls {
    /// Reads and checks the files.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file and says what is wrong with it.
    pub fn load(files: &ClientFiles) -> Result<Self, TlsError> {
        let authorities = files.authorities.as_deref().map(PemFile::read);
        let authorities = authorities.transpose()?;
        let mut roots = RootCertStore::empty();
        if let Some(file) = &authorities {
            for (index, certificate) in file.certificates()?.into_iter().enumerate() {
                roots
                    .add(certificate)
                    .map_err(|error| TlsError::bad_certificate(file.path(), index, error))?;
            }
        }
        let mut identity = None;
        if let Some((certificate, key)) = &files.identity {
            let (certificate, key) = (PemFile::read(certificate)?, PemFile::read(key)?);
            let chain = certificate.certificates()?;
            // Nobody needs this configuration: making it checks the pair.
            ClientConfig::builder_with_provider(provider())
                .with_protocol_versions(VERSIONS)
                .map_err(TlsError::Setup)?
                .with_root_certificates(roots)
                .with_client_auth_cert(chain, key.key()?)
                .map_err(|error| TlsError::of_pair(certificate.path(), key.path(), error))?;
            identity = Some((certificate, key));
        }
        Ok(Self {
            authorities,
            identity,
        })
    }

    /// The authorities of servers; those of the system when there is none.
    pub fn authorities(&self) -> Option<&[u8]> {
        self.authorities.as_ref().map(PemFile::content)
    }

    /// The configuration for a client that takes one.
    ///
    /// # Errors
    ///
    /// [`TlsError::NoAuthorities`] when the system has none to trust.
    pub fn config(&self) -> Result<ClientConfig, TlsError> {
        let mut roots = RootCertStore::empty();
        match &self.authorities {
            Some(file) => {
                for (index, certificate) in file.certificates()?.into_iter().enumerate() {
                    roots
                        .add(certificate)
                        .map_err(|error| TlsError::bad_certificate(file.path(), index, error))?;
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    return Err(TlsError::NoAuthorities);
                }
            }
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Setup)?
            .with_root_certificates(roots);
        match &self.identity {
            None => Ok(config.with_no_client_auth()),
            Some((certificate, key)) => config
                .with_client_auth_cert(certificate.certificates()?, key.key()?)
                .map_err(|error| TlsError::of_pair(certificate.path(), key.path(), error)),
        }
    }

    /// The client's certificate and its key.
    pub fn identity(&self) -> Option<(&[u8], &[u8])> {
        let (certificate, key) = self.identity.as_ref()?;
        Some((certificate.content(), key.content()))
    }
}

impl fmt::Debug for ClientTls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |file: &PemFile| file.path().to_owned();
        let identity = self.identity.as_ref();
        f.debug_struct("ClientTls")
            .field("authorities", &self.authorities.as_ref().map(path))
            .field(
                "identity",
                &identity.map(|(certificate, _)| path(certificate)),
            )
            .finish()
    }
}
