//! What is wrong with the files of TLS.

use std::io;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls;

/// The files of TLS can't be used. The text names the file and says what to do;
/// it never repeats what is in the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there or not readable.
    #[error("{} can't be read; check the path and who may read it", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is larger than any certificates.
    #[error("{} is too large for certificates and keys; is it the right file?", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// A file is broken off, or was never PEM.
    #[error("{} is not PEM, or broken off; write it anew", file.display())]
    NotPem {
        /// The file.
        file: PathBuf,
    },
    /// A file holds no certificate.
    #[error(
        "{} holds no certificate; it must have one that begins with `-----BEGIN CERTIFICATE-----`",
        file.display()
    )]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// The system trusts no authority.
    #[error("this system has no certificate authorities; install them, or name a file of them")]
    NoAuthorities,
    /// Something in a file is no certificate.
    #[error("certificate {number} in {} can't be used", file.display())]
    BadCertificate {
        /// The file.
        file: PathBuf,
        /// Which one, from 1.
        number: usize,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There are more authorities than can be checked for each connection.
    #[error("{} holds more than {most} certificates; keep those that are needed", file.display())]
    TooManyAuthorities {
        /// The file.
        file: PathBuf,
        /// As many may be there.
        most: usize,
    },
    /// A file holds no private key.
    #[error(
        "{} holds no private key; it must have one that begins with `-----BEGIN PRIVATE KEY-----`",
        file.display()
    )]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// A key asks for a passphrase.
    #[error(
        "the private key in {} is encrypted, and nobody is there to type its passphrase; decrypt \
         it with `openssl pkey -in KEY -out DECRYPTED` and let only this service read it",
        file.display()
    )]
    EncryptedKey {
        /// The file.
        file: PathBuf,
    },
    /// A key is of no kind that is known here.
    #[error("the private key in {} can't be used; RSA, ECDSA and Ed25519 keys can", file.display())]
    BadKey {
        /// The file.
        file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// A key is not that of the certificate.
    #[error(
        "the private key in {} is not that of the first certificate in {}; the certificate of \
         the key comes first, those of its authorities after it",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// TLS can't be set up with what is in the files.
    #[error("TLS can't be set up")]
    Setup(#[source] rustls::Error),
}

impl TlsError {
    pub(super) fn bad_certificate(
        file: &Path,
        index: usize,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::BadCertificate {
            file: file.to_owned(),
            number: index + 1,
            source: source.into(),
        }
    }

    /// What rustls says of a certificate and its key.
    pub(super) fn of_pair(certificate: &Path, key: &Path, error: rustls::Error) -> Self {
        match error {
            rustls::Error::InconsistentKeys(_) => Self::Mismatch {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
            },
            rustls::Error::InvalidCertificate(_) => Self::bad_certificate(certificate, 0, error),
            source => Self::BadKey {
                file: key.to_owned(),
                source,
            },
        }
    }
}
