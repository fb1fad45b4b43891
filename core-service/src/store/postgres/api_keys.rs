//! API keys.

use std::iter::once as one;

use deadpool_postgres::{Client, Transaction};

use super::super::columns;
use super::super::rows::api_key::{self, role_number};
use super::super::{Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing};
use super::rows::Rows;
use crate::domain::{ApiKey, Coverage};

/// Adds a key.
pub(super) async fn insert(transaction: &Transaction<'_>, key: &ApiKey) -> Result<(), StoreError> {
    let roles: Vec<_> = key.roles.iter().map(|role| role_number(*role)).collect();
    let igrps = match &key.coverage {
        Coverage::All => None,
        Coverage::Only(igrps) => Some(columns::to_json(&columns::igrp_numbers(igrps))?),
    };
    Rows::default()
        .column("api_key_id", one(key.api_key_id.clone()))
        .column("display_name", one(key.display_name.clone()))
        .column("roles", one(columns::to_json(&roles)?))
        .column("igrps", one(igrps))
        .column("secret_hash", one(key.secret_hash.to_vec()))
        .column("create_time", one(key.create_time.micros()))
        .insert(transaction, "api_keys", "")
        .await?;
    Ok(())
}

/// Removes a key. `None` when there is none; `false` when it is the last one
/// that could make others.
pub(super) async fn revoke(
    transaction: &Transaction<'_>,
    api_key_id: &str,
    even_last: bool,
) -> Result<Option<bool>, StoreError> {
    // All are locked, so that two cores do not each take the other's key for
    // the one that stays.
    let select = "SELECT * FROM api_keys ORDER BY number FOR UPDATE";
    let statement = transaction.prepare_cached(select).await?;
    let rows = transaction.query(&statement, &[]).await?;
    let keys = rows.iter().map(api_key::read);
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let Some(key) = keys.iter().find(|key| key.api_key_id == api_key_id) else {
        return Ok(None);
    };
    let masters = keys.iter().filter(|key| key.is_master()).count();
    if key.is_master() && masters == 1 && !even_last {
        return Ok(Some(false));
    }
    let delete = "DELETE FROM api_keys WHERE api_key_id = $1";
    let statement = transaction.prepare_cached(delete).await?;
    transaction.execute(&statement, &[&api_key_id]).await?;
    Ok(Some(true))
}

/// A page of keys.
pub(super) async fn list(client: &Client, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
    let listing = Listing {
        select: "SELECT * FROM api_keys",
        conditions: Conditions::default(),
        key: "create_time",
        number: "number",
    };
    listing.page(client, page, api_key::read).await
}
