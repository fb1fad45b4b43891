//! The partitions of events: one for each month in which they were recorded.
//!
//! They are made ahead of time. What has none goes into `events_other`, so a
//! clock that jumps or a core that slept for months loses nothing; a month of
//! which there are events already has no partition of its own any more.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use deadpool_postgres::ClientWrapper;
use sfbridge_values::Timestamp;
use tokio_postgres::error::SqlState;
use tracing::{info, warn};
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::Columns;
use super::super::expiry::first_id;

/// How many months have a partition beside the present one.
const AHEAD: u32 = 2;

/// Whoever makes or drops a partition waits no longer for others, for all others
/// would wait behind it.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '1min'";

/// Makes the partitions of this month and the next ones, where there are none.
pub(super) async fn make(client: &ClientWrapper, now: Timestamp) -> Result<(), StoreError> {
    let Some(month) = month_of(now) else {
        return Ok(());
    };
    for ahead in 0..=AHEAD {
        let bounds = month
            .checked_add_months(Months::new(ahead))
            .and_then(|first| Some((first, first.checked_add_months(Months::new(1))?)));
        if let Some((first, next)) = bounds {
            make_one(client, first, next).await?;
        }
    }
    Ok(())
}

/// Makes the partitions of the months in which events were recorded, from the
/// one with the lowest id to the one with the highest. Events that are older
/// than a hundred months go into `events_other`.
pub(super) async fn make_for(
    client: &ClientWrapper,
    (lowest, highest): (Uuid, Uuid),
) -> Result<(), StoreError> {
    const MONTHS: u32 = 100;

    let month = |id: Uuid| month_of(time_of(id));
    let (Some(first), Some(last)) = (month(lowest), month(highest)) else {
        return Ok(());
    };
    let oldest = last.checked_sub_months(Months::new(MONTHS));
    let mut first = oldest.map_or(first, |oldest| first.max(oldest));
    while first <= last {
        let Some(next) = first.checked_add_months(Months::new(1)) else {
            return Ok(());
        };
        make_one(client, first, next).await?;
        first = next;
    }
    Ok(())
}

/// The time with which an id begins.
fn time_of(id: Uuid) -> Timestamp {
    let millis = id.as_u64_pair().0 >> 16;
    Timestamp::from_micros(i64::try_from(millis).unwrap_or(0).saturating_mul(1_000))
}

async fn make_one(
    client: &ClientWrapper,
    first: NaiveDate,
    next: NaiveDate,
) -> Result<(), StoreError> {
    let name = name_of(first);
    let is_there: bool = {
        let row = client
            .query_one("SELECT to_regclass($1) IS NOT NULL AS is_there", &[&name])
            .await?;
        Columns::get(&row, "is_there")?
    };
    if is_there {
        return Ok(());
    }
    let (from, to) = (first_id_of(first), first_id_of(next));
    let create = format!(
        "{BEGIN};
         CREATE TABLE IF NOT EXISTS {name} PARTITION OF events FOR VALUES FROM ('{from}') TO ('{to}');
         COMMIT"
    );
    match client.batch_execute(&create).await {
        Ok(()) => {
            info!(partition = name, "made a partition for events");
            Ok(())
        }
        Err(error) => {
            roll_back(client).await?;
            match error.code() {
                // Events of that month are in events_other, or somebody else
                // makes it, or is in the way for long.
                Some(code) if is_for_later(code) => {
                    warn!(
                        partition = name,
                        error = &error as &dyn std::error::Error,
                        "the partition was not made; its events go into events_other"
                    );
                    Ok(())
                }
                _ => Err(error.into()),
            }
        }
    }
}

