//! The row of a connection to Salesforce.

use serde::{Deserialize, Serialize};
use sfbridge_values::OrganizationId;

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::{
    ApiUsage, ConnectedPeer, ConnectionState, LoginFlow, SalesforceConnection, SealedLogin,
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

/// Reads a connection.
pub(in super::super) fn read(row: &impl Columns) -> Result<SalesforceConnection, StoreError> {
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
                reason: row.get::<Option<String>>("reason")?.unwrap_or_default(),
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

fn peer(row: &impl Columns) -> Result<Option<ConnectedPeer>, StoreError> {
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

fn api_usage(row: &impl Columns) -> Result<Option<ApiUsage>, StoreError> {
    let Some(time) = columns::optional_timestamp(row, "api_time")? else {
        return Ok(None);
    };
    let count = |column: &str| row.get::<u64>(column);
    Ok(Some(ApiUsage {
        used: count("api_used")?,
        limit: count("api_limit")?,
        time,
    }))
}

/// A count, as a column.
pub(in super::super) fn to_column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Writes who was met, if anybody was.
pub(in super::super) fn peer_to_json(
    peer: Option<&ConnectedPeer>,
) -> Result<Option<String>, StoreError> {
    peer.map(|peer| {
        columns::to_json(&PeerColumn {
            organization_id: peer.organization_id.as_str().to_owned(),
            organization_name: peer.organization_name.clone(),
            username: peer.username.clone(),
            api_version: peer.api_version.clone(),
        })
    })
    .transpose()
}

/// The columns `flow` and `username`.
pub(in super::super) fn flow_columns(flow: &LoginFlow) -> (i64, Option<&str>) {
    match flow {
        LoginFlow::JwtBearer { username } => (1, Some(username)),
        LoginFlow::ClientCredentials => (2, None),
    }
}

/// The columns `state` and `reason`.
pub(in super::super) fn state_columns(state: &ConnectionState) -> (i64, Option<&str>) {
    match state {
        ConnectionState::Untested => (1, None),
        ConnectionState::Working => (2, None),
        ConnectionState::Broken { reason } => (3, Some(reason)),
    }
}
