//! Telling whether two contents are the same.

use sha2::{Digest, Sha256};

/// A hash of a record's content, to tell whether a repeat says something new.
///
/// Every part is written with its length, so that no two contents share an
/// encoding. What is hashed must not change between releases.
#[derive(Debug, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds a text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a text that may be absent; absent and empty differ.
    #[must_use]
    pub fn optional(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.integer(1).text(text),
            None => self.integer(0),
        }
    }

    /// Adds an integer.
    #[must_use]
    pub fn integer(mut self, integer: i64) -> Self {
        self.0.update(integer.to_le_bytes());
        self
    }

    /// Adds an integer that may be absent.
    #[must_use]
    pub fn optional_integer(self, integer: Option<i64>) -> Self {
        match integer {
            Some(integer) => self.integer(1).integer(integer),
            None => self.integer(0),
        }
    }

    /// Adds names and values in the order given.
    #[must_use]
    pub fn pairs<'a>(self, pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> Self {
        let count = i64::try_from(pairs.len()).unwrap_or(i64::MAX);
        pairs.fold(self.integer(count), |hash, (name, value)| {
            hash.text(name).text(value)
        })
    }

    /// The first 16 bytes of the hash.
    pub fn finish(self) -> [u8; 16] {
        let digest = self.0.finalize();
        std::array::from_fn(|n| digest[n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_contents_share_an_encoding() {
        let hashes = [
            Fingerprint::default().text("ab").text("c").finish(),
            Fingerprint::default().text("a").text("bc").finish(),
            Fingerprint::default().optional(Some("")).text("").finish(),
            Fingerprint::default().optional(None).text("").finish(),
            Fingerprint::default()
                .pairs([("a", "b")].into_iter())
                .finish(),
            Fingerprint::default().text("a").text("b").finish(),
        ];
        for (n, hash) in hashes.iter().enumerate() {
            assert!(!hashes[n + 1..].contains(hash), "{n}");
        }
    }
}
