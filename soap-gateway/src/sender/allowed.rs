//! From which addresses and with which certificates messages are taken.

use std::str::FromStr;

use sfbridge_values::{AddressRange, Fingerprint};

use super::certificate::Certificate;
use super::{Sender, SenderConfig};
use crate::fault::{Fault, Reason};

/// The senders that the gateway takes messages from, or one installation.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    whose: Whose,
    /// None for all.
    addresses: Option<Vec<AddressRange>>,
    /// None when no certificate is needed.
    certificates: Option<Vec<Fingerprint>>,
    requires_authority: bool,
}

/// Who says which senders are allowed, for the operator.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Gateway,
    Installation(i64),
}

impl Allowed {
    /// What the gateway's settings say. An empty list restricts nothing.
    pub(crate) fn by_settings(config: &SenderConfig) -> Self {
        let (addresses, certificates) = (&config.allowed_addresses, &config.client_certificates);
        Self {
            whose: Whose::Gateway,
            addresses: (!addresses.is_empty()).then(|| addresses.clone()),
            certificates: (!certificates.is_empty()).then(|| certificates.clone()),
            requires_authority: config.requires_client_authority,
        }
    }

    /// What an installation says of its organisation's senders. An empty list
    /// restricts nothing; an entry that can't be read allows nobody.
    pub(crate) fn by_installation(
        igrp: i64,
        addresses: &[String],
        certificates: &[String],
    ) -> Self {
        fn read<T: FromStr>(texts: &[String]) -> Option<Vec<T>> {
            let read = texts.iter().filter_map(|text| text.parse().ok());
            (!texts.is_empty()).then(|| read.collect())
        }
        Self {
            whose: Whose::Installation(igrp),
            addresses: read(addresses),
            certificates: read(certificates),
            requires_authority: false,
        }
    }

    /// Lets a sender in.
    ///
    /// # Errors
    ///
    /// A refusal, 403, for the first check that does not hold.
    pub(crate) fn check(&self, sender: &Sender) -> Result<(), Fault> {
        if let Some(ranges) = &self.addresses {
            let is_allowed = |address| ranges.iter().any(|range| range.contains(address));
            if !sender.address().is_some_and(is_allowed) {
                return Err(address_not_allowed().because(&format_args!(
                    "the client's address is not among {}",
                    self.whose.addresses()
                )));
            }
        }
        if self.certificates.is_none() && !self.requires_authority {
            return Ok(());
        }
        let certificate = &sender.certificate;
        let Some(fingerprint) = certificate.fingerprint() else {
            return Err(certificate_needed().because(&self.whose.why_needed(certificate)));
        };
        let is_listed = |listed: &Vec<Fingerprint>| certificate.is_among(listed);
        if !self.certificates.as_ref().is_none_or(is_listed) {
            return Err(certificate_not_allowed().because(&format_args!(
                "neither the certificate {fingerprint} nor an authority of it is among {}",
                self.whose.certificates()
            )));
        }
        if self.requires_authority && !certificate.has_authority() {
            return Err(certificate_not_allowed().because(&format_args!(
                "the certificate {fingerprint} is of none of the accepted authorities"
            )));
        }
        Ok(())
    }
}

impl Whose {
    fn addresses(self) -> String {
        match self {
            Self::Gateway => "gateway_allowed_addresses".to_owned(),
            Self::Installation(igrp) => format!("the address ranges of installation {igrp}"),
        }
    }

    fn certificates(self) -> String {
        match self {
            Self::Gateway => "gateway_client_certificates".to_owned(),
            Self::Installation(igrp) => format!("the client certificates of installation {igrp}"),
        }
    }

    fn why_needed(self, certificate: &Certificate) -> String {
        let who = match self {
            Self::Gateway => "the gateway's settings ask".to_owned(),
            Self::Installation(igrp) => format!("installation {igrp} asks"),
        };
        let lack = match certificate {
            Certificate::Unreadable => "the proxy passed on something in no known form",
            _ => "there was none",
        };
        format!("{who} for a client certificate, and {lack}")
    }
}

fn address_not_allowed() -> Fault {
    Fault::new(
        Reason::AddressNotAllowed,
        "Messages are not taken from the network address that this one came from; have whoever \
         runs the receiving system allow the addresses that your Salesforce organisation sends \
         from.",
    )
}

fn certificate_needed() -> Fault {
    Fault::new(
        Reason::ClientCertificateNeeded,
        "Messages are taken only with a client certificate, and this one came without; choose an \
         API Client Certificate in Salesforce Setup, Certificate and Key Management, and give it \
         to whoever runs the receiving system.",
    )
}

fn certificate_not_allowed() -> Fault {
    Fault::new(
        Reason::ClientCertificateNotAllowed,
        "The client certificate that this message came with is not an allowed one; give the one \
         that is the API Client Certificate in Salesforce Setup, Certificate and Key Management, \
         to whoever runs the receiving system.",
    )
}

#[cfg(test)]
mod tests;
