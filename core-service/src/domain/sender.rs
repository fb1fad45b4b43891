//! From where, and with which certificate, messages may come.

use sfbridge_values::{AddressRange, Fingerprint, Igrp};

use super::Coverage;

/// The addresses that an organisation may send from.
pub type AddressRanges = OneOf<AddressRange>;

/// The client certificates, or the authorities that they chain to.
pub type ClientCertificates = OneOf<Fingerprint>;

/// What a sender must have one of. None at all means that nothing is asked
/// for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOf<T> {
    // Invariant: at most `MAX`, each once.
    values: Vec<T>,
}

/// More values than a sender is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has more than {} entries", OneOf::<()>::MAX)]
pub struct TooMany;

impl<T> OneOf<T> {
    /// The most values: they are compared for each message.
    pub const MAX: usize = 100;

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.values.iter()
    }
}

impl<T: PartialEq> OneOf<T> {
    /// Takes values; one that is there twice is kept once.
    ///
    /// # Errors
    ///
    /// [`TooMany`] for more than 100.
    pub fn new(values: Vec<T>) -> Result<Self, TooMany> {
        if values.len() > Self::MAX {
            return Err(TooMany);
        }
        let mut kept = Vec::with_capacity(values.len());
        for value in values {
            if !kept.contains(&value) {
                kept.push(value);
            }
        }
        Ok(Self { values: kept })
    }
}

impl<T> Default for OneOf<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

/// What an installation asks of the senders of its organisation. Both must
/// hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderRestriction {
    /// The installation.
    pub igrp: Igrp,
    /// Where they may send from.
    pub address_ranges: AddressRanges,
    /// What they must show.
    pub client_certificates: ClientCertificates,
}

impl SenderRestriction {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.address_ranges.is_empty() && self.client_certificates.is_empty()
    }
}

/// Whether an organisation may send, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationAccess {
    /// Whether an installation is linked to it.
    pub is_linked: bool,
    /// What each installation linked to it asks for, where it asks for
    /// anything. All must hold.
    pub restrictions: Vec<SenderRestriction>,
}

impl OrganizationAccess {
    /// What the installations that are linked to it ask for, as far as these
    /// are covered.
    pub fn of(linked: Vec<SenderRestriction>, coverage: &Coverage) -> Self {
        let covered = linked
            .into_iter()
            .filter(|restriction| coverage.covers(restriction.igrp));
        let covered: Vec<_> = covered.collect();
        let is_linked = !covered.is_empty();
        let asking = covered.into_iter();
        Self {
            is_linked,
            restrictions: asking.filter(|one| !one.is_empty()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_once_and_in_its_place() {
        let kept = OneOf::new(vec![3, 1, 3, 2, 1]).unwrap();
        assert_eq!(kept.iter().collect::<Vec<_>>(), [&3, &1, &2]);
    }

    #[test]
    fn there_are_100_values_at_most() {
        assert!(OneOf::new((0..100).collect()).is_ok());
        let refused = OneOf::new((0..101).collect()).unwrap_err();
        assert_eq!(refused.to_string(), "has more than 100 entries");
    }
}
