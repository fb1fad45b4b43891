//! Tokens in endpoint URLs, by which senders show that they know the URL.

use std::fmt;

use sfbridge_values::{OrganizationId, ShortText, Timestamp};

use super::Fingerprint;

/// The most tokens, revoked ones too: gateways hold all of them.
pub const MAX_URL_TOKENS: u32 = 10_000;

/// The id of a URL token, the public part of its text: 10 hexadecimal
/// characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlTokenId([u8; 5]);

/// A text is not the id of a URL token. It is not repeated: it may be the
/// whole text of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the id of a URL token: 10 hexadecimal characters, the part of its text before the point"
)]
pub struct InvalidUrlTokenId;

impl UrlTokenId {
    /// An id of these random bytes.
    pub fn new(bytes: [u8; 5]) -> Self {
        Self(bytes)
    }

    /// Reads an id in either case, surrounding white space aside.
    ///
    /// # Errors
    ///
    /// [`InvalidUrlTokenId`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidUrlTokenId> {
        let text = text.trim();
        // A number would be read with a sign, too.
        if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidUrlTokenId);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| InvalidUrlTokenId)?;
        let [_, _, _, id @ ..] = number.to_be_bytes();
        Ok(Self(id))
    }
}

impl fmt::Display for UrlTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A URL token to make.
#[derive(Clone, Debug)]
pub struct NewUrlToken {
    /// A name for people.
    pub display_name: ShortText,
    /// The organisation whose messages it admits; none means any.
    pub organization_id: Option<OrganizationId>,
}

/// A URL token without its text.
#[derive(Clone, Debug)]
pub struct UrlToken {
    /// Its id.
    pub url_token_id: UrlTokenId,
    /// A name for people.
    pub display_name: ShortText,
    /// The organisation whose messages it admits; none means any.
    pub organization_id: Option<OrganizationId>,
    /// When it was made.
    pub create_time: Timestamp,
    /// Whether it admits anything.
    pub state: UrlTokenState,
}

impl UrlToken {
    /// Tells whether gateways have to learn anything new: equal for tokens that
    /// admit the same.
    pub fn revision_of<'a>(tokens: impl ExactSizeIterator<Item = &'a Self>) -> [u8; 16] {
        let count = i64::try_from(tokens.len()).unwrap_or(i64::MAX);
        let hash = Fingerprint::default().integer(count);
        tokens
            .fold(hash, |hash, token| {
                let organization = token.organization_id.as_ref().map(OrganizationId::key);
                let hash = hash
                    .text(&token.url_token_id.to_string())
                    .optional(organization);
                match token.state {
                    UrlTokenState::Valid { secret_hash } => hash.integer(1).bytes(&secret_hash),
                    UrlTokenState::Revoked { .. } => hash.integer(0),
                }
            })
            .finish()
    }
}

/// Whether a URL token admits anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlTokenState {
    /// It does.
    Valid {
        /// SHA-256 of the secret part of its text.
        secret_hash: [u8; 32],
    },
    /// It does not any more. That it is there still makes tokens needed.
    Revoked {
        /// Since when.
        revoke_time: Timestamp,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> UrlToken {
        UrlToken {
            url_token_id: UrlTokenId::new([0, 1, 0x2a, 0xbc, 0xff]),
            display_name: ShortText::default(),
            organization_id: None,
            create_time: Timestamp::from_micros(0),
            state: UrlTokenState::Valid {
                secret_hash: [7; 32],
            },
        }
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = token().url_token_id;
        assert_eq!(id.to_string(), "00012abcff");
        assert_eq!(UrlTokenId::parse(" 00012ABCff\n"), Ok(id));
    }

    #[test]
    fn anything_else_is_no_id_and_is_not_repeated() {
        let whole = "00012abcff.c2VjcmV0IHNlY3JldCBzZQ";
        for text in [
            "",
            "00012abcf",
            "00012abcff0",
            "+0012abcff",
            "00012abcfé",
            whole,
        ] {
            let refused = UrlTokenId::parse(text).unwrap_err().to_string();
            assert!(!refused.contains("c2Vj"), "{refused}");
        }
    }

    #[test]
    fn a_revision_changes_with_what_is_admitted_and_with_nothing_else() {
        let of = |tokens: &[UrlToken]| UrlToken::revision_of(tokens.iter());
        let organization = |id| Some(OrganizationId::parse(id).unwrap());
        let revoked = |micros| UrlToken {
            state: UrlTokenState::Revoked {
                revoke_time: Timestamp::from_micros(micros),
            },
            ..token()
        };
        let ours = UrlToken {
            organization_id: organization("00D000000000062EAA"),
            ..token()
        };
        let sets = [
            vec![],
            vec![token()],
            vec![token(), token()],
            vec![ours.clone()],
            vec![revoked(1)],
            vec![UrlToken {
                url_token_id: UrlTokenId::new([9; 5]),
                ..token()
            }],
            vec![UrlToken {
                state: UrlTokenState::Valid {
                    secret_hash: [8; 32],
                },
                ..token()
            }],
        ];
        for (n, set) in sets.iter().enumerate() {
            assert!(sets[..n].iter().all(|other| of(other) != of(set)), "{n}");
        }

        let renamed = UrlToken {
            display_name: ShortText::new("other").unwrap(),
            create_time: Timestamp::from_micros(9),
            organization_id: organization("00D000000000062"),
            ..token()
        };
        assert_eq!(of(&[ours]), of(&[renamed]));
        assert_eq!(of(&[revoked(1)]), of(&[revoked(2)]));
    }
}
