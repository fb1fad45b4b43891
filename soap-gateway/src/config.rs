//! How the gateway is set up.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use crate::sender::SenderConfig;
use crate::{mapping, soap};
use sfbridge_transport::tls::ServerTls;

/// Where the gateway listens, whom it lets in, and how much it takes on.
///
/// Every limit is taken before the work that it bounds.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The address to listen on; port 0 picks a free one. Default
    /// `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// What to do with organisations and installations that nobody has set up.
    /// Default [`InstallationMode::Auto`].
    pub installations: InstallationMode,
    /// Which proxies are believed, and from where messages are taken.
    pub senders: SenderConfig,
    /// The names of the fields that are read when no parameter names one.
    pub default_fields: mapping::DefaultFields,
    /// The limits of the XML reader.
    pub xml: soap::Limits,
    /// The TLS that is spoken, if any. Default none.
    pub tls: Option<ServerTls>,
    /// The most connections at once. A further one takes the place of the one
    /// that has been idle longest, and is closed where none is. Default 2,048.
    pub max_connections: usize,
    /// The most of them from one IPv4 address or 64-bit IPv6 network. Default
    /// 1,024.
    pub max_connections_per_address: usize,
    /// How long a connection may take for a request's header, or stay idle.
    /// Default 20 seconds.
    pub header_time: Duration,
    /// The most messages at once that are worked on, shared out by
    /// organisation; twice as many may be arriving, shared out by address.
    /// Further ones are answered 503 at once. Default 512.
    pub max_requests: usize,
    /// How many messages each organisation may send in a second; further ones
    /// are answered 429. Default any number.
    pub organization_rate: Option<NonZeroU32>,
    /// The most bytes of one body, as sent and as decoded. Default 16 MiB.
    pub max_body_bytes: usize,
    /// The most bytes of all bodies that are held at once; what does not fit is
    /// answered 503. Default 128 MiB.
    pub max_held_bytes: usize,
    /// How long a body may take to arrive; then the answer is 408. Default 8
    /// seconds.
    pub body_time: Duration,
    /// How long a request may take in all; then the answer is 503, and the
    /// retry finds done what was done. Default 10 seconds.
    pub request_time: Duration,
    /// How long one core may take for a request before it is tried at another
    /// one, where there are several. Default 3 seconds.
    pub core_time: Duration,
    /// How long messages are still taken at a shutdown, which is announced by
    /// then, before the port is closed: so that load balancers notice. At most
    /// half of the time for the shutdown. Default a second.
    pub notice_time: Duration,
    /// From this many bytes on, a body is worked on by another thread than
    /// those that serve connections. Default 64 KiB.
    pub large_body_bytes: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;

        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            installations: InstallationMode::Auto,
            senders: SenderConfig::default(),
            default_fields: mapping::DefaultFields::default(),
            xml: soap::Limits::default(),
            tls: None,
            max_connections: 2_048,
            max_connections_per_address: 1_024,
            header_time: Duration::from_secs(20),
            max_requests: 512,
            organization_rate: None,
            max_body_bytes: 16 * MIB,
            max_held_bytes: 128 * MIB,
            body_time: Duration::from_secs(8),
            request_time: Duration::from_secs(10),
            core_time: Duration::from_secs(3),
            notice_time: Duration::from_secs(1),
            large_body_bytes: 64 * 1024,
        }
    }
}

impl GatewayConfig {
    /// The first limit that would let nothing through, by its name.
    pub(crate) fn zero_limit(&self) -> Option<&'static str> {
        let limits = [
            ("max_connections", self.max_connections == 0),
            (
                "max_connections_per_address",
                self.max_connections_per_address == 0,
            ),
            ("header_time", self.header_time.is_zero()),
            ("max_requests", self.max_requests == 0),
            ("max_body_bytes", self.max_body_bytes == 0),
            ("max_held_bytes", self.max_held_bytes == 0),
            ("body_time", self.body_time.is_zero()),
            ("request_time", self.request_time.is_zero()),
            ("core_time", self.core_time.is_zero()),
        ];
        limits
            .into_iter()
            .find_map(|(name, is_zero)| is_zero.then_some(name))
    }
}

/// What to do with organisations and installations that nobody has set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstallationMode {
    /// Open for requests that plainly come from the same machine, strict for
    /// all others.
    #[default]
    Auto,
    /// Let them in; the core may create them.
    Open,
    /// Refuse messages of organisations that are linked to no installation,
    /// and have unknown installations rejected.
    Strict,
}

/// A text names no [`InstallationMode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is none of auto, open and strict")]
pub struct InvalidInstallationMode;

impl FromStr for InstallationMode {
    type Err = InvalidInstallationMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "open" => Ok(Self::Open),
            "strict" => Ok(Self::Strict),
            _ => Err(InvalidInstallationMode),
        }
    }
}

impl fmt::Display for InstallationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Open => "open",
            Self::Strict => "strict",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_written_as_it_is_read() {
        for mode in ["auto", "open", "strict"] {
            assert_eq!(mode.parse::<InstallationMode>().unwrap().to_string(), mode);
        }
        assert_eq!(
            "Open".parse::<InstallationMode>(),
            Err(InvalidInstallationMode)
        );
    }
}