/// Drops the partitions all of whose events are older, and says how many events
/// there were. One that somebody is busy with stays for the next time.
pub(super) async fn drop_before(
    client: &ClientWrapper,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let rows = client
        .query(
            "SELECT child.relname::text AS name
             FROM pg_inherits
             JOIN pg_class AS child ON child.oid = inhrelid
             WHERE inhparent = 'events'::regclass AND child.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
             ORDER BY child.relname",
            &[],
        )
        .await?;
    let mut count = 0;
    for row in &rows {
        let name: String = Columns::get(row, "name")?;
        let next = first_of(&name).and_then(|first| first.checked_add_months(Months::new(1)));
        if next.is_none_or(|next| first_id_of(next) > first_id(before)) {
            continue;
        }
        let events: i64 = {
            let count = format!("SELECT count(*) AS count FROM {name}");
            let row = client.query_one(&count, &[]).await?;
            Columns::get(&row, "count")?
        };
        let dropped = client
            .batch_execute(&format!("{BEGIN}; DROP TABLE IF EXISTS {name}; COMMIT"))
            .await;
        match dropped {
            Ok(()) => {
                info!(
                    partition = name,
                    events, "dropped a partition of old events"
                );
                count += u64::try_from(events).unwrap_or(0);
            }
            Err(error) => {
                roll_back(client).await?;
                if !error.code().is_some_and(is_for_later) {
                    return Err(error.into());
                }
                warn!(
                    partition = name,
                    error = &error as &dyn std::error::Error,
                    "a partition of old events was not dropped; the next round tries again"
                );
            }
        }
    }
    Ok(count)
}

/// The connection goes back to the others.
async fn roll_back(client: &ClientWrapper) -> Result<(), StoreError> {
    Ok(client.batch_execute("ROLLBACK").await?)
}

fn is_for_later(code: &SqlState) -> bool {
    [
        &SqlState::CHECK_VIOLATION,
        &SqlState::LOCK_NOT_AVAILABLE,
        &SqlState::T_R_DEADLOCK_DETECTED,
        &SqlState::DUPLICATE_TABLE,
        &SqlState::UNIQUE_VIOLATION,
        &SqlState::UNDEFINED_TABLE,
    ]
    .contains(&code)
}

/// The first day of a time's month.
fn month_of(time: Timestamp) -> Option<NaiveDate> {
    time.to_utc().date_naive().with_day(1)
}

fn name_of(first: NaiveDate) -> String {
    format!("events_{}", first.format("%Y_%m"))
}

/// The first day of a partition's month.
fn first_of(name: &str) -> Option<NaiveDate> {
    let month = name.strip_prefix("events_")?;
    NaiveDate::parse_from_str(&format!("{month}_01"), "%Y_%m_%d").ok()
}

