//! A key to log in with, for demonstrations.

use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};

/// A private key, with the public key that is uploaded to the app.
pub struct DemoKey {
    private_key: String,
    public_key: String,
}

/// A key can't be made or read.
#[derive(Debug, thiserror::Error)]
#[error("it is no RSA private key in PEM (PKCS #8)")]
pub struct InvalidKey(#[source] rcgen::Error);

impl DemoKey {
    /// Makes a new RSA key of 2048 bits.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when the system has no randomness to give.
    pub fn generate() -> Result<Self, InvalidKey> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048);
        Ok(Self::of(&pair.map_err(InvalidKey)?))
    }

    /// Takes a key that is there.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] when the text is none.
    pub fn parse(pem: &str) -> Result<Self, InvalidKey> {
        let pair = KeyPair::from_pem_and_sign_algo(pem, &PKCS_RSA_SHA256);
        Ok(Self::of(&pair.map_err(InvalidKey)?))
    }

    fn of(pair: &KeyPair) -> Self {
        Self {
            private_key: pair.serialize_pem(),
            public_key: pair.public_key_pem(),
        }
    }

    /// The private key, in PEM.
    pub fn private_key(&self) -> &str {
        &self.private_key
    }

    /// The public key, in PEM, for [`App::certificate`](crate::App).
    pub fn public_key(&self) -> &str {
        &self.public_key
    }
}

impl std::fmt::Debug for DemoKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DemoKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_written_is_read_again() {
        let key = DemoKey::generate().unwrap();
        let again = DemoKey::parse(key.private_key()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert!(DemoKey::parse(key.public_key()).is_err());
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}
