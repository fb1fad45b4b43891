//! What is known of a visitor, read from visits, calls and ratings.

use deadpool_postgres::GenericClient;
use sfbridge_values::{CallRef, Igrp, Timestamp, VisitorId};

use super::super::StoreError;
use super::super::columns::Columns;
use super::super::rows::call;
use super::events::visitor_uuid;
use super::{calls, ratings, visits};
use crate::domain::{Call, Considered, Journey, VisitorHistory};

/// The history of a visitor, or of the one that a call names: a call decides,
/// as it does for events. What is recorded while it is read may be in it or
/// not, each record for itself.
pub(super) async fn find(
    client: &impl GenericClient,
    igrp: Igrp,
    visitor_id: Option<VisitorId>,
    call_ref: Option<&CallRef>,
    as_of: Timestamp,
) -> Result<VisitorHistory, StoreError> {
    let call = match call_ref {
        Some(call_ref) => calls::find(client, igrp, call_ref.as_str()).await?,
        None => None,
    };
    let visitor_id = match &call {
        Some(call) => call.visitor_id.or(visitor_id),
        None => visitor_id,
    };
    let until = Considered::until(as_of);
    let (journey, call_count, last_call) = match visitor_id {
        Some(visitor_id) => (
            Journey::new(visits::latest_of(client, igrp, visitor_id).await?),
            count_calls(client, igrp, visitor_id, until).await?,
            last_call(client, igrp, visitor_id, until).await?.or(call),
        ),
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

async fn count_calls(
    client: &impl GenericClient,
    igrp: Igrp,
    visitor_id: VisitorId,
    until: Timestamp,
) -> Result<usize, StoreError> {
    let select = "SELECT count(*) AS count FROM calls
                  WHERE igrp = $1 AND visitor_id = $2 AND start_time <= $3";
    let statement = client.prepare_cached(select).await?;
    let row = client
        .query_one(
            &statement,
            &[&igrp.get(), &visitor_uuid(visitor_id), &until.micros()],
        )
        .await?;
    let count: i64 = Columns::get(&row, "count")?;
    Ok(usize::try_from(count).unwrap_or(0))
}

async fn last_call(
    client: &impl GenericClient,
    igrp: Igrp,
    visitor_id: VisitorId,
    until: Timestamp,
) -> Result<Option<Call>, StoreError> {
    let select = "SELECT * FROM calls
                  WHERE igrp = $1 AND visitor_id = $2 AND start_time <= $3
                  ORDER BY start_time DESC, call_ref COLLATE \"C\" DESC LIMIT 1";
    let statement = client.prepare_cached(select).await?;
    let row = client
        .query_opt(
            &statement,
            &[&igrp.get(), &visitor_uuid(visitor_id), &until.micros()],
        )
        .await?;
    row.map(|row| call::read(&row)).transpose()
}
