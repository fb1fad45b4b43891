//! URL tokens of the contract.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sfbridge_proto::v1 as pb;
use sfbridge_values::{OrganizationId, ShortText, Timestamp};

use super::{secret, time};
use crate::domain::{NewUrlToken, UrlToken, UrlTokenId, UrlTokenState};
use crate::error::{Error, Violation};

/// Reads a token to make, and names every field at fault.
pub(super) fn read(token: pb::UrlToken) -> Result<NewUrlToken, Error> {
    let pb::UrlToken {
        url_token_id: _,
        display_name,
        organization_id,
        create_time: _,
        revoke_time: _,
    } = token;
    let display_name = ShortText::new(display_name.trim());
    let organization_id = match organization_id.trim() {
        "" => Ok(None),
        id => OrganizationId::parse(id).map(Some),
    };
    match (display_name, organization_id) {
        (Ok(display_name), Ok(organization_id)) => Ok(NewUrlToken {
            display_name,
            organization_id,
        }),
        (display_name, organization_id) => {
            let violations = [
                violation("display_name", display_name.err()),
                violation("organization_id", organization_id.err()),
            ];
            Err(Error::Invalid(violations.into_iter().flatten().collect()))
        }
    }
}

fn violation(field: &str, invalid: Option<impl std::fmt::Display>) -> Option<Violation> {
    invalid.map(|invalid| Violation {
        field: format!("url_token.{field}"),
        description: format!("{field} {invalid}"),
    })
}

/// Makes a token and its text, which is `<id>.<secret>`: short, because
/// Salesforce's endpoint URLs are, and without a character that needs escaping
/// there.
pub(super) fn make(new: NewUrlToken, now: Timestamp) -> (UrlToken, String) {
    let id = UrlTokenId::new(secret::random());
    let secret = URL_SAFE_NO_PAD.encode(secret::random::<16>());
    let text = format!("{id}.{secret}");
    let NewUrlToken {
        display_name,
        organization_id,
    } = new;
    let token = UrlToken {
        url_token_id: id,
        display_name,
        organization_id,
        create_time: now,
        state: UrlTokenState::Valid {
            secret_hash: secret::hash(&secret),
        },
    };
    (token, text)
}

pub(super) fn write(token: UrlToken) -> pb::UrlToken {
    let UrlToken {
        url_token_id,
        display_name,
        organization_id,
        create_time,
        state,
    } = token;
    pb::UrlToken {
        url_token_id: url_token_id.to_string(),
        display_name: display_name.to_string(),
        organization_id: organization_id.map(|id| id.to_string()).unwrap_or_default(),
        create_time: Some(time::write(create_time)),
        revoke_time: match state {
            UrlTokenState::Valid { .. } => None,
            UrlTokenState::Revoked { revoke_time } => Some(time::write(revoke_time)),
        },
    }
}

/// What gateways check tokens by; nothing when they know it already.
pub(super) fn write_rules(
    tokens: Vec<UrlToken>,
    known_revision: &str,
) -> pb::GetSenderRulesResponse {
    let revision = UrlToken::revision_of(tokens.iter());
    let revision = format!("{:032x}", u128::from_be_bytes(revision));
    let is_unchanged = revision == known_revision;
    pb::GetSenderRulesResponse {
        revision,
        is_unchanged,
        url_tokens: if is_unchanged {
            Vec::new()
        } else {
            tokens.into_iter().map(write_rule).collect()
        },
    }
}

fn write_rule(token: UrlToken) -> pb::UrlTokenRule {
    pb::UrlTokenRule {
        url_token_id: token.url_token_id.to_string(),
        secret_hash: match token.state {
            UrlTokenState::Valid { secret_hash } => secret_hash.to_vec(),
            UrlTokenState::Revoked { .. } => Vec::new(),
        },
        organization_id: token
            .organization_id
            .map(|id| id.key().to_owned())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (UrlToken, String) {
        let new = NewUrlToken {
            display_name: ShortText::default(),
            organization_id: None,
        };
        make(new, Timestamp::from_micros(0))
    }

    #[test]
    fn a_text_is_an_id_and_128_random_bits_that_need_no_escaping() {
        let (token, text) = made();
        let (id, secret) = text.split_once('.').unwrap();
        assert_eq!(UrlTokenId::parse(id), Ok(token.url_token_id));
        assert_eq!(URL_SAFE_NO_PAD.decode(secret).unwrap().len(), 16);
        assert_eq!(text.len(), 33);
        let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        assert!(text.bytes().all(is_unreserved), "{text}");
        assert_ne!(made().1, text);
    }

    #[test]
    fn only_the_hash_of_the_secret_is_kept() {
        let (token, text) = made();
        let (_, secret) = text.split_once('.').unwrap();
        let kept = format!("{token:?}");
        assert!(!kept.contains(secret), "{kept}");
        let secret_hash = secret::hash(secret);
        assert_eq!(token.state, UrlTokenState::Valid { secret_hash });
    }
}
