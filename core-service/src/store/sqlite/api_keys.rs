//! API keys.

use rusqlite::{Connection, params};

use super::super::columns;
use super::super::rows::api_key::{self, role_number};
use super::super::{Page, PageRequest, StoreError};
use super::listing::{Conditions, Listing};
use crate::domain::{ApiKey, Coverage};

/// Adds a key.
pub(super) fn insert(connection: &Connection, key: &ApiKey) -> Result<(), StoreError> {
    let roles: Vec<_> = key.roles.iter().map(|role| role_number(*role)).collect();
    let igrps = match &key.coverage {
        Coverage::All => None,
        Coverage::Only(igrps) => Some(columns::to_json(
            &igrps.iter().map(|igrp| igrp.get()).collect::<Vec<_>>(),
        )?),
    };
    connection.execute(
        "INSERT INTO api_keys (api_key_id, display_name, roles, igrps, secret_hash, create_time)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            key.api_key_id,
            key.display_name,
            columns::to_json(&roles)?,
            igrps,
            key.secret_hash,
            key.create_time.micros()
        ],
    )?;
    Ok(())
}

/// Removes a key. `None` when there is none; `false` when it is the last one
/// that could make others.
pub(super) fn revoke(
    connection: &Connection,
    api_key_id: &str,
    even_last: bool,
) -> Result<Option<bool>, StoreError> {
    let keys = list(connection, PageRequest::ALL)?.rows;
    let Some(key) = keys.iter().find(|key| key.api_key_id == api_key_id) else {
        return Ok(None);
    };
    let masters = keys.iter().filter(|key| key.is_master()).count();
    if key.is_master() && masters == 1 && !even_last {
        return Ok(Some(false));
    }
    connection.execute("DELETE FROM api_keys WHERE api_key_id = ?1", [api_key_id])?;
    Ok(Some(true))
}

/// A page of keys.
pub(super) fn list(connection: &Connection, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
    let listing = Listing {
        select: "SELECT * FROM api_keys",
        conditions: Conditions::default(),
        key: "create_time",
        number: "number",
    };
    listing.page(connection, page, |row| api_key::read(row))
}
