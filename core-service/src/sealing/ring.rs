//! The keys of a core.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::SealingContext;
use super::key::{KeyId, SecretKey};
use super::sealed::{Sealed, SealingFailed};

/// The keys of a core: the first seals, all open. There is at least one.
#[derive(Clone, Debug)]
pub struct SecretKeys {
    first: Arc<SecretKey>,
    others: Arc<[SecretKey]>,
}

/// A text holds no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecretKeys {
    /// There is none.
    #[error("has no key; make one with `openssl rand -base64 32`")]
    None,
    /// One of them is none.
    #[error(
        "has something that is not a key, as number {0}: a key is 32 bytes as base64 or as 64 \
         hexadecimal digits, several have commas or line ends between; `openssl rand -base64 32` \
         makes one"
    )]
    NotAKey(usize),
    /// Nobody rotates that often.
    #[error("has more than {MAX_KEYS} keys; leave out those that seal nothing any more")]
    TooMany,
}

/// A sealed value can't be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CantOpen {
    /// The key that sealed it is not there.
    #[error(
        "sealed with a key that this core does not have: {0}; add that key to the core's secret \
         keys and restart it, or set the credentials anew"
    )]
    UnknownKey(KeyId),
    /// Its key is there and does not open it.
    #[error(
        "the sealed credentials were changed or moved in the store, and can't be opened any more; \
         set them anew"
    )]
    Changed,
}

/// The most keys.
const MAX_KEYS: usize = 16;

impl SecretKeys {
    /// Reads keys, with commas or white space between.
    ///
    /// # Errors
    ///
    /// [`InvalidSecretKeys`] says which one is at fault, and nothing of it.
    pub fn parse(text: &SecretString) -> Result<Self, InvalidSecretKeys> {
        let texts = text
            .expose_secret()
            .split(|character: char| character == ',' || character.is_whitespace())
            .filter(|text| !text.is_empty());
        let mut keys: Vec<SecretKey> = Vec::new();
        for (n, text) in texts.enumerate() {
            if n == MAX_KEYS {
                return Err(InvalidSecretKeys::TooMany);
            }
            keys.push(SecretKey::parse(text).map_err(|_| InvalidSecretKeys::NotAKey(n + 1))?);
        }
        let mut keys = keys.into_iter();
        Ok(Self {
            first: Arc::new(keys.next().ok_or(InvalidSecretKeys::None)?),
            others: keys.collect(),
        })
    }

    /// The key that seals.
    pub fn first(&self) -> KeyId {
        self.first.id()
    }

    /// Whether a key is among these.
    pub fn has(&self, id: KeyId) -> bool {
        self.find(id).is_some()
    }

    /// Seals a secret with the first key.
    ///
    /// # Errors
    ///
    /// [`SealingFailed`] when the system has no random numbers.
    pub fn seal(
        &self,
        secret: &SecretString,
        context: &SealingContext,
    ) -> Result<Sealed, SealingFailed> {
        self.first.seal(secret, context)
    }

    /// Opens a sealed value in its context.
    ///
    /// # Errors
    ///
    /// [`CantOpen`] says whether the key is missing or the value is not what
    /// was sealed.
    pub fn open(
        &self,
        sealed: &Sealed,
        context: &SealingContext,
    ) -> Result<SecretString, CantOpen> {
        let key = self
            .find(sealed.key_id())
            .ok_or(CantOpen::UnknownKey(sealed.key_id()))?;
        key.open(sealed, context).ok_or(CantOpen::Changed)
    }

