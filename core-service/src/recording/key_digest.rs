//! What stands for an idempotency key in the store.

use sfbridge_values::Igrp;
use sha2::{Digest, Sha256};

use super::RecordKind;

/// Characters of a Salesforce id in its short form.
const ID: usize = 15;

/// Those of them that its key's place is made of. Those before
/// them are the same for years.
const PLACED: usize = 8;

/// Bytes of a place.
const PLACE: usize = 6;

/// What stands for an idempotency key in the store: 16 bytes over the kind of
/// record, the key's scope and its text.
///
/// Salesforce counts its notifications. So the digests of their keys begin with
/// the place of the notification's id in that order, and what comes together
/// stands together: were they hashes alone, each key would change a page of its
/// own, which costs more than all else of an event. All other digests are
/// hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest {
    bytes: [u8; 16],
    hash: [u8; 16],
}

impl KeyDigest {
    /// The digest of a key that counts in an installation, or everywhere.
    // Digests are in the stores' files: they must never become others.
    pub(super) fn of(kind: RecordKind, igrp: Option<Igrp>, text: &str) -> Self {
        let kind: u8 = match kind {
            RecordKind::Event => 1,
            RecordKind::CallRating => 2,
            RecordKind::LeadEnrichment => 3,
        };
        let mut hash = Sha256::new();
        hash.update([kind]);
        hash.update(igrp.map_or(0, Igrp::get).to_le_bytes());
        hash.update(text.as_bytes());
        let digest = hash.finalize();
        let hash: [u8; 16] = std::array::from_fn(|n| digest[n]);
        // A caller's own keys may be in any order.
        let place = igrp.is_none().then(|| place(text)).flatten();
        let bytes = place.map_or(hash, |place| {
            std::array::from_fn(|n| place.get(n).copied().unwrap_or_else(|| hash[n - PLACE]))
        });
        Self { bytes, hash }
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.bytes
    }

    /// The hash alone, which was the digest before some were put in order, and is
    /// what the quarantine knows a key by.
    pub fn hash(&self) -> &[u8; 16] {
        &self.hash
    }

    /// Whether the digest begins with a place, and so is another than the hash.
    pub fn is_ordered(&self) -> bool {
        self.bytes != self.hash
    }
}

/// Where a notification's key stands among the others: by the last characters of
/// the notification's id, which is the second part of it.
fn place(text: &str) -> Option<[u8; PLACE]> {
    let id = text.split('/').nth(1)?.as_bytes();
    if id.len() != ID || !id.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let number = id[ID - PLACED..].iter().fold(0, |number, character| {
        let digit = match character {
            b'a'..=b'z' => character - b'a' + 36,
            b'A'..=b'Z' => character - b'A' + 10,
            _ => character - b'0',
        };
        number * 62 + u64::from(digit)
    });
    let bytes = number.to_be_bytes();
    Some(std::array::from_fn(|n| bytes[n + size_of::<u64>() - PLACE]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORGANIZATION: &str = "00D5g0000001001";

    fn of_notification(id: &str) -> KeyDigest {
        let text = format!("{ORGANIZATION}/{id}/events/5ebffef04520e5cdf0eb8f0e9f6b21c4");
        KeyDigest::of(RecordKind::Event, None, &text)
    }

    proptest! {
        #[test]
        fn keys_of_notifications_stand_in_the_order_of_their_ids(
            mut ids in proptest::collection::vec("04l5g00[0-9A-Za-z]{8}", 2..20),
        ) {
            ids.sort();
            ids.dedup();
            let digests: Vec<_> = ids.iter().map(|id| *of_notification(id).as_bytes()).collect();
            prop_assert!(digests.is_sorted());
        }

        #[test]
        fn a_digest_tells_kinds_scopes_and_texts_apart(
            texts in proptest::collection::btree_set("00D5g000000100[12]/04l5g000000000[0-9]/[a-z]{0,2}", 2..20),
        ) {
            let mut digests = std::collections::BTreeSet::new();
            let scopes = [None, Some(Igrp::new(1001)?), Some(Igrp::new(1002)?)];
            for text in &texts {
                for kind in RecordKind::ALL {
                    for igrp in scopes {
                        digests.insert(*KeyDigest::of(kind, igrp, text).as_bytes());
                    }
                }
            }
            prop_assert_eq!(digests.len(), texts.len() * 3 * scopes.len());
        }
    }

    #[test]
    fn only_keys_of_salesforce_ids_have_a_place() {
        assert!(of_notification("04l5g0000000001").is_ordered());
        for id in [
            "~04l5g000000001",
            "04l5g000000000",
            "04l5g0000000001AAA",
            "",
            "04l5g00000000-1",
        ] {
            assert!(!of_notification(id).is_ordered(), "{id}");
        }
        for text in ["", "04l5g0000000001", "a/b", "order 4711"] {
            let digest = KeyDigest::of(RecordKind::Event, None, text);
            assert!(!digest.is_ordered(), "{text}");
        }
    }

    #[test]
    fn digests_are_those_that_stores_hold() -> Result<(), sfbridge_values::InvalidIgrp> {
        let ordered = of_notification("04l5g0000000001");
        assert_eq!(hex(ordered.as_bytes()), "0000000000017c367f23e7a3c919b7ee");
        assert_eq!(hex(ordered.hash()), "7c367f23e7a3c919b7ee306bdf76dc5a");
        let own = KeyDigest::of(
            RecordKind::LeadEnrichment,
            Some(Igrp::new(1001)?),
            "order 4711",
        );
        assert_eq!(hex(own.as_bytes()), "84bafaa0fede3191d4f506d7e2f08763");
        Ok(())
    }

    fn hex(bytes: &[u8; 16]) -> String {
        format!("{:032x}", u128::from_be_bytes(*bytes))
    }
}
