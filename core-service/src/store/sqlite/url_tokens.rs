//! URL tokens.

use rusqlite::{Connection, params};
use sfbridge_values::{OrganizationId, Timestamp};

use super::super::rows::url_token;
use super::super::{Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing};
use crate::domain::{MAX_URL_TOKENS, UrlToken, UrlTokenId, UrlTokenState};

/// Adds a token; `false` when there are as many as there can be.
pub(super) fn insert(connection: &Connection, token: &UrlToken) -> Result<bool, StoreError> {
    let count: u32 = connection
        .prepare_cached("SELECT count(*) FROM url_tokens")?
        .query_row([], |row| row.get(0))?;
    if count >= MAX_URL_TOKENS {
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
        UrlTokenState::Valid { secret_hash } => (Some(secret_hash), None),
        UrlTokenState::Revoked { revoke_time } => (None, Some(revoke_time.micros())),
    };
    connection
        .prepare_cached(
            "INSERT INTO url_tokens (
                 url_token_id, display_name, organization_id, organization_key, secret_hash,
                 create_time, revoke_time)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            url_token_id.to_string(),
            display_name.as_str(),
            organization_id.as_ref().map(OrganizationId::as_str),
            organization_id.as_ref().map(OrganizationId::key),
            secret_hash,
            create_time.micros(),
            revoke_time,
        ])?;
    Ok(true)
}

/// Revokes a token, with `forget` removes it; `false` when there is none. One
/// that was revoked before keeps that time.
pub(super) fn revoke(
    connection: &Connection,
    url_token_id: UrlTokenId,
    forget: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let id = url_token_id.to_string();
    let changed = if forget {
        connection.execute("DELETE FROM url_tokens WHERE url_token_id = ?1", [id])?
    } else {
        connection.execute(
            "UPDATE url_tokens SET secret_hash = NULL, revoke_time = coalesce(revoke_time, ?2)
             WHERE url_token_id = ?1",
            params![id, now.micros()],
        )?
    };
    Ok(changed > 0)
}

/// A page of tokens: all, or those of an organisation.
pub(super) fn list(
    connection: &Connection,
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
    listing.page(connection, page, |row| url_token::read(row))
}
