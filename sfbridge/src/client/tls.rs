//! TLS to the core.

use std::error::Error;

use anyhow::Context as _;
use http::Uri;
use http::uri::Scheme;
use sfbridge_transport::tls::{ClientFiles, ClientTls, Trouble};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Status, TimeoutExpired};

/// The TLS of calls of the core, from its files.
///
/// # Errors
///
/// Says which file can't be used, and why.
pub(crate) fn core_tls(files: &ClientFiles) -> anyhow::Result<ClientTlsConfig> {
    let tls = ClientTls::load(files).context("the core can't be called with these files of TLS")?;
    let mut config = match tls.authorities() {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let Some((certificate, key)) = tls.identity() {
        config = config.identity(Identity::from_pem(certificate, key));
    }
    Ok(config)
}

/// A core, with TLS if its URL says so.
///
/// # Errors
///
/// When TLS can't be set up, for want of authorities for instance.
pub(crate) fn core_endpoint(url: Uri, tls: &ClientTlsConfig) -> anyhow::Result<Endpoint> {
    if url.scheme() != Some(&Scheme::HTTPS) {
        return Ok(Endpoint::from(url));
    }
    let problem = format!("TLS can't be set up for the core at {url}");
    Endpoint::from(url).tls_config(tls.clone()).context(problem)
}

/// What may be wrong with TLS when a call of the core broke off, as sentences.
/// None when it was answered, or nobody was there.
pub(crate) fn doubt(status: &Status) -> Option<String> {
    if let Some(trouble) = Trouble::of(status) {
        let advice = advice(trouble);
        return Some(format!("No TLS with the core: {trouble}{advice}."));
    }
    // A server that refuses a certificate does so after the handshake, and the
    // reason is lost with the connection.
    let broke = matches!(
        status.code(),
        Code::Unknown | Code::Internal | Code::Cancelled
    ) && status.source().is_some_and(|source| !is_late(source));
    broke.then(|| {
        "The connection to the core broke. Where it speaks TLS, its URL begins with https://; \
         where it asks for a client certificate, show one with --core-url-certificate-file and \
         --core-url-key-file."
            .to_owned()
    })
}

fn is_late(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<TimeoutExpired>() {
            return true;
        }
        next = cause.source();
    }
    false
}

/// What to do about a trouble, by which settings; the end of a sentence.
pub(super) fn advice(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::UnknownAuthority => {
            "; name the file of its authority with --core-url-ca-file \
             (SFBRIDGE_CORE_URL_CA_FILE)"
        }
        Trouble::WrongName => ", as --core https://NAME:PORT",
        Trouble::NoClientCertificate | Trouble::ClientCertificateRefused => {
            "; show one that it takes with --core-url-certificate-file and --core-url-key-file \
             (SFBRIDGE_CORE_URL_CERTIFICATE_FILE, SFBRIDGE_CORE_URL_KEY_FILE)"
        }
        Trouble::NotValidNow | Trouble::NotTls => "",
    }
}
