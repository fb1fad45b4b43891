//! The sender's client certificate: of the connection, or passed on by a proxy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use sfbridge_values::{ClientCertificate, Fingerprint};
use sha2::{Digest as _, Sha256};

use super::elements::{last_first, parameter, text};

/// What is known of the certificate that a request was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Certificate {
    /// There is none.
    Absent,
    /// A proxy passes something on that is no certificate in a known form.
    Unreadable,
    /// The other end of the connection has proved that it holds its key.
    OfConnection(ClientCertificate),
    /// A trusted proxy passes it on, and has verified it.
    PassedOn(Fingerprint),
}

/// Something is no certificate in a known form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

impl Certificate {
    /// The certificate of a connection.
    pub(super) fn of_connection(certificate: Option<&ClientCertificate>) -> Self {
        certificate.map_or(Self::Absent, |known| Self::OfConnection(known.clone()))
    }

    /// The certificate that a trusted proxy passes on in the header of this
    /// name. Which of the usual forms it has, it tells itself:
    ///
    /// - a PEM text in percent-encoding, as nginx and load balancers of AWS
    ///   write it; of several certificates in it, the first is the sender's;
    /// - `:base64 of DER:`, as RFC 9440 has it;
    /// - the 64 hexadecimal digits of its SHA-256 fingerprint;
    /// - a list as Envoy's `X-Forwarded-Client-Cert`, whose last element is the
    ///   nearest proxy's.
    pub(super) fn of_header(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut lines = headers.get_all(name).iter();
        let Some(last) = lines.next_back() else {
            return Self::Absent;
        };
        let last = text(last);
        let passed_on = match single(last.trim()) {
            // Whoever wrote the lines before, a header of these forms has one.
            Some(_) if lines.next().is_some() => Err(Unreadable),
            Some(passed_on) => passed_on,
            None => last_of_list(&last),
        };
        match passed_on {
            Ok(Some(fingerprint)) => Self::PassedOn(fingerprint),
            Ok(None) => Self::Absent,
            Err(Unreadable) => Self::Unreadable,
        }
    }

    /// The fingerprint of the certificate itself.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Absent | Self::Unreadable => None,
            Self::OfConnection(certificate) => Some(certificate.fingerprint),
            Self::PassedOn(fingerprint) => Some(*fingerprint),
        }
    }

    /// Whether it is one of these, or chains to one of them.
    pub(super) fn is_among(&self, allowed: &[Fingerprint]) -> bool {
        let is_itself = self
            .fingerprint()
            .is_some_and(|fingerprint| allowed.contains(&fingerprint));
        let is_issued = match self {
            Self::OfConnection(certificate) => {
                let mut authorities = certificate.authorities.iter();
                authorities.any(|authority| allowed.contains(authority))
            }
            Self::Absent | Self::Unreadable | Self::PassedOn(_) => false,
        };
        is_itself || is_issued
    }

    /// Whether it chains to an authority that is accepted, by the connection's
    /// own settings or by the proxy's.
    pub(super) fn has_authority(&self) -> bool {
        match self {
            Self::Absent | Self::Unreadable => false,
            Self::OfConnection(certificate) => !certificate.authorities.is_empty(),
            Self::PassedOn(_) => true,
        }
    }
}

/// The certificate in a header that holds one; none in an empty header. The
/// outer None says that the header has none of these forms.
fn single(header: &str) -> Option<Result<Option<Fingerprint>, Unreadable>> {
    if header.is_empty() {
        return Some(Ok(None));
    }
    if let Ok(fingerprint) = Fingerprint::parse(header) {
        return Some(Ok(Some(fingerprint)));
    }
    if let Some(rest) = header.strip_prefix(':') {
        return Some(byte_sequence(rest));
    }
    is_pem(header).then(|| pem(header).map(Some))
}

/// The rest of a byte sequence of structured headers (RFC 8941). A proxy may
/// write an empty one for a client without a certificate.
fn byte_sequence(rest: &str) -> Result<Option<Fingerprint>, Unreadable> {
    let encoded = rest.strip_suffix(':').ok_or(Unreadable)?;
    if encoded.is_empty() {
        return Ok(None);
    }
    let der = STANDARD.decode(encoded).map_err(|_| Unreadable)?;
    fingerprint(&der).map(Some)
}

/// Whether a header is one PEM text in percent-encoding. What has commas or
/// quotes beside it is a list, however it begins: a stranger may have written
/// the beginning.
fn is_pem(header: &str) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN";

    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"%-._~+/=".contains(&byte);
    let start = percent_decode_str(header).take(BEGIN.len());
    header.bytes().all(is_part) && start.eq(BEGIN.iter().copied())
}

/// The first certificate of a PEM text in percent-encoding. A plus is one of
/// its base64, and no space.
fn pem(header: &str) -> Result<Fingerprint, Unreadable> {
    let text: Vec<u8> = percent_decode_str(header).collect();
    let der = CertificateDer::from_pem_slice(&text).map_err(|_| Unreadable)?;
    fingerprint(&der)
}

fn fingerprint(der: &[u8]) -> Result<Fingerprint, Unreadable> {
    /// What every certificate begins with: a sequence, of more than 127 bytes.
    const LONG_SEQUENCE: [u8; 2] = [0x30, 0x80];

    match der {
        [tag, length, ..] if [*tag, *length & 0x80] == LONG_SEQUENCE => {
            Ok(Fingerprint::new(Sha256::digest(der).into()))
        }
        _ => Err(Unreadable),
    }
}

/// The certificate in the last element of a list, by its `Hash` or its `Cert`,
/// which have to agree.
fn last_of_list(list: &str) -> Result<Option<Fingerprint>, Unreadable> {
    let Some(element) = last_first(list).next() else {
        return Ok(None);
    };
    let value = |name| parameter(element, name).map_err(|_| Unreadable);
    let hash = value("Hash")?
        .map(|hash| Fingerprint::parse(&hash).map_err(|_| Unreadable))
        .transpose()?;
    let certificate = value("Cert")?.map(|encoded| pem(&encoded)).transpose()?;
    match (hash, certificate) {
        (Some(hash), Some(certificate)) if hash != certificate => Err(Unreadable),
        (hash, certificate) => hash.or(certificate).map(Some).ok_or(Unreadable),
    }
}

#[cfg(test)]
mod tests;
