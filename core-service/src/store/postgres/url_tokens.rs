//! URL tokens.

use std::iter::once as one;

use deadpool_postgres::{Client, Transaction};
use sfbridge_values::{OrganizationId, Timestamp};

use super::super::rows::url_token;
use super::super::{Page, PageRequest, StoreError};
use super::bounds::{self, BoundedList};
use super::listing::{Conditions, Listing};
use super::rows::Rows;
use crate::domain::{MAX_URL_TOKENS, UrlToken, UrlTokenId, UrlTokenState};

/// Adds a token; `false` when there are as many as there can be.
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    token: &UrlToken,
) -> Result<bool, StoreError> {
    bounds::lock(transaction, BoundedList::UrlTokens).await?;
    let count = bounds::count(transaction, BoundedList::UrlTokens).await?;
    if count >= i64::from(MAX_URL_TOKENS) {
        return Ok(false);
    }
    let UrlToken {
        url_token_id,
        display_name,
        organization_id,
        create_time,
        state,
    } = token;
    let (secret_hash, revoke_time) = match state {
        UrlTokenState::Valid { secret_hash } => (Some(secret_hash.to_vec()), None),
        UrlTokenState::Revoked { revoke_time } => (None, Some(revoke_time.micros())),
    };
    let organization = |part: fn(&OrganizationId) -> &str| {
        let part = organization_id.as_ref().map(part);
        one(part.map(str::to_owned))
    };
    Rows::default()
        .column("url_token_id", one(url_token_id.to_string()))
        .column("display_name", one(display_name.as_str().to_owned()))
        .column("organization_id", organization(OrganizationId::as_str))
        .column("organization_key", organization(OrganizationId::key))
        .column("secret_hash", one(secret_hash))
        .column("create_time", one(create_time.micros()))
        .column("revoke_time", one(revoke_time))
        .insert(transaction, "url_tokens", "")
        .await?;
    Ok(true)
}

/// Revokes a token, with `forget` removes it; `false` when there is none. One
/// that was revoked before keeps that time.
pub(super) async fn revoke(
    transaction: &Transaction<'_>,
    url_token_id: UrlTokenId,
    forget: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = url_token_id.to_string();
    let changed = if forget {
        let delete = "DELETE FROM url_tokens WHERE url_token_id = $1";
        let statement = transaction.prepare_cached(delete).await?;
        transaction.execute(&statement, &[&id]).await?
    } else {
        let update = "UPDATE url_tokens
                      SET secret_hash = NULL, revoke_time = coalesce(revoke_time, $2)
                      WHERE url_token_id = $1";
        let statement = transaction.prepare_cached(update).await?;
        transaction
            .execute(&statement, &[&id, &now.micros()])
            .await?
    };
    Ok(changed > 0)
}

/// A page of tokens: all, or those of an organisation.
pub(super) async fn list(
    client: &Client,
    organization: Option<&OrganizationId>,
    page: PageRequest,
) -> Result<Page<UrlToken>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.add_if(
        "organization_key = ?",
        organization.map(|organization| organization.key().to_owned()),
    );
    let listing = Listing {
        select: "SELECT * FROM url_tokens",
        conditions,
        key: "create_time",
        number: "number",
    };
    listing.page(client, page, url_token::read).await
}
