//! The authorities that client certificates are judged by.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::{CertificateDer, UnixTime};
use sfbridge_values::{ClientCertificate, Fingerprint};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use super::error::TlsError;
use super::pem::{PemFile, Validity};
use super::provider;

/// Authorities, each of which is asked by itself.
#[derive(Default)]
pub(super) struct Authorities {
    each: Vec<Authority>,
    /// Asked first: who chains to none of them is not checked one by one.
    all: Option<Arc<dyn ClientCertVerifier>>,
}

struct Authority {
    certificate: CertificateDer<'static>,
    fingerprint: Fingerprint,
    validity: Validity,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl Authorities {
    /// Each costs up to a hundred signatures for a connection.
    const MOST: usize = 100;

    /// The certificates of a file.
    pub(super) fn new(file: &PemFile, now: UnixTime) -> Result<Self, TlsError> {
        let certificates = file.certificates()?;
        if certificates.len() > Self::MOST {
            return Err(TlsError::TooManyAuthorities {
                file: file.path().to_owned(),
                most: Self::MOST,
            });
        }
        for (index, certificate) in certificates.iter().enumerate() {
            Validity::of(certificate, file.path(), index)?.warn(file.path(), index, now);
        }
        Self::of(certificates, file.path())
    }

    /// These certificates, which are in this file.
    fn of(certificates: Vec<CertificateDer<'static>>, file: &Path) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let mut each = Vec::new();
        for (index, certificate) in certificates.into_iter().enumerate() {
            let mut root = RootCertStore::empty();
            root.add(certificate.clone())
                .map_err(|error| TlsError::bad_certificate(file, index, error))?;
            roots.extend(root.roots.iter().cloned());
            let validity = Validity::of(&certificate, file, index)?;
            each.push(Authority {
                fingerprint: fingerprint(&certificate),
                verifier: verifier(root)?,
                certificate,
                validity,
            });
        }
        let all = if each.is_empty() {
            None
        } else {
            Some(verifier(roots)?)
        };
        Ok(Self { each, all })
    }

    /// What is known of a client with this chain, whose first certificate's key
    /// it holds. None when there is no certificate.
    pub(super) fn judge(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<ClientCertificate> {
        let (leaf, intermediates) = chain.split_first()?;
        let chains_to = |verifier: &dyn ClientCertVerifier| {
            verifier
                .verify_client_cert(leaf, intermediates, now)
                .is_ok()
        };
        let chains_to_any = self.all.as_deref().is_some_and(chains_to);
        let counts = |authority: &&Authority| {
            // A certificate that is itself configured vouches for itself, as
            // the self-signed ones of Salesforce do.
            authority.validity.holds(now)
                && (authority.certificate == *leaf
                    || chains_to_any && chains_to(&*authority.verifier))
        };
        let authorities = self.each.iter().filter(counts);
        Some(ClientCertificate {
            fingerprint: fingerprint(leaf),
            authorities: authorities.map(|authority| authority.fingerprint).collect(),
        })
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprints = self.each.iter().map(|authority| authority.fingerprint);
        f.debug_list().entries(fingerprints).finish()
    }
}

/// Verifies against these roots.
pub(super) fn verifier(roots: RootCertStore) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| TlsError::Setup(tokio_rustls::rustls::Error::General(error.to_string())))
}

fn fingerprint(certificate: &CertificateDer<'_>) -> Fingerprint {
    Fingerprint::new(Sha256::digest(certificate).into())
}

#[cfg(test)]
mod tests;
