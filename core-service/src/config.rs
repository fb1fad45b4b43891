//! How a core is set up.

use std::net::SocketAddr;
use std::time::Duration;

use sfbridge_transport::tls::ServerTls;

use crate::enriching::EnrichingConfig;
use crate::expiring::ExpiringConfig;
use crate::salesforce::SalesforceConfig;
use crate::sealing::SecretKeySource;
use crate::store::StoreConfig;

/// How a core is set up.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// Where gRPC is served; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The TLS that is spoken, if any.
    pub tls: Option<ServerTls>,
    /// The most connections at once. A further one takes the place of the one
    /// that has been idle longest, and is closed where none is.
    pub max_connections: usize,
    /// Where everything is kept.
    pub store: StoreConfig,
    /// How long the store takes for each item, at least: for rehearsals of a
    /// slow disk, else zero.
    pub store_write_delay: Duration,
    /// What becomes of installations that nobody has created.
    pub installations: InstallationMode,
    /// Where the keys come from that seal credentials.
    pub secret_keys: SecretKeySource,
    /// How Salesforce is spoken with.
    pub salesforce: SalesforceConfig,
    /// How lead enrichments are worked on.
    pub enriching: EnrichingConfig,
    /// When what is old goes.
    pub expiring: ExpiringConfig,
    /// Whether clients may ask for the contract by server reflection.
    pub reflection: bool,
}

/// What becomes of installations that nobody has created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstallationMode {
    /// Created for callers that plainly come from the same machine: the
    /// listener is a loopback address, and there is no API key.
    #[default]
    Auto,
    /// Always created.
    Open,
    /// Never created.
    Strict,
}
