//! Connections to Salesforce.

use std::iter::once as one;

use deadpool_postgres::{GenericClient, Transaction};
use sfbridge_values::{Igrp, Timestamp};

use super::super::StoreError;
use super::super::columns::{self, igrp_numbers};
use super::super::rows::salesforce_connection::{self, flow_columns, state_columns};
use super::installations;
use super::rows::Rows;
use crate::domain::{Coverage, SalesforceConnection, SealedLogin};

/// One connection.
pub(super) async fn find(
    client: &impl GenericClient,
    igrp: Igrp,
) -> Result<Option<SalesforceConnection>, StoreError> {
    let select = "SELECT * FROM salesforce_connections WHERE igrp = $1";
    let statement = client.prepare_cached(select).await?;
    let row = client.query_opt(&statement, &[&igrp.get()]).await?;
    row.map(|row| salesforce_connection::read(&row)).transpose()
}

/// One connection, which nobody else changes before the transaction ends.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    igrp: Igrp,
) -> Result<Option<SalesforceConnection>, StoreError> {
    let select = "SELECT * FROM salesforce_connections WHERE igrp = $1 FOR UPDATE";
    let statement = transaction.prepare_cached(select).await?;
    let row = transaction.query_opt(&statement, &[&igrp.get()]).await?;
    row.map(|row| salesforce_connection::read(&row)).transpose()
}

/// All connections of these installations.
pub(super) async fn list(
    client: &impl GenericClient,
    coverage: &Coverage,
) -> Result<Vec<SalesforceConnection>, StoreError> {
    let rows = match coverage {
        Coverage::All => {
            let select = "SELECT * FROM salesforce_connections ORDER BY igrp";
            let statement = client.prepare_cached(select).await?;
            client.query(&statement, &[]).await?
        }
        Coverage::Only(igrps) => {
            let select = "SELECT * FROM salesforce_connections
                          WHERE igrp = ANY($1) ORDER BY igrp";
            let statement = client.prepare_cached(select).await?;
            client.query(&statement, &[&igrp_numbers(igrps)]).await?
        }
    };
    rows.iter().map(salesforce_connection::read).collect()
}

/// Keeps a connection with new credentials in place of the one that there was.
/// `None` when there is no such installation.
pub(super) async fn set(
    transaction: &Transaction<'_>,
    new: &SalesforceConnection,
) -> Result<Option<SalesforceConnection>, StoreError> {
    if !installations::hold(transaction, new.igrp).await? {
        return Ok(None);
    }
    let new = match lock(transaction, new.igrp).await? {
        Some(earlier) => {
            let new = new.clone().replacing(&earlier);
            put(transaction, &new).await?;
            new
        }
        None => {
            // One that is there by now is a conflict of transactions.
            let rows = columns(new)?;
            rows.insert(transaction, "salesforce_connections", "")
                .await?;
            new.clone()
        }
    };
    Ok(Some(new))
}

/// Deletes a connection. `None` when there is no such installation, `false`
/// when it has none.
pub(super) async fn delete(
    transaction: &Transaction<'_>,
    igrp: Igrp,
) -> Result<Option<bool>, StoreError> {
    if !installations::hold(transaction, igrp).await? {
        return Ok(None);
    }
    let delete = "DELETE FROM salesforce_connections WHERE igrp = $1";
    let statement = transaction.prepare_cached(delete).await?;
    let deleted = transaction.execute(&statement, &[&igrp.get()]).await?;
    Ok(Some(deleted > 0))
}

/// Replaces the connection of an installation.
pub(super) async fn put(
    transaction: &Transaction<'_>,
    kept: &SalesforceConnection,
) -> Result<(), StoreError> {
    columns(kept)?
        .update(
            transaction,
            "salesforce_connections",
            "login_url = new.login_url, flow = new.flow, client_id = new.client_id,
             username = new.username, key_id = new.key_id, sealed_secret = new.sealed_secret,
             credentials_time = new.credentials_time, state = new.state,
             state_time = new.state_time, reason = new.reason,
             last_success_time = new.last_success_time, peer = new.peer,
             api_used = new.api_used, api_limit = new.api_limit, api_time = new.api_time,
             warnings = new.warnings",
            "kept.igrp = new.igrp",
        )
        .await?;
    Ok(())
}

fn columns(kept: &SalesforceConnection) -> Result<Rows<'_>, StoreError> {
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
    // The database keeps no U+0000, which may be in somebody else's words.
    let reason = reason.map(|words| words.replace('\0', ""));
    Ok(Rows::default()
        .column("igrp", one(igrp.get()))
        .column("login_url", one(login_url.clone()))
        .column("flow", one(flow))
        .column("client_id", one(client_id.clone()))
        .column("username", one(username.map(str::to_owned)))
        .column("key_id", one(secret.key_id().to_string()))
        .column("sealed_secret", one(secret.bytes().to_vec()))
        .column("credentials_time", one(credentials_time.micros()))
        .column("state", one(state))
        .column("state_time", one(state_time.micros()))
        .column("reason", one(reason))
        .column(
            "last_success_time",
            one(last_success_time.map(Timestamp::micros)),
        )
        .column(
            "peer",
            one(salesforce_connection::peer_to_json(peer.as_ref())?),
        )
        .column(
            "api_used",
            one(api_usage.map(|usage| salesforce_connection::to_column(usage.used))),
        )
        .column(
            "api_limit",
            one(api_usage.map(|usage| salesforce_connection::to_column(usage.limit))),
        )
        .column("api_time", one(api_usage.map(|usage| usage.time.micros())))
        .column("warnings", one(columns::warnings(warnings)?)))
}
