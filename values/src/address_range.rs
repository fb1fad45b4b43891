//! Ranges of IP addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// A range of addresses of IP version 4 or 6: `192.0.2.0/24`, `2001:db8::/32`,
/// or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange(IpNet);

/// Why a text is not a range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddressRange {
    /// Neither an address nor a range.
    #[error(
        "is not a range of IP addresses; write one address, or a range such as 192.0.2.0/24 or \
         2001:db8::/32"
    )]
    NotARange,
    /// Bits behind the prefix are set, so that either half may be a mistake.
    #[error("has an address that is not the first of its range; write {0}")]
    HostBits(AddressRange),
}

impl AddressRange {
    /// Reads an address or a range in CIDR notation.
    ///
    /// # Errors
    ///
    /// [`InvalidAddressRange`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidAddressRange> {
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address.to_canonical())));
        }
        let net: IpNet = text.parse().map_err(|_| InvalidAddressRange::NotARange)?;
        let net = canonical(net);
        if net.trunc() != net {
            return Err(InvalidAddressRange::HostBits(Self(net.trunc())));
        }
        Ok(Self(canonical(net)))
    }

    /// Whether an address is in the range. An address of version 4 is the same
    /// when it is written as one of version 6 (`::ffff:192.0.2.1`).
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// A range of version 4 inside version 6 is one of version 4, as its addresses
/// are.
fn canonical(net: IpNet) -> IpNet {
    /// The bits before the address of version 4.
    const MAPPED: u8 = 96;

    let prefix = net.prefix_len().checked_sub(MAPPED);
    match (net.addr().to_canonical(), prefix) {
        (address @ IpAddr::V4(_), Some(prefix)) if !net.addr().is_ipv4() => {
            IpNet::new(address, prefix).unwrap_or(net)
        }
        _ => net,
    }
}

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, address: &str, expected: bool) {
        let range = AddressRange::parse(range).unwrap();
        assert_eq!(range.contains(address.parse().unwrap()), expected);
    }

    #[test]
    fn a_range_holds_the_addresses_of_its_prefix_alone() {
        check("192.0.2.0/24", "192.0.2.255", true);
        check("192.0.2.0/24", "192.0.3.0", false);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.8", false);
        check(" 2001:db8::/32 ", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "::1", false);
    }

    #[test]
    fn version_4_inside_version_6_is_version_4() {
        check("192.0.2.0/24", "::ffff:192.0.2.1", true);
        check("::ffff:192.0.2.1", "192.0.2.1", true);
        check("::ffff:192.0.2.0/120", "192.0.2.1", true);
        check("::ffff:192.0.2.0/120", "192.0.3.1", false);
        check("::ffff:0:0/96", "192.0.2.1", true);
        check("::/0", "::ffff:192.0.2.1", false);
    }

    #[test]
    fn a_range_is_written_as_it_is_read() {
        for text in ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "2001:db8::1"] {
            assert_eq!(AddressRange::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_no_range() {
        for text in [
            "",
            "example.com",
            "192.0.2",
            "192.0.2.0/33",
            "192.0.2.0/",
            "::/129",
            "1.2.3.4:80",
        ] {
            let refused = AddressRange::parse(text);
            assert_eq!(refused, Err(InvalidAddressRange::NotARange), "{text}");
        }
        let refused = AddressRange::parse("192.0.2.7/24").unwrap_err();
        assert!(
            refused.to_string().ends_with("write 192.0.2.0/24"),
            "{refused}"
        );
    }
}
