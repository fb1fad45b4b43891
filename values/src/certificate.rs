//! Client certificates, as far as senders are judged by them.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 fingerprint of a certificate: of its DER bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// A text is not the fingerprint of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the SHA-256 fingerprint of a certificate: 64 hexadecimal digits, with or without \
     colons, as `openssl x509 -noout -fingerprint -sha256` prints them"
)]
pub struct InvalidFingerprint;

impl Fingerprint {
    /// A fingerprint from its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a fingerprint of 64 hexadecimal digits in any case, with or without
    /// colons between the bytes, alone or as openssl prints it.
    ///
    /// # Errors
    ///
    /// [`InvalidFingerprint`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidFingerprint> {
        let text = text.trim();
        let text = match text.split_once('=') {
            Some((name, text)) if name.eq_ignore_ascii_case("sha256 fingerprint") => text,
            _ => text,
        };
        let width = match text.len() {
            64 => 2,
            95 => 3,
            _ => return Err(InvalidFingerprint),
        };
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(width)) {
            let [high, low, colon @ ..] = digits else {
                return Err(InvalidFingerprint);
            };
            if !matches!(colon, [] | [b':']) {
                return Err(InvalidFingerprint);
            }
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }
}

fn digit(character: u8) -> Result<u8, InvalidFingerprint> {
    let value = char::from(character).to_digit(16);
    value
        .and_then(|value| u8::try_from(value).ok())
        .ok_or(InvalidFingerprint)
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The certificate of a client that has proved that it holds its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Of the certificate itself.
    pub fingerprint: Fingerprint,
    /// Of the accepted authorities that it chains to; empty when there is none.
    pub authorities: Vec<Fingerprint>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab";

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons_in_any_case() {
        let plain = Fingerprint::parse(PLAIN).unwrap();
        assert_eq!(plain.to_string(), PLAIN);

        let pairs: Vec<&str> = (0..32).map(|n| &PLAIN[2 * n..2 * n + 2]).collect();
        let colons = pairs.join(":").to_uppercase();
        assert_eq!(Fingerprint::parse(&format!(" {colons}\n")), Ok(plain));
        let printed = format!("sha256 Fingerprint={colons}\n");
        assert_eq!(Fingerprint::parse(&printed), Ok(plain));
    }

    #[test]
    fn anything_else_is_no_fingerprint() {
        for text in [
            "",
            "00",
            &PLAIN[1..],
            &format!("{PLAIN}0"),
            &PLAIN.replace('f', "g"),
            &PLAIN.replace('f', "é"),
            &"00-".repeat(32)[..95],
            &"0".repeat(95),
            &format!("sha1 Fingerprint={PLAIN}"),
        ] {
            assert_eq!(Fingerprint::parse(text), Err(InvalidFingerprint), "{text}");
        }
    }
}
