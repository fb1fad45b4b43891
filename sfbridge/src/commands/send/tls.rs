//! The HTTP client, with TLS as Salesforce speaks it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Identity};
use sfbridge_transport::tls::{ClientFiles, ClientTls, Trouble};

/// A client that trusts these authorities, else the system's, and shows this
/// certificate.
///
/// # Errors
///
/// Says which file can't be used, and why.
pub(super) fn client(
    is_https: bool,
    authorities: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
) -> anyhow::Result<reqwest::Client> {
    const SALESFORCE_PATIENCE: Duration = Duration::from_mins(1);

    let tls = ClientTls::load(&ClientFiles {
        authorities,
        identity,
    })?;
    let mut builder = reqwest::Client::builder()
        .timeout(SALESFORCE_PATIENCE)
        // Salesforce does not follow redirects, and what is sent here must
        // not go through a proxy that the shell happens to name.
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("sfbridge/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = tls.authorities() {
        let authorities =
            Certificate::from_pem_bundle(pem).context("the authorities of --ca can't be used")?;
        builder = builder.tls_certs_only(authorities);
    } else if !is_https {
        // A machine without authorities can send in plain text all the same.
        builder = builder.tls_certs_only([]);
    }
    if let Some((certificate, key)) = tls.identity() {
        let pem = [key, b"\n", certificate].concat();
        let identity =
            Identity::from_pem(&pem).context("the certificate and its key can't be used")?;
        builder = builder.identity(identity);
    }
    builder.build().context("the HTTP client can't be started")
}

/// What to do about a trouble, by which flags; the end of a sentence.
pub(super) fn advice(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::UnknownAuthority => "; name the file of its authority with --ca",
        Trouble::NoClientCertificate | Trouble::ClientCertificateRefused => {
            "; show one that it takes with --certificate and --key"
        }
        Trouble::WrongName | Trouble::NotValidNow | Trouble::NotTls => "",
    }
}
