//! What an installation asks of the senders of its organisation.

use clap::Args;
use sfbridge_values::{AddressRange, Fingerprint};

/// What it asks for, as flags.
#[derive(Debug, Default, Args)]
pub(super) struct Senders {
    /// An address that its organisation may send from, or a range such as 192.0.2.0/24;
    /// repeat it for all of them, they replace what was there
    #[arg(long = "address-range", value_name = "RANGE")]
    address_ranges: Vec<AddressRange>,
    /// Take all address ranges away: its organisation may then send from anywhere
    #[arg(long, conflicts_with = "address_ranges")]
    no_address_ranges: bool,
    /// The SHA-256 fingerprint of the client certificate that its organisation must send with, or
    /// of the authority that it chains to; repeat it for all of them, they replace what was there
    #[arg(long = "client-certificate", value_name = "FINGERPRINT")]
    client_certificates: Vec<Fingerprint>,
    /// Take all fingerprints away: no client certificate is then asked for
    #[arg(long, conflicts_with = "client_certificates")]
    no_client_certificates: bool,
}

impl Senders {
    /// The fields, as the contract spells them, and whether each is given.
    pub(super) fn mask(&self) -> [(&'static str, bool); 2] {
        let Self {
            address_ranges,
            no_address_ranges,
            client_certificates,
            no_client_certificates,
        } = self;
        [
            (
                "address_ranges",
                !address_ranges.is_empty() || *no_address_ranges,
            ),
            (
                "client_certificates",
                !client_certificates.is_empty() || *no_client_certificates,
            ),
        ]
    }

    pub(super) fn address_ranges(&self) -> Vec<String> {
        self.address_ranges
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    pub(super) fn client_certificates(&self) -> Vec<String> {
        self.client_certificates
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_is_changed() {
        let nothing = [("address_ranges", false), ("client_certificates", false)];
        assert_eq!(Senders::default().mask(), nothing);
        let both = [("address_ranges", true), ("client_certificates", true)];
        let some = Senders {
            address_ranges: vec!["192.0.2.0/24".parse().unwrap()],
            no_client_certificates: true,
            ..Default::default()
        };
        assert_eq!(some.mask(), both);
        assert_eq!(some.address_ranges(), ["192.0.2.0/24"]);
        assert!(some.client_certificates().is_empty());
    }
}
