//! TLS to the database.

use std::sync::Arc;

use sfbridge_transport::tls::{ClientFiles, ClientTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::StoreError;
use super::config::PostgresConfig;

/// What speaks TLS to the server of this configuration.
pub(super) fn connector(config: &PostgresConfig) -> Result<MakeRustlsConnect, StoreError> {
    let tls = ClientTls::load(&ClientFiles {
        authorities: config.tls.roots.clone(),
        identity: config.tls.certificate.clone(),
    });
    let client = tls.and_then(|tls| tls.config());
    let client = client.map_err(|error| StoreError::Connect {
        database: config.to_string(),
        source: Arc::new(error),
    })?;
    Ok(MakeRustlsConnect::new(client))
}
