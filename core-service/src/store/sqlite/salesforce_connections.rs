//! Connections to Salesforce.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params_from_iter};
use serde::{Deserialize, Serialize};
use sfbridge_values::{Igrp, OrganizationId, Timestamp};

use super::super::StoreError;
use super::columns::{self, unreadable};
use super::installations;
use crate::domain::{
    ApiUsage, ConnectedPeer, ConnectionState, Coverage, LoginFlow, SalesforceConnection,
    SealedLogin,
};
use crate::sealing::{KeyId, Sealed};

/// Who was met, as it stands in its JSON column.
#[derive(Debug, Serialize, Deserialize)]
struct PeerColumn {
    organization_id: String,
    organization_name: String,
    username: String,
    api_version: String,
}

/// One connection.
pub(super) fn find(
    connection: &Connection,
    igrp: Igrp,
) -> Result<Option<SalesforceConnection>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT * FROM salesforce_connections WHERE igrp = ?1")?
        .query_row([igrp.get()], read)
        .optional()?)
}

/// All connections of these installations.
pub(super) fn list(
    connection: &Connection,
    coverage: &Coverage,
) -> Result<Vec<SalesforceConnection>, StoreError> {
    let (condition, igrps) = match coverage {
        Coverage::All => (String::new(), Vec::new()),
        Coverage::Only(igrps) => (
            format!(" WHERE {}", columns::igrp_in(igrps)),
            igrps.iter().map(|igrp| igrp.get()).collect(),
        ),
    };
    let select = format!("SELECT * FROM salesforce_connections{condition} ORDER BY igrp");
    let mut statement = connection.prepare(&select)?;
    let rows = statement.query_map(params_from_iter(igrps), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
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
    let (flow, username) = match flow {
        LoginFlow::JwtBearer { username } => (1, Some(username)),
        LoginFlow::ClientCredentials => (2, None),
    };
    let (state, reason) = match state {
        ConnectionState::Untested => (1, None),
        ConnectionState::Working => (2, None),
        ConnectionState::Broken { reason } => (3, Some(reason)),
    };
    let peer = peer.as_ref().map(|peer| {
        columns::to_json(&PeerColumn {
            organization_id: peer.organization_id.as_str().to_owned(),
            organization_name: peer.organization_name.clone(),
            username: peer.username.clone(),
            api_version: peer.api_version.clone(),
        })
    });
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
            ":peer": peer.transpose()?,
            ":api_used": api_usage.map(|usage| to_column(usage.used)),
            ":api_limit": api_usage.map(|usage| to_column(usage.limit)),
            ":api_time": api_usage.map(|usage| usage.time.micros()),
            ":warnings": columns::warnings(warnings)?,
        })?;
    Ok(())
}

fn to_column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn read(row: &Row<'_>) -> rusqlite::Result<SalesforceConnection> {
    let key_id: String = row.get("key_id")?;
    let key_id = KeyId::parse(&key_id).map_err(|invalid| unreadable("key_id", invalid))?;
    Ok(SalesforceConnection {
        igrp: columns::igrp(row)?,
        login: SealedLogin {
            login_url: row.get("login_url")?,
            flow: match row.get("flow")? {
                1_i64 => LoginFlow::JwtBearer {
                    username: row.get("username")?,
                },
                2 => LoginFlow::ClientCredentials,
                other => return Err(unreadable("flow", format!("{other} is no flow"))),
            },
            client_id: row.get("client_id")?,
            secret: Sealed::from_parts(key_id, row.get("sealed_secret")?),
        },
        credentials_time: columns::timestamp(row, "credentials_time")?,
        state: match row.get("state")? {
            1_i64 => ConnectionState::Untested,
            2 => ConnectionState::Working,
            3 => ConnectionState::Broken {
                reason: row.get::<_, Option<String>>("reason")?.unwrap_or_default(),
            },
            other => return Err(unreadable("state", format!("{other} is no state"))),
        },
        state_time: columns::timestamp(row, "state_time")?,
        last_success_time: columns::optional_timestamp(row, "last_success_time")?,
        peer: peer(row)?,
        api_usage: api_usage(row)?,
        warnings: columns::json(row, "warnings")?,
    })
}

fn peer(row: &Row<'_>) -> rusqlite::Result<Option<ConnectedPeer>> {
    let Some(peer) = columns::json::<Option<PeerColumn>>(row, "peer")? else {
        return Ok(None);
    };
    Ok(Some(ConnectedPeer {
        organization_id: OrganizationId::parse(&peer.organization_id)
            .map_err(|invalid| unreadable("peer", invalid))?,
        organization_name: peer.organization_name,
        username: peer.username,
        api_version: peer.api_version,
    }))
}

fn api_usage(row: &Row<'_>) -> rusqlite::Result<Option<ApiUsage>> {
    let Some(time) = columns::optional_timestamp(row, "api_time")? else {
        return Ok(None);
    };
    let count = |column: &str| -> rusqlite::Result<u64> {
        u64::try_from(row.get::<_, i64>(column)?).map_err(|invalid| unreadable(column, invalid))
    };
    Ok(Some(ApiUsage {
        used: count("api_used")?,
        limit: count("api_limit")?,
        time,
    }))
}
