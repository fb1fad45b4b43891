//! The row of a URL token.

use sfbridge_values::{OrganizationId, ShortText};

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::{UrlToken, UrlTokenId, UrlTokenState};

/// Reads a token.
pub(in super::super) fn read(row: &impl Columns) -> Result<UrlToken, StoreError> {
    let id: String = row.get("url_token_id")?;
    let display_name: String = row.get("display_name")?;
    let organization_id: Option<String> = row.get("organization_id")?;
    let revoke_time = columns::optional_timestamp(row, "revoke_time")?;
    Ok(UrlToken {
        url_token_id: UrlTokenId::parse(&id)
            .map_err(|invalid| unreadable("url_token_id", invalid))?,
        display_name: ShortText::new(&display_name)
            .map_err(|invalid| unreadable("display_name", invalid))?,
        organization_id: organization_id
            .map(|id| OrganizationId::parse(&id))
            .transpose()
            .map_err(|invalid| unreadable("organization_id", invalid))?,
        create_time: columns::timestamp(row, "create_time")?,
        state: match revoke_time {
            Some(revoke_time) => UrlTokenState::Revoked { revoke_time },
            None => UrlTokenState::Valid {
                secret_hash: row.get("secret_hash")?,
            },
        },
    })
}
