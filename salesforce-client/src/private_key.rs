//! The private key of the JWT bearer flow.

use std::fmt;

use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::{ExposeSecret as _, SecretString};

/// An RSA private key that can sign. It can't be shown, and is wiped from
/// memory with its last clone.
#[derive(Clone)]
pub struct PrivateKey(EncodingKey);

/// A text is no private key to log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrivateKey {
    /// No PEM.
    #[error(
        "is not a key in PEM; it begins with a line like -----BEGIN PRIVATE KEY----- and ends with \
         one like -----END PRIVATE KEY-----"
    )]
    NotPem,
    /// A public key or a certificate.
    #[error(
        "is a certificate or a public key, which belongs into Salesforce; the private key that it \
         was made with is needed here"
    )]
    Public,
    /// Nobody is there to type the passphrase.
    #[error("is encrypted; decrypt it first, with openssl pkey -in KEY -out KEY.decrypted")]
    Encrypted,
    /// OpenSSH's own form.
    #[error("is in OpenSSH's form; convert it first, with ssh-keygen -p -m PEM -f KEY")]
    OpenSsh,
    /// Salesforce takes RS256 alone.
    #[error("is no RSA key; Salesforce takes no other, such as of openssl genrsa 2048")]
    NotRsa,
    /// Damaged, or too short.
    #[error("is damaged, or has fewer than 2048 bits")]
    Unusable,
}

impl PrivateKey {
    /// Reads a key in PEM, PKCS #8 or PKCS #1. Other blocks in the text, such as
    /// its certificate, are passed over.
    ///
    /// # Errors
    ///
    /// [`InvalidPrivateKey`] says what it is instead.
    pub fn parse(pem: &SecretString) -> Result<Self, InvalidPrivateKey> {
        let text = pem.expose_secret();
        let (label, block) = private_block(text)?;
        let is_encrypted = label.starts_with("ENCRYPTED") || block.contains("ENCRYPTED");
        if is_encrypted {
            return Err(InvalidPrivateKey::Encrypted);
        }
        match label {
            "OPENSSH PRIVATE KEY" => return Err(InvalidPrivateKey::OpenSsh),
            "EC PRIVATE KEY" | "DSA PRIVATE KEY" => return Err(InvalidPrivateKey::NotRsa),
            _ => {}
        }
        let bytes = block.as_bytes();
        let Ok(key) = EncodingKey::from_rsa_pem(bytes) else {
            let is_other =
                EncodingKey::from_ec_pem(bytes).is_ok() || EncodingKey::from_ed_pem(bytes).is_ok();
            return Err(if is_other {
                InvalidPrivateKey::NotRsa
            } else {
                InvalidPrivateKey::Unusable
            });
        };
        // Whether a key can sign shows when it does.
        jsonwebtoken::crypto::sign(b"sfbridge", &key, Algorithm::RS256)
            .map_err(|_| InvalidPrivateKey::Unusable)?;
        Ok(Self(key))
    }

    pub(crate) fn key(&self) -> &EncodingKey {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// The label and the text of the first block that holds a private key.
fn private_block(text: &str) -> Result<(&str, &str), InvalidPrivateKey> {
    const BEGIN: &str = "-----BEGIN ";
    const DASHES: &str = "-----";

    let mut has_other = false;
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let block = &rest[start..];
        let after = &block[BEGIN.len()..];
        let label = after.split_once(DASHES).map(|(label, _)| label);
        let label = label.ok_or(InvalidPrivateKey::NotPem)?;
        if label.ends_with("PRIVATE KEY") {
            let end = format!("-----END {label}-----");
            let place = block.find(&end).ok_or(InvalidPrivateKey::NotPem)?;
            return Ok((label, &block[..place + end.len()]));
        }
        has_other = true;
        rest = after;
    }
    Err(if has_other {
        InvalidPrivateKey::Public
    } else {
        InvalidPrivateKey::NotPem
    })
}

#[cfg(test)]
mod tests {
    use salesforce_sim::DemoKey;

    use super::*;

    #[track_caller]
    fn check(pem: &str, expected: Option<InvalidPrivateKey>) {
        let parsed = PrivateKey::parse(&SecretString::from(pem.to_owned()));
        assert_eq!(parsed.err(), expected, "{pem}");
    }

    #[test]
    fn rsa_keys_are_taken_in_both_forms_and_among_others() {
        let demo = DemoKey::generate().unwrap();
        let pkcs8 = demo.private_key().to_owned();
        check(&pkcs8, None);
        check(&pkcs8.replace('\n', "\r\n"), None);
        check(&format!("\n{}\n{pkcs8}", demo.public_key()), None);
        check(include_str!("../tests/keys/rsa-pkcs1.pem"), None);
    }

    #[test]
    fn what_is_wrong_with_other_keys_is_told() {
        let demo = DemoKey::generate().unwrap();
        check("", Some(InvalidPrivateKey::NotPem));
        check("secret", Some(InvalidPrivateKey::NotPem));
        check(
            "-----BEGIN PRIVATE KEY-----\nAAAA",
            Some(InvalidPrivateKey::NotPem),
        );
        check(demo.public_key(), Some(InvalidPrivateKey::Public));
        let encrypted = include_str!("../tests/keys/rsa-encrypted.pem");
        check(encrypted, Some(InvalidPrivateKey::Encrypted));
        let traditional = include_str!("../tests/keys/rsa-pkcs1-encrypted.pem");
        check(traditional, Some(InvalidPrivateKey::Encrypted));
        check(
            include_str!("../tests/keys/ec.pem"),
            Some(InvalidPrivateKey::NotRsa),
        );
        check(
            include_str!("../tests/keys/ec-sec1.pem"),
            Some(InvalidPrivateKey::NotRsa),
        );
        let short = include_str!("../tests/keys/rsa-1024.pem");
        check(short, Some(InvalidPrivateKey::Unusable));
        let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----");
        check(&block("PRIVATE KEY"), Some(InvalidPrivateKey::Unusable));
        check(&block("CERTIFICATE"), Some(InvalidPrivateKey::Public));
        check(
            &block("OPENSSH PRIVATE KEY"),
            Some(InvalidPrivateKey::OpenSsh),
        );
    }

    #[test]
    fn a_key_is_never_shown() {
        let demo = DemoKey::generate().unwrap();
        let key = PrivateKey::parse(&SecretString::from(demo.private_key().to_owned())).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(..)");
    }
}