/// The lowest id of events that were recorded from that day on.
fn first_id_of(day: NaiveDate) -> Uuid {
    let midnight: DateTime<Utc> = day.and_time(chrono::NaiveTime::MIN).and_utc();
    first_id(Timestamp::from_micros(midnight.timestamp_micros()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Perishable;
    use crate::recording::new_record_id;
    use crate::store::conformance::given::{at, event, events, item, record, seven};
    use crate::store::conformance::metrics;
    use crate::store::{Expired, Expiry, Store, StoreConfig};

    #[test]
    fn a_month_is_told_from_a_partitions_name() {
        let time = Timestamp::from_micros(1_706_745_599_999_999);
        let first = month_of(time).unwrap();
        assert_eq!(name_of(first), "events_2024_01");
        assert_eq!(first_of("events_2024_01"), Some(first));
        assert_eq!(first_of("events_other"), None);
        let next = first.checked_add_months(Months::new(1)).unwrap();
        assert!(first_id_of(first) < first_id(time) && first_id(time) < first_id_of(next));
    }

    #[tokio::test]
    async fn months_of_events_that_are_moved_have_partitions() {
        let (store, _database) = open().await;
        let Store::Postgres(postgres) = &store else {
            panic!("it is a PostgreSQL store");
        };
        let client = postgres.database.client().await.unwrap();
        let id = |seconds| new_record_id(at(seconds));
        make_for(&client, (id(JANUARY), id(JUNE))).await.unwrap();
        for seconds in [JANUARY, MID_JANUARY, JUNE] {
            record(&store, seconds, item(event("moved"))).await;
        }
        let expected = [("events_2024_01", 2), ("events_2024_06", 1)];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(tables(&store).await, expected);
        store.close().await;
    }

    /// Seconds at which months began, and one within January.
    const JANUARY: i64 = 1_704_067_200;
    const MID_JANUARY: i64 = JANUARY + 14 * 86_400;
    const JUNE: i64 = 1_717_200_000;

    async fn open() -> (Store, test_postgres::Database) {
        let database = test_postgres::Database::create();
        let config: StoreConfig = database.url().parse().unwrap();
        let (store, _) = Store::open(&config, metrics()).await.unwrap();
        (store, database)
    }

    /// The tables that hold events, and how many.
    async fn tables(store: &Store) -> Vec<(String, i64)> {
        let Store::Postgres(store) = store else {
            panic!("it is a PostgreSQL store");
        };
        let client = store.database.client().await.unwrap();
        let select = "SELECT tableoid::regclass::text AS name, count(*) AS count FROM events
                      GROUP BY name ORDER BY name";
        let rows = client.query(select, &[]).await.unwrap();
        rows.iter()
            .map(|row| (row.get("name"), row.get("count")))
            .collect()
    }

    fn of(name: &str, count: i64) -> (String, i64) {
        (name.to_owned(), count)
    }

    #[tokio::test]
    async fn events_are_kept_by_the_month_and_a_month_goes_as_a_whole() {
        let (store, _database) = open().await;
        // Twice, as several cores do.
        store.make_room(at(MID_JANUARY)).await.unwrap();
        store.make_room(at(MID_JANUARY)).await.unwrap();
        for seconds in [JANUARY, MID_JANUARY, JANUARY + 32 * 86_400, JUNE] {
            record(&store, seconds, item(event("")).keyed(&seconds.to_string())).await;
        }
        assert_eq!(
            tables(&store).await,
            [
                of("events_2024_01", 2),
                of("events_2024_02", 1),
                of("events_other", 1)
            ]
        );
        // The month is not over for the one in its middle.
        let step = Expiry::new(Perishable::Event, at(MID_JANUARY + 1));
        assert_eq!(store.expire(step).await.unwrap(), Expired::default());
        let step = Expiry::new(Perishable::Event, at(JANUARY + 31 * 86_400));
        assert_eq!(store.expire(step).await.unwrap().count, 2);
        assert_eq!(
            tables(&store).await,
            [of("events_2024_02", 1), of("events_other", 1)]
        );
        // What is recorded late, by a clock that is slow, is kept.
        record(&store, JANUARY, item(event("late")).keyed("late"))
            .await
            .recorded();
        assert_eq!(events(&store, seven()).await.len(), 3);
        store.close().await;
    }

    #[tokio::test]
    async fn a_clock_that_jumps_loses_no_event() {
        let (store, _database) = open().await;
        store.make_room(at(MID_JANUARY)).await.unwrap();
        record(&store, JUNE + 9, item(event("ahead")))
            .await
            .recorded();
        record(&store, MID_JANUARY, item(event("now")))
            .await
            .recorded();
        // The month of the one ahead can have no partition any more.
        store.make_room(at(JUNE)).await.unwrap();
        record(&store, JUNE + 10, item(event("june")))
            .await
            .recorded();
        assert_eq!(events(&store, seven()).await.len(), 3);
        assert_eq!(
            tables(&store).await,
            [of("events_2024_01", 1), of("events_other", 2)]
        );
        // They go all the same when they are old.
        let step = Expiry::new(Perishable::Event, at(JUNE + 40 * 86_400));
        assert_eq!(store.expire(step).await.unwrap().count, 3);
        store.close().await;
    }
}
