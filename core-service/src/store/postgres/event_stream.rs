//! The stream of events.
//!
//! Cores commit side by side, so neither numbers nor times are in the order of
//! commits. Events are ordered by their transaction, and given out once no
//! transaction runs any more that came before theirs.

use deadpool_postgres::GenericClient;
use tokio::sync::watch;
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::columns::{self, Columns};
use super::super::rows::event;
use super::super::{StoreError, StreamFilter, StreamLimits, StreamPage, StreamPlace, StreamStart};
use super::notices::Topic;
use super::{PostgresStore, events};
use crate::domain::Event;

/// What the stream looks like now: the life of the store, below which
/// transaction all is settled, and which was the last to begin.
const NOW: &str = "SELECT
        (SELECT life FROM store_lives ORDER BY number DESC LIMIT 1) AS life,
        pg_snapshot_xmin(pg_current_snapshot())::text::int8 AS settled,
        pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS newest";

/// Looks at events, without reading them. The two bounds of the transaction are
/// of one snapshot with what is found between them. So many are looked at,
/// whatever is asked for: a statement that looked for those of one installation
/// could have to read through all the others.
const LOOK: &str = "SELECT event_id, number, igrp, action_folded,
        transaction_id::text::int8 AS transaction,
        (octet_length(title) + coalesce(octet_length(attributes), 0)
            + coalesce(octet_length(warnings), 0) + 500)::int8 AS bytes
    FROM events
    WHERE (transaction_id, number) > ($1::text::xid8, $2)
        AND transaction_id < $3::text::xid8
    ORDER BY transaction_id, number LIMIT $4";

/// An event that was looked at and is asked for.
struct Seen {
    place: StreamPlace,
    event_id: Uuid,
}

impl PostgresStore {
    pub(in super::super) fn event_alarm(&self) -> watch::Receiver<()> {
        self.notices.hear(Topic::Events)
    }

    pub(in super::super) async fn stream_events(
        &self,
        start: StreamStart,
        filter: StreamFilter,
        limits: StreamLimits,
    ) -> Result<Option<StreamPage>, StoreError> {
        let client = self.database.client().await?;
        after(&client, start, &filter, limits).await
    }
}

async fn after(
    client: &impl GenericClient,
    start: StreamStart,
    filter: &StreamFilter,
    limits: StreamLimits,
) -> Result<Option<StreamPage>, StoreError> {
    let statement = client.prepare_cached(NOW).await?;
    let now = client.query_one(&statement, &[]).await?;
    let settled: i64 = now.get::<_, i64>("settled");
    let newest: i64 = now.get::<_, i64>("newest");
    // Whatever settles later comes after it.
    let end = StreamPlace {
        life: now.get("life"),
        transaction: settled - 1,
        number: i64::MAX,
    };
    let beginning = StreamPlace {
        transaction: 0,
        number: 0,
        ..end
    };
    let after = match start {
        StreamStart::Beginning => beginning,
        StreamStart::Now => end,
        StreamStart::After(place) if is_known(client, place, end.life, newest).await? => place,
        StreamStart::After(_) => return Ok(None),
    };
    let after = StreamPlace {
        life: end.life,
        ..after
    };

    let statement = client.prepare_cached(LOOK).await?;
    let found = client
        .query(
            &statement,
            &[
                &after.transaction.to_string(),
                &after.number,
                &settled.to_string(),
                &i64::from(limits.looked_at),
            ],
        )
        .await?;
    let is_all = found.len() < usize::try_from(limits.looked_at).unwrap_or(usize::MAX);
    let (seen, next) = choose(&found, filter, limits, after)?;
    let (next, is_caught_up) = match next {
        // There is more in what was looked at.
        Some(next) => (next, false),
        // A place given out before may be ahead of what is settled by now.
        None if is_all => (later(after, end), true),
        None => (
            found.last().map_or(Ok(after), |row| place(row, end.life))?,
            false,
        ),
    };
    Ok(Some(StreamPage {
        events: read(client, seen).await?,
        next,
        is_caught_up,
        has_unsettled: settled < newest,
    }))
}

/// What of it is asked for, as much as may be read at once; the place to go on
/// from if that is not all.
fn choose(
    found: &[Row],
    filter: &StreamFilter,
    limits: StreamLimits,
    after: StreamPlace,
) -> Result<(Vec<Seen>, Option<StreamPlace>), StoreError> {
    let action = filter.action.as_deref().map(str::to_lowercase);
    let (mut seen, mut bytes, mut last) = (Vec::new(), 0, after);
    for row in found {
        if seen.len() >= limits.events || bytes >= limits.bytes {
            return Ok((seen, Some(last)));
        }
        last = place(row, after.life)?;
        let is_action = match &action {
            Some(action) => row.try_get::<_, &str>("action_folded")? == action,
            None => true,
        };
        let igrp = columns::igrp(row)?;
        let is_covered = match filter.igrp {
            Some(only) => igrp == only,
            None => filter.coverage.covers(igrp),
        };
        if is_action && is_covered {
            bytes += Columns::get::<u64>(row, "bytes")
                .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))?;
            seen.push(Seen {
                place: last,
                event_id: columns::uuid(row, "event_id")?,
            });
        }
    }
    Ok((seen, None))
}

fn place(row: &Row, life: i64) -> Result<StreamPlace, StoreError> {
    Ok(StreamPlace {
        life,
        transaction: Columns::get(row, "transaction")?,
        number: Columns::get(row, "number")?,
    })
}

fn later(one: StreamPlace, other: StreamPlace) -> StreamPlace {
    let key = |place: StreamPlace| (place.transaction, place.number);
    if key(one) > key(other) { one } else { other }
}

/// Reads events in this order. One that was deleted meanwhile is left out.
async fn read(
    client: &impl GenericClient,
    seen: Vec<Seen>,
) -> Result<Vec<(StreamPlace, Event)>, StoreError> {
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = seen.iter().map(|seen| seen.event_id).collect();
    let select = format!("{} WHERE events.event_id = ANY($1)", events::SELECT);
    let statement = client.prepare_cached(&select).await?;
    let mut found = std::collections::HashMap::with_capacity(ids.len());
    for row in client.query(&statement, &[&ids]).await? {
        let event = event::read(&row)?;
        found.insert(event.event_id, event);
    }
    let mut take = |seen: Seen| Some((seen.place, found.remove(&seen.event_id)?));
    Ok(seen.into_iter().filter_map(&mut take).collect())
}

/// Whether a place was given out for what is still the past of this store.
async fn is_known(
    client: &impl GenericClient,
    place: StreamPlace,
    life: i64,
    newest: i64,
) -> Result<bool, StoreError> {
    if place.life == life {
        return Ok(place.transaction <= newest);
    }
    // Good until the life after it began.
    let statement = client
        .prepare_cached(
            "SELECT next.start_transaction, next.start_number
             FROM store_lives AS own JOIN store_lives AS next ON next.number > own.number
             WHERE own.life = $1 ORDER BY next.number LIMIT 1",
        )
        .await?;
    let begun = client.query_opt(&statement, &[&place.life]).await?;
    let begun = begun.map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1)));
    Ok(begun.is_some_and(|begun| (place.transaction, place.number) <= begun))
}
