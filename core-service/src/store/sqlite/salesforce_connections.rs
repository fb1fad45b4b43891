//! Connections to Salesforce.

use rusqlite::{Connection, named_params, params_from_iter};
use sfbridge_values::{Igrp, Timestamp};

use super::super::StoreError;
use super::super::columns;
use super::super::rows::salesforce_connection::{self, flow_columns, state_columns};
use super::installations;
use super::listing::igrp_in;
use super::row::{all, one};
use crate::domain::{Coverage, SalesforceConnection, SealedLogin};

/// One connection.
pub(super) fn find(
    connection: &Connection,
    igrp: Igrp,
) -> Result<Option<SalesforceConnection>, StoreError> {
    let select = "SELECT * FROM salesforce_connections WHERE igrp = ?1";
    let statement = connection.prepare_cached(select)?;
    one(statement, [igrp.get()], |row| {
        salesforce_connection::read(row)
    })
}

/// All connections of these installations.
pub(super) fn list(
    connection: &Connection,
    coverage: &Coverage,
) -> Result<Vec<SalesforceConnection>, StoreError> {
    let (condition, igrps) = match coverage {
        Coverage::All => (String::new(), Vec::new()),
        Coverage::Only(igrps) => (
            format!(" WHERE {}", igrp_in(igrps)),
            igrps.iter().map(|igrp| igrp.get()).collect(),
        ),
    };
    let select = format!("SELECT * FROM salesforce_connections{condition} ORDER BY igrp");
    let statement = connection.prepare_cached(&select)?;
    all(statement, params_from_iter(igrps), |row| {
        salesforce_connection::read(row)
    })
}

/// Keeps a connection with new credentials in place of the one that there was.
/// `None` when there is no such installation.
pub(super) fn set(
    connection: &Connection,
    new: SalesforceConnection,
) -> Result<Option<SalesforceConnection>, StoreError> {
    if installations::find(connection, new.igrp)?.is_none() {
        return Ok(None);
    }
    let new = match find(connection, new.igrp)? {
        Some(earlier) => new.replacing(&earlier),
        None => new,
    };
    put(connection, &new)?;
    Ok(Some(new))
}

/// Deletes a connection. `None` when there is no such installation, `false`
/// when it has none.
pub(super) fn delete(connection: &Connection, igrp: Igrp) -> Result<Option<bool>, StoreError> {
    if installations::find(connection, igrp)?.is_none() {
        return Ok(None);
    }
    let deleted = connection
        .prepare_cached("DELETE FROM salesforce_connections WHERE igrp = ?1")?
        .execute([igrp.get()])?;
    Ok(Some(deleted > 0))
}

/// Adds a connection, or replaces the one of its installation.
pub(super) fn put(connection: &Connection, kept: &SalesforceConnection) -> Result<(), StoreError> {
    let SalesforceConnection {
        igrp,
        login:
            SealedLogin {
                login_url,
                flow,
                client_id,
                secret,
            },
        credentials_time,
        state,
        state_time,
        last_success_time,
        peer,
        api_usage,
        warnings,
    } = kept;
    let (flow, username) = flow_columns(flow);
    let (state, reason) = state_columns(state);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO salesforce_connections (
                 igrp, login_url, flow, client_id, username, key_id, sealed_secret,
                 credentials_time, state, state_time, reason, last_success_time, peer,
                 api_used, api_limit, api_time, warnings)
             VALUES (
                 :igrp, :login_url, :flow, :client_id, :username, :key_id, :sealed_secret,
                 :credentials_time, :state, :state_time, :reason, :last_success_time, :peer,
                 :api_used, :api_limit, :api_time, :warnings)",
        )?
        .execute(named_params! {
            ":igrp": igrp.get(),
            ":login_url": login_url,
            ":flow": flow,
            ":client_id": client_id,
            ":username": username,
            ":key_id": secret.key_id().to_string(),
            ":sealed_secret": secret.bytes(),
            ":credentials_time": credentials_time.micros(),
            ":state": state,
            ":state_time": state_time.micros(),
            ":reason": reason,
            ":last_success_time": last_success_time.map(Timestamp::micros),
            ":peer": salesforce_connection::peer_to_json(peer.as_ref())?,
            ":api_used": api_usage.map(|usage| salesforce_connection::to_column(usage.used)),
            ":api_limit": api_usage.map(|usage| salesforce_connection::to_column(usage.limit)),
            ":api_time": api_usage.map(|usage| usage.time.micros()),
            ":warnings": columns::warnings(warnings)?,
        })?;
    Ok(())
}
