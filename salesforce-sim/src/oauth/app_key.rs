//! The key that checks who signed a JWT.

use std::fmt;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::errors::Error;

/// The public key of the certificate that was uploaded to the app, if any.
pub(crate) struct AppKey(Option<DecodingKey>);

impl AppKey {
    /// Reads a certificate or a public key in PEM.
    pub(crate) fn new(pem: Option<&str>) -> Result<Self, Error> {
        let key = pem.map(|pem| DecodingKey::from_rsa_pem(pem.as_bytes()));
        Ok(Self(key.transpose()?))
    }

    pub(super) fn key(&self) -> Option<&DecodingKey> {
        self.0.as_ref()
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.is_some() { "given" } else { "none" };
        write!(f, "AppKey({state})")
    }
}
