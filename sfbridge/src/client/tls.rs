//! TLS to the core.

use anyhow::Context as _;
use http::Uri;
use http::uri::Scheme;
use sfbridge_transport::tls::{ClientFiles, ClientTls, Trouble};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

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
