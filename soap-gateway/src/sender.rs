//! Who sends a request, as far as the connection and the header say.

mod allowed;
mod certificate;
mod config;
mod elements;
mod hop;
mod url_token;

use std::net::{IpAddr, Ipv4Addr};

use http::HeaderMap;

use crate::arrival::Arrival;

pub(crate) use allowed::Allowed;
pub use config::{AddressHeader, InvalidAddressHeader, SenderConfig};
pub(crate) use url_token::{TokenPass, TokenRule, TokenRules};

use certificate::Certificate;

/// Who sends a request. Found out once, before anything else is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// None where nothing is known of the connection; then no range holds it.
    address: Option<IpAddr>,
    certificate: Certificate,
    is_https: bool,
    is_local: bool,
}

impl Sender {
    /// The sender of a request: the other end of the connection, or whom a
    /// trusted proxy names. What anybody else says of it is not heard.
    pub(crate) fn of(
        config: &SenderConfig,
        arrival: Option<&Arrival>,
        headers: &HeaderMap,
    ) -> Self {
        let Some(arrival) = arrival else {
            return Self {
                address: None,
                certificate: Certificate::Absent,
                is_https: false,
                is_local: false,
            };
        };
        let peer = arrival.peer.ip().to_canonical();
        let is_trusted = |address| config.is_trusted_proxy(address);
        if !is_trusted(peer) {
            return Self {
                address: Some(peer),
                certificate: Certificate::of_connection(arrival.client_certificate.as_ref()),
                is_https: arrival.is_tls,
                is_local: arrival.is_local(headers),
            };
        }
        let hop = hop::from_outside(config.client_address_header, headers, is_trusted);
        let certificate = match &config.client_certificate_header {
            Some(name) => Certificate::of_header(headers, name),
            None => Certificate::of_connection(arrival.client_certificate.as_ref()),
        };
        Self {
            address: Some(hop.address.unwrap_or(peer)),
            certificate,
            is_https: hop.is_https || arrival.is_tls,
            is_local: false,
        }
    }

    /// The address, where it is known.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Where it is, as far as limits tell places apart: an address, or the
    /// network of 64 bits of which one IPv6 customer has all addresses.
    pub(crate) fn place(&self) -> IpAddr {
        const NETWORK: u128 = !0 << 64;

        let address = self.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & NETWORK).into()),
        }
    }

    /// Whether it was asked by `https`, here or at a trusted proxy.
    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether the request plainly comes from the same machine. What a trusted
    /// proxy sends never does.
    pub(crate) fn is_local(&self) -> bool {
        self.is_local
    }
}

#[cfg(test)]
mod tests;
