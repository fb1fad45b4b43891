//! What is known of a visitor, read from visits, calls and ratings.

use deadpool_postgres::GenericClient;
use sfbridge_values::{CallRef, Igrp, Timestamp, VisitorId};

use super::super::StoreError;
use super::super::columns::Columns;
use super::super::rows::{call, visit};
use super::events::visitor_uuid;
use super::ratings;
use crate::domain::{Considered, Journey, VisitorHistory};

/// The history of a visitor, or of the one that a call names: a call decides,
/// as it does for events.
pub(super) async fn find(
    client: &impl GenericClient,
    igrp: Igrp,
    visitor_id: Option<VisitorId>,
    call_ref: Option<&CallRef>,
    as_of: Timestamp,
) -> Result<VisitorHistory, StoreError> {
    let call = match call_ref {
        Some(call_ref) => {
            let select = "SELECT * FROM calls WHERE igrp = $1 AND call_ref = $2";
            let statement = client.prepare_cached(select).await?;
            let call_ref = call_ref.as_str();
            let row = client
                .query_opt(&statement, &[&igrp.get(), &call_ref])
                .await?;
            row.map(|row| call::read(&row)).transpose()?
        }
        None => None,
    };
    let visitor_id = match &call {
        Some(call) => call.visitor_id.or(visitor_id),
        None => visitor_id,
    };
    let until = Considered::until(as_of).micros();
    let (journey, call_count, last_call) = match visitor_id {
        Some(visitor_id) => {
            let visitor = visitor_uuid(visitor_id);
            let select = "(SELECT * FROM visits WHERE igrp = $1 AND visitor_id = $2
                           ORDER BY visit_time DESC LIMIT $3)
                          UNION
                          (SELECT * FROM visits WHERE igrp = $1 AND visitor_id = $2
                           ORDER BY visit_time LIMIT 1)";
            let statement = client.prepare_cached(select).await?;
            let most = i64::try_from(VisitorHistory::MAX_VISITS).unwrap_or(i64::MAX);
            let rows = client
                .query(&statement, &[&igrp.get(), &visitor, &most])
                .await?;
            let visits = rows.iter().map(|row| visit::read(row));
            let visits = visits.collect::<Result<Vec<_>, _>>()?;
            let select = "SELECT COUNT(*) AS count FROM calls
                          WHERE igrp = $1 AND visitor_id = $2 AND start_time <= $3";
            let statement = client.prepare_cached(select).await?;
            let row = client
                .query_one(&statement, &[&igrp.get(), &visitor, &until])
                .await?;
            let count: i64 = Columns::get(&row, "count")?;
            let select = "SELECT * FROM calls
                          WHERE igrp = $1 AND visitor_id = $2 AND start_time <= $3
                          ORDER BY start_time DESC, call_ref DESC LIMIT 1";
            let statement = client.prepare_cached(select).await?;
            let row = client
                .query_opt(&statement, &[&igrp.get(), &visitor, &until])
                .await?;
            let last = row.map(|row| call::read(&row)).transpose()?;
            (
                Journey::new(visits),
                usize::try_from(count).unwrap_or(0),
                last.or(call),
            )
        }
        None => (Journey::default(), usize::from(call.is_some()), call),
    };
    let call_rating = match &last_call {
        Some(call) => ratings::current(client, igrp, &call.call_ref).await?,
        None => None,
    };
    Ok(VisitorHistory {
        visitor_id,
        journey,
        call_count,
        last_call,
        call_rating,
    })
}
