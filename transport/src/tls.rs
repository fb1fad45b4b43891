//! TLS: certificates and keys from PEM files, for servers and clients.
//!
//! The cryptography is aws-lc-rs, named wherever it is used; nothing is set for
//! the whole process.

mod authorities;
mod client;
mod error;
mod pem;
mod server;
mod trouble;
mod verifier;

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::{SupportedProtocolVersion, version};

pub use client::{ClientFiles, ClientTls};
pub use error::TlsError;
pub use server::{ClientCertificates, ServerFiles, ServerTls};
pub use trouble::Trouble;

/// TLS 1.2 and 1.3.
const VERSIONS: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
