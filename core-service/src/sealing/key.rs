//! Keys that seal.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};

use super::SealingContext;
use super::sealed::{NONCE_BYTES, Sealed, SealingFailed};

/// How long a key is.
const KEY_BYTES: usize = 32;

/// Which key sealed a value: 16 hexadecimal digits that are made of the key and
/// tell nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

/// A text is not the id of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the id of a secret key: 16 hexadecimal digits")]
pub struct InvalidKeyId;

impl KeyId {
    /// Reads an id.
    ///
    /// # Errors
    ///
    /// [`InvalidKeyId`] unless it is 16 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, InvalidKeyId> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidKeyId);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| InvalidKeyId)?;
        Ok(Self(number.to_be_bytes()))
    }

    /// Of the bytes of a key. The words before them keep this hash apart from
    /// any other that is made of the same bytes.
    fn of(bytes: &[u8; KEY_BYTES]) -> Self {
        let digest = Sha256::new()
            .chain_update(b"sfbridge secret key id\0")
            .chain_update(bytes)
            .finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A key that seals and opens.
pub struct SecretKey {
    id: KeyId,
    key: RandomizedNonceKey,
}

/// A text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not 32 bytes as base64 or as 64 hexadecimal digits")]
pub(super) struct InvalidSecretKey;

impl SecretKey {
    /// Reads a key: 32 bytes as base64, in either alphabet and with or without
    /// padding, or as hexadecimal digits.
    ///
    /// # Errors
    ///
    /// [`InvalidSecretKey`] for anything else. It does not repeat the text.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidSecretKey> {
        let bytes = if text.len() == KEY_BYTES * 2 {
            read_hex(text)
        } else {
            read_base64(text)
        };
        let bytes = bytes.ok_or(InvalidSecretKey)?;
        Self::from_bytes(&bytes)
    }

    /// Makes the text of a new key that nobody can guess.
    ///
    /// # Errors
    ///
    /// [`SealingFailed`] when the system has no random numbers.
    pub(super) fn make() -> Result<SecretString, SealingFailed> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| SealingFailed)?;
        let text = base64::engine::general_purpose::STANDARD.encode(bytes.as_slice());
        Ok(SecretString::from(text))
    }

    fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Result<Self, InvalidSecretKey> {
        Ok(Self {
            id: KeyId::of(bytes),
            key: RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| InvalidSecretKey)?,
        })
    }

    /// Which key it is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn seal(
        &self,
        secret: &SecretString,
        context: &SealingContext,
    ) -> Result<Sealed, SealingFailed> {
        // What is sealed in place was the secret before; with room for the tag
        // it is not moved, so nothing is left of it elsewhere.
        let text = secret.expose_secret().as_bytes();
        let mut bytes = Vec::with_capacity(text.len() + AES_256_GCM.tag_len());
        bytes.extend_from_slice(text);
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut bytes)
            .map_err(|_| SealingFailed)?;
        Ok(Sealed::new(self.id, *nonce.as_ref(), &bytes))
    }

    /// Opens a value. `None` when it was changed, or sealed in another context.
    pub(super) fn open(&self, sealed: &Sealed, context: &SealingContext) -> Option<SecretString> {
        let (nonce, text) = sealed.bytes().split_first_chunk::<NONCE_BYTES>()?;
        let mut bytes = Zeroizing::new(text.to_vec());
        let opened = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(context.as_bytes()),
                &mut bytes,
            )
            .ok()?;
        Some(SecretString::from(std::str::from_utf8(opened).ok()?))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

fn read_hex(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn read_base64(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [STANDARD, URL_SAFE].into_iter().find_map(|alphabet| {
        let read = GeneralPurpose::new(&alphabet, config).decode(text).ok()?;
        let read = Zeroizing::new(read);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if read.len() != KEY_BYTES {
            return None;
        }
        bytes.copy_from_slice(&read);
        Some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, is_key: bool) {
        assert_eq!(SecretKey::parse(text).is_ok(), is_key, "{text}");
    }

    #[test]
    fn a_key_is_32_bytes_in_any_usual_spelling() {
        let bytes = [0xfb_u8; KEY_BYTES];
        let standard = base64::engine::general_purpose::STANDARD.encode(bytes);
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        assert!(standard.contains('+') && url_safe.contains('-'));
        let hex = "fb".repeat(KEY_BYTES);
        let spellings = [&standard, standard.trim_end_matches('='), &url_safe, &hex];
        let ids = spellings.map(|text| SecretKey::parse(text).unwrap().id());
        assert_eq!(ids, [ids[0]; 4]);
        check(&hex.to_uppercase(), true);

        check("", false);
        check("password", false);
        check(&hex[..62], false);
        check(&hex.replace('b', "g"), false);
        check(&standard[..40], false);
        check(&format!("{standard}{standard}"), false);
        check(&"+".repeat(KEY_BYTES * 2), false);
    }

    #[test]
    fn a_made_key_reads_and_no_two_are_alike() {
        let made = || SecretKey::parse(SecretKey::make().unwrap().expose_secret()).unwrap();
        assert_ne!(made().id(), made().id());
    }

    #[test]
    fn an_id_reads_back_and_shows_nothing_of_its_key() {
        let key = SecretKey::parse(&"5a".repeat(KEY_BYTES)).unwrap();
        let shown = key.id().to_string();
        assert_eq!(KeyId::parse(&shown), Ok(key.id()));
        assert_eq!(format!("{key:?}"), format!("SecretKey({shown})"));
        assert!(!shown.contains("5a5a"));
        for wrong in ["", "+123456789012345", "0123", "g123456789012345"] {
            assert_eq!(KeyId::parse(wrong), Err(InvalidKeyId), "{wrong}");
        }
    }
}
