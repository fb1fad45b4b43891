//! What the gateway asks of the core about those who send.

use sfbridge_proto::v1 as pb;
use sfbridge_values::OrganizationId;
use tokio::time::Instant;

use super::{CoreClient, CoreFailure, failure, timed};
use crate::sender::{Allowed, TokenRule, TokenRules};

/// What the core knows of an organisation.
#[derive(Debug)]
pub(crate) struct OrganizationAccess {
    /// Whether an installation is linked to it.
    pub(crate) is_linked: bool,
    /// What its installations say of its senders. Each has to hold.
    pub(crate) restrictions: Vec<Allowed>,
}

/// What the core knows of senders before their messages.
#[derive(Debug)]
pub(crate) struct SenderRules {
    /// The name of this state.
    pub(crate) revision: String,
    /// The tokens in URLs.
    pub(crate) url_tokens: TokenRules,
}

impl CoreClient {
    /// Says whether an organisation may send, and from where. All pages are
    /// read: what stands on the last one has to hold too.
    pub(crate) async fn organization_access(
        &self,
        organization_id: &OrganizationId,
        until: Instant,
    ) -> Result<OrganizationAccess, CoreFailure> {
        const LARGEST_PAGE: i32 = 1_000;

        let mut client = self.access.clone();
        let mut all = Vec::new();
        let mut token = String::new();
        loop {
            let request = pb::GetOrganizationAccessRequest {
                organization_id: organization_id.as_str().to_owned(),
                page_size: LARGEST_PAGE,
                page_token: token.clone(),
            };
            let answer = client.get_organization_access(timed(request, until)).await;
            let pb::GetOrganizationAccessResponse {
                is_linked,
                restrictions,
                next_page_token,
            } = answer.map_err(|status| failure(&status))?.into_inner();
            all.extend(restrictions.into_iter().map(restriction));
            if next_page_token.is_empty() {
                return Ok(OrganizationAccess {
                    is_linked,
                    restrictions: all,
                });
            }
            if next_page_token == token {
                return Err(CoreFailure::Refused("with the same page twice"));
            }
            token = next_page_token;
        }
    }

    /// The rules of senders; none when they are still those of a revision.
    pub(crate) async fn sender_rules(
        &self,
        known_revision: Option<String>,
        until: Instant,
    ) -> Result<Option<SenderRules>, CoreFailure> {
        let request = pb::GetSenderRulesRequest {
            known_revision: known_revision.unwrap_or_default(),
        };
        let mut client = self.access.clone();
        let answer = client.get_sender_rules(timed(request, until)).await;
        let pb::GetSenderRulesResponse {
            revision,
            is_unchanged,
            url_tokens,
        } = answer.map_err(|status| failure(&status))?.into_inner();
        if is_unchanged {
            return Ok(None);
        }
        let url_tokens = url_tokens.into_iter().map(token_rule).collect();
        Ok(Some(SenderRules {
            revision,
            url_tokens: TokenRules::new(url_tokens),
        }))
    }
}

fn restriction(restriction: pb::SenderRestriction) -> Allowed {
    let pb::SenderRestriction {
        igrp,
        address_ranges,
        client_certificates,
    } = restriction;
    Allowed::by_installation(igrp, &address_ranges, &client_certificates)
}

/// The rule of a token, by its id. What is no SHA-256 hash is no secret's, so
/// such a token is as good as revoked.
fn token_rule(rule: pb::UrlTokenRule) -> (Box<str>, TokenRule) {
    let pb::UrlTokenRule {
        url_token_id,
        secret_hash,
        organization_id,
    } = rule;
    let rule = TokenRule {
        secret_hash: secret_hash.try_into().ok(),
        organization: (!organization_id.is_empty()).then(|| organization_id.into()),
    };
    (url_token_id.into(), rule)
}
