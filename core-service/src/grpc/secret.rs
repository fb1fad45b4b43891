//! Secrets that open something, and what is kept of them.

use rand::RngCore;
use sha2::{Digest, Sha256};

/// Bytes that nobody can guess.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// What is kept of a secret: SHA-256 of its text. That is enough for one with
/// as many random bits as no one can try.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
