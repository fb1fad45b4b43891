//! Certificates and keys as they are in files.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tracing::warn;

use super::error::TlsError;

/// A file that was read.
#[derive(Clone)]
pub(super) struct PemFile {
    path: PathBuf,
    content: Vec<u8>,
}

/// From when to when a certificate is valid, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

impl PemFile {
    pub(super) fn read(path: &Path) -> Result<Self, TlsError> {
        const LARGEST: u64 = 4 << 20;

        let unreadable = |source| TlsError::Unreadable {
            file: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(unreadable)?;
        let mut content = Vec::new();
        file.take(LARGEST + 1)
            .read_to_end(&mut content)
            .map_err(unreadable)?;
        if content.len() as u64 > LARGEST {
            return Err(TlsError::TooLarge {
                file: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            content,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// All certificates in the file; there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let certificates: Result<Vec<_>, pem::Error> =
            CertificateDer::pem_slice_iter(&self.content).collect();
        let certificates = certificates.map_err(|_| self.not_pem())?;
        if certificates.is_empty() {
            return Err(TlsError::NoCertificate {
                file: self.path.clone(),
            });
        }
        Ok(certificates)
    }

    /// The first private key in the file.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        if self.is_encrypted() {
            return Err(TlsError::EncryptedKey {
                file: self.path.clone(),
            });
        }
        match PrivateKeyDer::from_pem_slice(&self.content) {
            Ok(key) => Ok(key),
            Err(pem::Error::NoItemsFound) => Err(TlsError::NoKey {
                file: self.path.clone(),
            }),
            // What the error would say may hold a line of the key.
            Err(_) => Err(self.not_pem()),
        }
    }

    /// Whether the key needs a passphrase, in the present form or in the one of
    /// older OpenSSL.
    fn is_encrypted(&self) -> bool {
        let text = String::from_utf8_lossy(&self.content);
        text.lines().any(|line| {
            line.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
                || line.starts_with("Proc-Type: 4,ENCRYPTED")
        })
    }

    fn not_pem(&self) -> TlsError {
        TlsError::NotPem {
            file: self.path.clone(),
        }
    }
}

impl Validity {
    /// The validity of a certificate, which stands at this index of its file.
    pub(super) fn of(
        certificate: &CertificateDer<'_>,
        file: &Path,
        index: usize,
    ) -> Result<Self, TlsError> {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|error| TlsError::bad_certificate(file, index, error))?;
        let validity = certificate.validity();
        Ok(Self {
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    pub(super) fn holds(self, now: UnixTime) -> bool {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Tells the operator when a certificate does not hold now. It may be the
    /// clock that is wrong, so that this is no reason not to start.
    pub(super) fn warn(self, file: &Path, index: usize, now: UnixTime) {
        if self.holds(now) {
            return;
        }
        let [not_before, not_after] = [self.not_before, self.not_after].map(date);
        warn!(
            file = %file.display(),
            certificate = index + 1,
            not_before,
            not_after,
            "a certificate is not valid now; renew it, or set the clock"
        );
    }
}

fn date(seconds: i64) -> String {
    let time: Option<DateTime<Utc>> = DateTime::from_timestamp(seconds, 0);
    time.map_or_else(|| seconds.to_string(), |time| time.to_rfc3339())
}
