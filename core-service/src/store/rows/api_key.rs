//! The row of an API key.

use std::collections::BTreeSet;

use sfbridge_values::Igrp;

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::{ApiKey, Coverage, Role};

/// Reads a key.
pub(in super::super) fn read(row: &impl Columns) -> Result<ApiKey, StoreError> {
    let roles: Vec<i64> = columns::json(row, "roles")?;
    let igrps: Option<Vec<i64>> = columns::json(row, "igrps")?;
    let coverage = match igrps {
        None => Coverage::All,
        Some(igrps) => Coverage::Only(
            igrps
                .into_iter()
                .map(Igrp::new)
                .collect::<Result<_, _>>()
                .map_err(|invalid| unreadable("igrps", invalid))?,
        ),
    };
    Ok(ApiKey {
        api_key_id: row.get("api_key_id")?,
        display_name: row.get("display_name")?,
        roles: roles
            .into_iter()
            .map(role)
            .collect::<Result<BTreeSet<_>, StoreError>>()?,
        coverage,
        create_time: columns::timestamp(row, "create_time")?,
        secret_hash: row.get("secret_hash")?,
    })
}

/// The contract's number of a role.
pub(in super::super) fn role_number(role: Role) -> i64 {
    match role {
        Role::Ingest => 1,
        Role::Read => 2,
        Role::Admin => 3,
    }
}

fn role(number: i64) -> Result<Role, StoreError> {
    match number {
        1 => Ok(Role::Ingest),
        2 => Ok(Role::Read),
        3 => Ok(Role::Admin),
        other => Err(unreadable("roles", format!("{other} is no role"))),
    }
}
