//! How senders are told from each other, and which of them may send.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderName;
use sfbridge_values::{AddressRange, Fingerprint};

/// Which proxies are believed, and from where messages are taken.
///
/// By default no proxy is believed, and messages are taken from everywhere.
#[derive(Clone, Debug, Default)]
pub struct SenderConfig {
    /// The proxies whose headers say who sends.
    pub trusted_proxies: Vec<AddressRange>,
    /// The header in which they name the client's address.
    pub client_address_header: AddressHeader,
    /// The header in which they pass on the client's certificate, if they do.
    pub client_certificate_header: Option<HeaderName>,
    /// The addresses that messages are taken from. Empty means all.
    pub allowed_addresses: Vec<AddressRange>,
    /// The client certificates that messages are taken with, each by its own
    /// fingerprint or by that of its authority. Empty means that none is
    /// needed.
    pub client_certificates: Vec<Fingerprint>,
    /// Whether a client certificate has to chain to an authority that the
    /// connections' own settings name.
    pub requires_client_authority: bool,
}

impl SenderConfig {
    /// Whether an address is that of a proxy that is believed.
    pub(super) fn is_trusted_proxy(&self, address: IpAddr) -> bool {
        let mut proxies = self.trusted_proxies.iter();
        proxies.any(|range| range.contains(address))
    }
}

/// The header in which proxies name the client's address. Only one counts: a
/// proxy that writes one of them passes the other on as its client wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressHeader {
    /// `X-Forwarded-For`, with `X-Forwarded-Proto` beside it.
    #[default]
    XForwardedFor,
    /// `Forwarded`, as RFC 7239 has it.
    Forwarded,
}

impl AddressHeader {
    /// The name of `X-Forwarded-For`.
    pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    /// The name of `X-Forwarded-Proto`.
    pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
}

/// A text names no [`AddressHeader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither x-forwarded-for nor forwarded")]
pub struct InvalidAddressHeader;

impl FromStr for AddressHeader {
    type Err = InvalidAddressHeader;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::XForwardedFor, Self::Forwarded]
            .into_iter()
            .find(|header| header.to_string().eq_ignore_ascii_case(text))
            .ok_or(InvalidAddressHeader)
    }
}

impl fmt::Display for AddressHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_named_in_any_case_and_written_in_lower_case() {
        for name in ["x-forwarded-for", "forwarded"] {
            for spelling in [name.to_owned(), name.to_uppercase()] {
                let header: AddressHeader = spelling.parse().unwrap();
                assert_eq!(header.to_string(), name);
            }
        }
        for other in ["", "x-real-ip", "forwarded-for"] {
            assert_eq!(other.parse::<AddressHeader>(), Err(InvalidAddressHeader));
        }
    }
}
