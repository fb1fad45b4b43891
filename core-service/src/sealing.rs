//! Secrets that are kept sealed: AES-256-GCM, with keys that are not in the
//! store.
//!
//! A [`Sealed`] value says which key opens it, and opens only in the
//! [`SealingContext`] that it was sealed in: a row that was moved or changed
//! does not. So a copy of the store without the key opens nothing.

mod context;
mod key;
mod key_file;
mod ring;
mod sealed;

pub use context::SealingContext;
pub use key::{KeyId, SecretKey};
pub use key_file::{SecretKeyError, SecretKeySource};
pub use ring::{CantOpen, InvalidSecretKeys, SecretKeys};
pub use sealed::{Sealed, SealingFailed};
