//! A sealed value.

use std::fmt;

use super::KeyId;

/// How long a nonce is.
pub(super) const NONCE_BYTES: usize = 12;

/// A value that only its key opens, and only in its context.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    key_id: KeyId,
    /// The nonce, the ciphertext, the tag.
    bytes: Vec<u8>,
}

/// Nothing could be sealed: the system has no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be sealed: the system gives no random numbers")]
pub struct SealingFailed;

impl Sealed {
    pub(super) fn new(key_id: KeyId, nonce: [u8; NONCE_BYTES], sealed: &[u8]) -> Self {
        let bytes = [nonce.as_slice(), sealed].concat();
        Self { key_id, bytes }
    }

    /// A value as it was kept. Whether it can be opened, opening will tell.
    pub fn from_parts(key_id: KeyId, bytes: Vec<u8>) -> Self {
        Self { key_id, bytes }
    }

    /// The key that opens it.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// What is to be kept beside the key's id.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(by {})", self.key_id)
    }
}
