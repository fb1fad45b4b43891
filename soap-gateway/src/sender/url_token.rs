//! The token in the endpoint's URL, and what the core says of tokens.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use sfbridge_values::OrganizationId;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::fault::{Fault, Reason};
use crate::parameters::GivenToken;

/// The parameter that tokens are given in.
const PARAMETER: &str = "token";

/// Which tokens there are, as the core said once.
#[derive(Debug, Default)]
pub(crate) struct TokenRules {
    rules: HashMap<Box<str>, TokenRule>,
    /// Whether every request needs a token.
    is_always_needed: bool,
    /// The organisations whose messages need one.
    needed_for: HashSet<Box<str>>,
}

/// What is known of one token.
#[derive(Clone, Debug)]
pub(crate) struct TokenRule {
    /// SHA-256 of its secret. None when it is revoked.
    pub(crate) secret_hash: Option<[u8; 32]>,
    /// The first 15 characters of the organisation that it is for, if it is for
    /// one.
    pub(crate) organization: Option<Box<str>>,
}

/// What the token of a request allows, by the rules of that moment.
#[derive(Clone, Debug)]
pub(crate) struct TokenPass {
    rules: Arc<TokenRules>,
    holder: Holder,
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holder {
    /// There is no token, or none is asked for.
    Nobody,
    /// The token is for any organisation.
    Anybody,
    /// The token is for the organisation of this key.
    Organization(Box<str>),
}

impl TokenRules {
    /// Rules by the ids of their tokens. A revoked token goes on being needed,
    /// so that revoking the last one opens nothing.
    pub(crate) fn new(rules: HashMap<Box<str>, TokenRule>) -> Self {
        let organizations = rules.values().map(|rule| &rule.organization);
        Self {
            is_always_needed: organizations.clone().any(Option::is_none),
            needed_for: organizations.flatten().cloned().collect(),
            rules,
        }
    }

    /// Judges the token of a request before its message is known.
    ///
    /// # Errors
    ///
    /// A refusal, 403, when every request needs a token and there is none, and
    /// when there is one that is not valid. Where there are no tokens at all,
    /// whatever is given counts as none.
    pub(crate) fn judge(self: &Arc<Self>, given: &GivenToken) -> Result<TokenPass, Fault> {
        let holder = match given {
            _ if self.rules.is_empty() => Holder::Nobody,
            GivenToken::None if self.is_always_needed => return Err(needed()),
            GivenToken::None => Holder::Nobody,
            GivenToken::Unusable => return Err(not_valid()),
            GivenToken::Text(text) => self.holder(text).ok_or_else(not_valid)?,
        };
        Ok(TokenPass {
            rules: Arc::clone(self),
            holder,
        })
    }

    /// Whose token a text is; none when it is not valid.
    ///
    /// The id is no secret and is looked up; the secret is compared by its hash
    /// in constant time. The same work is done for an id that does not exist.
    fn holder(&self, text: &SecretString) -> Option<Holder> {
        let text = text.expose_secret();
        let (id, secret) = text.split_once('.').unwrap_or(("", text));
        let rule = self.rules.get(id);
        let known = rule.and_then(|rule| rule.secret_hash);

        let given: [u8; 32] = Sha256::digest(secret).into();
        let is_same = bool::from(given.ct_eq(&known.unwrap_or_default()));
        let rule = rule.filter(|_| is_same && known.is_some())?;
        Some(match &rule.organization {
            None => Holder::Anybody,
            Some(organization) => Holder::Organization(organization.clone()),
        })
    }
}

impl TokenPass {
    /// Lets in the messages of an organisation.
    ///
    /// # Errors
    ///
    /// A refusal, 403, when the organisation needs a token and there is none,
    /// and when the token is for another organisation.
    pub(crate) fn admit(&self, organization_id: &OrganizationId) -> Result<(), Fault> {
        let key = organization_id.key();
        match &self.holder {
            Holder::Anybody => Ok(()),
            Holder::Nobody if self.rules.needed_for.contains(key) => Err(needed()),
            Holder::Nobody => Ok(()),
            Holder::Organization(own) if bool::from(own.as_bytes().ct_eq(key.as_bytes())) => Ok(()),
            Holder::Organization(_) => Err(not_of_this_organization()),
        }
    }
}

fn needed() -> Fault {
    Fault::new(
        Reason::TokenNeeded,
        "Messages are taken only with a token in the URL, and this URL has none; get one from \
         whoever runs the receiving system, and add it to the outbound message's endpoint URL as \
         the parameter `token`.",
    )
    .of_parameter(PARAMETER)
}

fn not_valid() -> Fault {
    Fault::new(
        Reason::TokenNotAllowed,
        "The token in the URL is not valid, either mistyped, given twice or revoked; get a valid \
         one from whoever runs the receiving system, and put it into the outbound message's \
         endpoint URL.",
    )
    .of_parameter(PARAMETER)
}

fn not_of_this_organization() -> Fault {
    Fault::new(
        Reason::TokenNotAllowed,
        "The token in the URL is for another Salesforce organisation than the one that sent this \
         message; get one for this organisation from whoever runs the receiving system.",
    )
    .of_parameter(PARAMETER)
}

#[cfg(test)]
mod tests;
