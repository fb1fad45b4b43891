//! Sessions at Salesforce that cores share, and whose turn it is to log in.
//!
//! Turns end by the database's clock, which is the same for all cores.

use deadpool_postgres::Transaction;
use sfbridge_values::{Igrp, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use std::time::Duration;

use super::super::columns::{self, Columns, unreadable};
use super::super::{SessionClaim, SessionTurn, StoreError};
use super::PostgresStore;
use super::database::transact;
use crate::sealing::{KeyId, Sealed};

impl PostgresStore {
    pub(in super::super) async fn claim_session(
        &self,
        wanted: SessionClaim,
    ) -> Result<SessionTurn, StoreError> {
        // Mostly there is one, and nobody need be waited for.
        let client = self.database.client().await?;
        let statement = client.prepare_cached(SELECT).await?;
        let row = client.query_opt(&statement, &[&wanted.igrp.get()]).await?;
        if let Some(row) = &row
            && let Some(turn) = without_write(row, &wanted)?
        {
            return Ok(turn);
        }
        drop(client);
        transact!(self.database, |transaction| {
            claim(&transaction, &wanted).await
        })
    }

    pub(in super::super) async fn extend_session_turn(
        &self,
        igrp: Igrp,
        owner: Uuid,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let extend = "UPDATE salesforce_sessions
                      SET lease_end = (extract(epoch FROM clock_timestamp()) * 1000000)::int8 + $3
                      WHERE igrp = $1 AND lease_owner = $2";
        let client = self.database.client().await?;
        let statement = client.prepare_cached(extend).await?;
        client
            .execute(&statement, &[&igrp.get(), &owner, &micros(lease)])
            .await?;
        Ok(())
    }

    pub(in super::super) async fn end_session_turn(
        &self,
        igrp: Igrp,
        owner: Uuid,
        session: Option<Sealed>,
    ) -> Result<Option<i64>, StoreError> {
        let end = "UPDATE salesforce_sessions
                   SET number = number + CASE WHEN $3::text IS NULL THEN 0 ELSE 1 END,
                       key_id = $3, sealed_session = $4, lease_owner = NULL, lease_end = NULL
                   WHERE igrp = $1 AND lease_owner = $2 RETURNING number";
        let key_id = session.as_ref().map(|session| session.key_id().to_string());
        let bytes = session.as_ref().map(Sealed::bytes);
        let client = self.database.client().await?;
        let statement = client.prepare_cached(end).await?;
        let row = client
            .query_opt(&statement, &[&igrp.get(), &owner, &key_id, &bytes])
            .await?;
        let number = row.map(|row| Columns::get(&row, "number")).transpose()?;
        Ok(number.filter(|_| session.is_some()))
    }
}

const SELECT: &str = "SELECT *, lease_owner IS NOT NULL
                          AND lease_end > (extract(epoch FROM clock_timestamp()) * 1000000)::int8
                          AS is_taken
                      FROM salesforce_sessions WHERE igrp = $1";

/// What comes of asking, as long as that needs no write.
fn without_write(row: &Row, wanted: &SessionClaim) -> Result<Option<SessionTurn>, StoreError> {
    let credentials_time = columns::timestamp(row, "credentials_time")?;
    if credentials_time > wanted.credentials_time {
        return Ok(Some(SessionTurn::Unshared));
    }
    if credentials_time < wanted.credentials_time {
        return Ok(None);
    }
    let number: i64 = Columns::get(row, "number")?;
    if wanted.after.is_none_or(|after| number > after)
        && let Some(session) = kept(row)?
    {
        return Ok(Some(SessionTurn::Kept { number, session }));
    }
    let is_taken: bool = Columns::get(row, "is_taken")?;
    Ok(is_taken.then_some(SessionTurn::Taken(number)))
}

fn kept(row: &Row) -> Result<Option<Sealed>, StoreError> {
    let Some(key_id) = Columns::get::<Option<String>>(row, "key_id")? else {
        return Ok(None);
    };
    let key_id = KeyId::parse(&key_id).map_err(|invalid| unreadable("key_id", invalid))?;
    let bytes = Columns::get(row, "sealed_session")?;
    Ok(Some(Sealed::from_parts(key_id, bytes)))
}

/// Takes a turn, unless somebody else has. The session that was there will not
/// do, and goes.
async fn claim(
    transaction: &Transaction<'_>,
    wanted: &SessionClaim,
) -> Result<SessionTurn, StoreError> {
    let SessionClaim {
        igrp,
        credentials_time,
        after: _,
        owner,
        lease,
    } = *wanted;
    // It goes with the connection, and with other credentials.
    let add = "INSERT INTO salesforce_sessions (igrp, credentials_time, number)
               SELECT igrp, credentials_time, 0 FROM salesforce_connections
               WHERE igrp = $1 AND credentials_time = $2
               ON CONFLICT (igrp) DO NOTHING";
    let of: (i64, i64) = (igrp.get(), Timestamp::micros(credentials_time));
    let statement = transaction.prepare_cached(add).await?;
    transaction.execute(&statement, &[&of.0, &of.1]).await?;
    let select = format!("{SELECT} FOR UPDATE");
    let statement = transaction.prepare_cached(&select).await?;
    let Some(row) = transaction.query_opt(&statement, &[&of.0]).await? else {
        return Ok(SessionTurn::Unshared);
    };
    if let Some(turn) = without_write(&row, wanted)? {
        return Ok(turn);
    }
    let take = "UPDATE salesforce_sessions
                SET credentials_time = $2, key_id = NULL, sealed_session = NULL, lease_owner = $3,
                    lease_end = (extract(epoch FROM clock_timestamp()) * 1000000)::int8 + $4
                WHERE igrp = $1";
    let statement = transaction.prepare_cached(take).await?;
    transaction
        .execute(&statement, &[&of.0, &of.1, &owner, &micros(lease)])
        .await?;
    Ok(SessionTurn::Theirs)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
