//! The stream of events. There is one writer, so the order of numbers is the
//! order of commits.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::columns::{self, Columns};
use super::super::{StoreError, StreamFilter, StreamLimits, StreamPage, StreamPlace, StreamStart};
use super::events;

/// The highest number that an event ever had.
pub(super) const HIGHEST: &str = "SELECT max(
    (SELECT highest FROM event_numbers),
    coalesce((SELECT max(number) FROM events), 0))";

/// Reads on. `None` when the place is not one of this store: it was given out
/// for events that are gone since a backup was restored.
pub(super) fn after(
    connection: &Connection,
    start: StreamStart,
    filter: &StreamFilter,
    limits: StreamLimits,
) -> Result<Option<StreamPage>, StoreError> {
    let end = end(connection)?;
    let after = match start {
        StreamStart::Beginning => 0,
        StreamStart::Now => end.number,
        StreamStart::After(place) if is_known(connection, place, end)? => place.number,
        StreamStart::After(_) => return Ok(None),
    };
    let igrp = filter.only_igrp();
    let sql = match igrp {
        None => {
            "SELECT number, igrp, action_folded FROM events
             WHERE number > ?1 ORDER BY number LIMIT ?2"
        }
        Some(_) => {
            "SELECT number, igrp, action_folded FROM events
             WHERE igrp = ?3 AND number > ?1 ORDER BY number LIMIT ?2"
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = match igrp {
        None => statement.query(params![after, limits.looked_at])?,
        Some(igrp) => statement.query(params![after, limits.looked_at, igrp.get()])?,
    };

    let action = filter.action.as_deref().map(str::to_lowercase);
    let (mut read, mut bytes, mut looked_at) = (Vec::new(), 0, 0);
    let mut next = StreamPlace {
        number: after,
        ..end
    };
    while let Some(row) = found.next()? {
        if read.len() >= limits.events || bytes >= limits.bytes {
            let (events, is_caught_up) = (read, false);
            return Ok(Some(StreamPage {
                events,
                next,
                is_caught_up,
                has_unsettled: false,
            }));
        }
        looked_at += 1;
        next.number = row.get("number")?;
        if is_asked_for(row, filter, action.as_deref())?
            && let Some((event, size)) = events::numbered(connection, next.number)?
        {
            bytes += size;
            read.push((next, event));
        }
    }
    let is_caught_up = looked_at < limits.looked_at;
    Ok(Some(StreamPage {
        events: read,
        next: if is_caught_up { end } else { next },
        is_caught_up,
        has_unsettled: false,
    }))
}

fn is_asked_for(
    row: &Row<'_>,
    filter: &StreamFilter,
    action: Option<&str>,
) -> Result<bool, StoreError> {
    if let Some(action) = action
        && Columns::get::<String>(row, "action_folded")? != action
    {
        return Ok(false);
    }
    Ok(filter.igrp.is_some() || filter.coverage.covers(columns::igrp(row)?))
}

/// The place behind the last event that there ever was.
pub(super) fn end(connection: &Connection) -> Result<StreamPlace, StoreError> {
    let number = connection
        .prepare_cached(HIGHEST)?
        .query_row([], |row| row.get(0))?;
    let life = connection
        .prepare_cached("SELECT life FROM store_lives ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| row.get(0))?;
    Ok(StreamPlace {
        life,
        transaction: 0,
        number,
    })
}

/// Whether a place was given out for what is still the past of this store.
fn is_known(
    connection: &Connection,
    place: StreamPlace,
    end: StreamPlace,
) -> Result<bool, StoreError> {
    if place.life == end.life {
        return Ok(place.transaction == 0 && place.number <= end.number);
    }
    // Good until the life after it began.
    let begun: Option<(i64, i64)> = connection
        .prepare_cached(
            "SELECT next.start_transaction, next.start_number
             FROM store_lives AS own JOIN store_lives AS next ON next.number > own.number
             WHERE own.life = ?1 ORDER BY next.number LIMIT 1",
        )?
        .query_row([place.life], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(begun.is_some_and(|begun| (place.transaction, place.number) <= begun))
}

/// Begins a life of a store that was brought back. One of an earlier release
/// begins its first when it is opened.
pub(super) fn begin_life(connection: &Connection) -> rusqlite::Result<()> {
    let has_lives = connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE name = 'store_lives'")?
        .exists([])?;
    if has_lives {
        connection.execute(
            &format!(
                "INSERT INTO store_lives (life, start_transaction, start_number)
                 VALUES (random() & 0x7FFFFFFFFFFFFFFF, 0, ({HIGHEST}))"
            ),
            [],
        )?;
    }
    Ok(())
}