    fn find(&self, id: KeyId) -> Option<&SecretKey> {
        std::iter::once(self.first.as_ref())
            .chain(self.others.iter())
            .find(|key| key.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(text: &str) -> Result<SecretKeys, InvalidSecretKeys> {
        SecretKeys::parse(&SecretString::from(text))
    }

    /// Keys of these bytes.
    fn ring(bytes: &[u8]) -> SecretKeys {
        let texts: Vec<String> = bytes
            .iter()
            .map(|byte| format!("{byte:02x}").repeat(32))
            .collect();
        keys(&texts.join(",")).unwrap()
    }

    fn context(parts: &[&str]) -> SealingContext {
        SealingContext::new("test", parts.iter().copied())
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let secret = SecretString::from("s3cret");
        let old = ring(&[1]).seal(&secret, &context(&["7"])).unwrap();
        let both = ring(&[2, 1]);
        assert_eq!(old.key_id(), ring(&[1]).first());
        let opened = both.open(&old, &context(&["7"])).unwrap();
        assert_eq!(opened.expose_secret(), "s3cret");
        let new = both.seal(&opened, &context(&["7"])).unwrap();
        assert_eq!(new.key_id(), ring(&[2]).first());
        let unknown = ring(&[2]).open(&old, &context(&["7"])).unwrap_err();
        assert_eq!(unknown, CantOpen::UnknownKey(old.key_id()));
        assert!(unknown.to_string().contains(&old.key_id().to_string()));
    }

    #[test]
    fn several_keys_have_commas_or_line_ends_between() {
        let (one, two) = ("11".repeat(32), "22".repeat(32));
        for between in [",", "\n", " , ", "\r\n", "\n\n"] {
            let read = keys(&format!(" {one}{between}{two}\n")).unwrap();
            assert_eq!(read.first(), ring(&[0x11]).first());
            assert!(read.has(ring(&[0x22]).first()));
        }
        let error = |text: &str| keys(text).unwrap_err();
        assert_eq!(error(" \n"), InvalidSecretKeys::None);
        assert_eq!(
            error(&format!("{one},hunter2")),
            InvalidSecretKeys::NotAKey(2)
        );
        assert!(!error("hunter2").to_string().contains("hunter2"));
        let many = vec![one; MAX_KEYS + 1].join(",");
        assert_eq!(error(&many), InvalidSecretKeys::TooMany);
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_in_its_context_and_in_no_other(
            secret in ".{0,200}",
            parts in prop::collection::vec("[a-z0-9]{0,4}", 1..4),
            others in prop::collection::vec("[a-z0-9]{0,4}", 1..4),
        ) {
            let given = SecretString::from(secret.as_str());
            let of = |parts: &[String]| SealingContext::new("t", parts.iter().map(String::as_str));
            let sealed = ring(&[7]).seal(&given, &of(&parts)).unwrap();
            let opened = ring(&[7]).open(&sealed, &of(&parts)).unwrap();
            prop_assert_eq!(opened.expose_secret(), secret.as_str());
            if parts != others {
                let moved = ring(&[7]).open(&sealed, &of(&others)).unwrap_err();
                prop_assert_eq!(moved, CantOpen::Changed);
            }
        }

        #[test]
        fn a_changed_value_does_not_open(at in any::<prop::sample::Index>(), bit in 0..8_u8, end in 0..40_usize) {
            let sealed = ring(&[7]).seal(&SecretString::from("s3cret"), &context(&[])).unwrap();
            let mut bytes = sealed.bytes().to_vec();
            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let changed = Sealed::from_parts(sealed.key_id(), bytes);
            let refused = ring(&[7]).open(&changed, &context(&[])).unwrap_err();
            prop_assert_eq!(refused, CantOpen::Changed);
            // Nor does one that was cut short, to whatever length.
            let cut = &sealed.bytes()[..end.min(sealed.bytes().len() - 1)];
            let cut = Sealed::from_parts(sealed.key_id(), cut.to_vec());
            prop_assert!(ring(&[7]).open(&cut, &context(&[])).is_err());
        }

        #[test]
        fn nothing_of_a_secret_is_shown_and_no_two_sealings_are_alike(secret in "[A-Za-z]{12,40}") {
            let given = SecretString::from(secret.as_str());
            let seal = || ring(&[7]).seal(&given, &context(&[])).unwrap();
            let sealed = seal();
            let shown = format!("{sealed:?} {:?}", ring(&[7]));
            prop_assert!(!shown.contains(&secret));
            let has = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            prop_assert!(!has(sealed.bytes()));
            prop_assert_ne!(sealed, seal());
        }
    }
}
