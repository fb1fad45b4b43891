//! The side of a move that is a PostgreSQL database.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Row, RowStream};
use uuid::Uuid;

use super::super::StoreError;
use super::super::columns::Cell;
use super::super::moving::{MoveError, MovedRow, Schema, TABLES, Table, Value};
use super::database::Database;
use super::{PostgresConfig, partitions, row, schema};

/// States of a move, as the table `moves` has them.
const UNDER_WAY: i64 = 1;
const DONE: i64 = 2;

/// A database that is read from or filled, over one connection.
pub(in super::super) struct PostgresSide {
    client: ClientWrapper,
}

impl PostgresSide {
    /// Connects, and brings the schema up to date.
    pub(in super::super) async fn open(config: &PostgresConfig) -> Result<Self, StoreError> {
        let mut client = super::connect(&Database::new(config)?, config).await?;
        schema::prepare(&mut client, config).await?;
        client
            .batch_execute(
                "SET statement_timeout = 0;
                 SET lock_timeout = '10s';
                 SET idle_in_transaction_session_timeout = 0;
                 SET application_name = 'sfbridge migrate'",
            )
            .await?;
        Ok(Self { client })
    }

    /// Makes room for events with ids in this span.
    pub(in super::super) async fn make_room(&self, span: (Uuid, Uuid)) -> Result<(), StoreError> {
        partitions::make_for(&self.client, span).await
    }

    /// Reads from now on what is there now.
    pub(in super::super) async fn begin_snapshot(&self) -> Result<(), StoreError> {
        self.client
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        Ok(())
    }

    /// Begins a move of the store in this life, or goes on with it.
    pub(in super::super) async fn begin_move(&self, life: i64) -> Result<(), MoveError> {
        self.refuse_company().await?;
        let begun = self
            .client
            .query_opt("SELECT source_life, state FROM moves", &[])
            .await
            .map_err(StoreError::from)?;
        let begun = begun.map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1)));
        match begun {
            Some((of, UNDER_WAY | DONE)) if of == life => {}
            Some((of, _)) if of == life => return Err(MoveError::InUse),
            Some(_) => return Err(MoveError::OtherData),
            None if self.holds_data().await? => return Err(MoveError::OtherData),
            None => {}
        }
        Ok(self.mark(life).await?)
    }

    /// Begins to bring a backup of the store in this life back.
    pub(in super::super) async fn begin_restore(
        &self,
        life: i64,
        replace: bool,
    ) -> Result<(), MoveError> {
        self.refuse_company().await?;
        let is_going_on = self
            .client
            .query_opt(
                "SELECT 1 FROM moves WHERE source_life = $1 AND state = $2",
                &[&life, &UNDER_WAY],
            )
            .await
            .map_err(StoreError::from)?
            .is_some();
        if !replace && !is_going_on && self.holds_data().await? {
            return Err(MoveError::OtherData);
        }
        Ok(self.mark(life).await?)
    }

    /// From here on no core opens the database.
    async fn mark(&self, life: i64) -> Result<(), StoreError> {
        self.client
            .execute(
                "INSERT INTO moves (id, source_life, state) VALUES (1, $1, $2)
                 ON CONFLICT (id) DO UPDATE
                 SET source_life = excluded.source_life, state = excluded.state",
                &[&life, &UNDER_WAY],
            )
            .await?;
        Ok(())
    }

    /// Cores that run would write between what is copied.
    async fn refuse_company(&self) -> Result<(), MoveError> {
        let others = self
            .client
            .query_one(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()
                     AND application_name LIKE 'sfbridge%'",
                &[],
            )
            .await
            .map_err(StoreError::from)?;
        match others.get::<_, i64>(0) {
            0 => Ok(()),
            others => Err(MoveError::CoresRun(others)),
        }
    }

    async fn holds_data(&self) -> Result<bool, StoreError> {
        for table in TABLES.iter().filter(|table| table.name != "store_lives") {
            let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
            if self.client.query_opt(&sql, &[]).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Numbers go on after those that were copied, and cores may come.
    pub(in super::super) async fn finish_move(&self, highest_event: i64) -> Result<(), StoreError> {
        self.set_sequences(highest_event).await?;
        self.client
            .execute("UPDATE moves SET state = $1", &[&DONE])
            .await?;
        self.client.batch_execute("ANALYZE").await?;
        Ok(())
    }

    /// The same after a backup was brought back, which begins another life.
    pub(in super::super) async fn finish_restore(
        &self,
        highest_event: i64,
    ) -> Result<(), StoreError> {
        self.set_sequences(highest_event).await?;
        self.client
            .execute(
                "INSERT INTO store_lives (life, start_transaction, start_number)
                 VALUES (('x' || left(replace(gen_random_uuid()::text, '-', ''), 15))::bit(60)::bigint,
                     0, $1)",
                &[&highest_event],
            )
            .await?;
        self.client.execute("DELETE FROM moves", &[]).await?;
        self.client.batch_execute("ANALYZE").await?;
        Ok(())
    }

    async fn set_sequences(&self, highest_event: i64) -> Result<(), StoreError> {
        for table in TABLES {
            let Some(sequence) = table.sequence else {
                continue;
            };
            let least = if table.name == "events" {
                highest_event
            } else {
                0
            };
            let sql = format!(
                "SELECT setval('{sequence}', greatest(1, $1, coalesce(max(number), 0))) FROM {}",
                table.name
            );
            self.client.query_one(&sql, &[&least]).await?;
        }
        Ok(())
    }

    /// The highest number that an event ever had.
    pub(in super::super) async fn highest_event(&self) -> Result<i64, StoreError> {
        let row = self
            .client
            .query_one("SELECT last_value FROM event_numbers", &[])
            .await?;
        Ok(row.get(0))
    }

    pub(in super::super) async fn tables(&self) -> Result<Schema, StoreError> {
        let rows = self
            .client
            .query(
                "SELECT tables.relname::text, columns.attname::text
                 FROM pg_class AS tables
                 JOIN pg_attribute AS columns ON columns.attrelid = tables.oid
                 WHERE tables.relnamespace = current_schema()::regnamespace
                     AND tables.relkind IN ('r', 'p') AND NOT tables.relispartition
                     AND columns.attnum > 0 AND NOT columns.attisdropped
                 ORDER BY tables.relname, columns.attnum",
                &[],
            )
            .await?;
        let mut schema = Schema::new();
        for row in rows {
            let columns = schema.entry(row.get(0)).or_default();
            columns.push(row.get(1));
        }
        Ok(schema)
    }

    /// All rows of a table after a key, in the order of the key.
    pub(in super::super) async fn stream(
        &self,
        table: &Table,
        columns: &[String],
        after: Option<Vec<Value>>,
    ) -> Result<RowStream, StoreError> {
        let key = self.key(table).await?;
        let after = after.unwrap_or_default();
        let condition = if after.is_empty() {
            String::new()
        } else {
            format!("WHERE ({key}) > ({})", places(after.len()))
        };
        let sql = format!(
            "SELECT {} FROM {} {condition} ORDER BY {key}",
            list(columns),
            table.name
        );
        let statement = self.client.prepare(&sql).await?;
        Ok(self.client.query_raw(&statement, after.iter()).await?)
    }

    pub(in super::super) async fn rows(
        &self,
        table: &Table,
        columns: &[String],
        keys: &[Vec<Value>],
    ) -> Result<Vec<MovedRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM {} WHERE ({}) = ({})",
            list(columns),
            table.name,
            table.key.join(", "),
            places(table.key.len())
        );
        let statement = self.client.prepare(&sql).await?;
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let found = self.client.query(&statement, &bound(key)).await?;
            for row in &found {
                rows.push(moved_row(row)?);
            }
        }
        Ok(rows)
    }

    pub(in super::super) async fn count(&self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count: i64 = self.client.query_one(&sql, &[]).await?.get(0);
        Ok(u64::try_from(count).unwrap_or(0))
    }

    pub(in super::super) async fn remove(
        &mut self,
        table: &Table,
        keys: &[Vec<Value>],
    ) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM {} WHERE ({}) = ({})",
            table.name,
            table.key.join(", "),
            places(table.key.len())
        );
        let transaction = self.client.transaction().await?;
        let statement = transaction.prepare(&sql).await?;
        for key in keys {
            transaction.execute(&statement, &bound(key)).await?;
        }
        Ok(transaction.commit().await?)
    }

    pub(in super::super) async fn add(
        &mut self,
        table: &Table,
        columns: &[String],
        rows: &[MovedRow],
    ) -> Result<(), StoreError> {
        let mut names = list(columns);
        // Before all that is recorded here: cursors from there stay good.
        let is_streamed = table.name == "events";
        if is_streamed {
            names.push_str(", transaction_id");
        }
        let sql = format!("SELECT {names} FROM {} LIMIT 0", table.name);
        let shape = self.client.prepare(&sql).await?;
        let types: Vec<Type> = shape
            .columns()
            .iter()
            .map(|column| column.type_().clone())
            .collect();
        let transaction = self.client.transaction().await?;
        let sql = format!("COPY {} ({names}) FROM STDIN (FORMAT binary)", table.name);
        let sink = transaction.copy_in(&sql).await?;
        let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &types));
        let first = Value::Int(0);
        for row in rows {
            let mut values: Vec<&Value> = row.iter().collect();
            values.extend(is_streamed.then_some(&first));
            writer.as_mut().write_raw(values).await?;
        }
        writer.finish().await?;
        Ok(transaction.commit().await?)
    }

    /// The key as both sides order it: texts by their bytes.
    async fn key(&self, table: &Table) -> Result<String, StoreError> {
        let sql = format!(
            "SELECT {} FROM {} LIMIT 0",
            table.key.join(", "),
            table.name
        );
        let shape = self.client.prepare(&sql).await?;
        let ordered: Vec<_> = shape
            .columns()
            .iter()
            .map(|column| match *column.type_() {
                Type::TEXT => format!("{} COLLATE \"C\"", column.name()),
                _ => column.name().to_owned(),
            })
            .collect();
        Ok(ordered.join(", "))
    }
}

/// Fails while a move into the database is under way; notes else that a core
/// has come to it.
pub(super) async fn take_up(
    client: &ClientWrapper,
    database: &PostgresConfig,
) -> Result<(), StoreError> {
    const IN_USE: i64 = 3;

    client
        .execute(
            "UPDATE moves SET state = $1 WHERE state = $2",
            &[&IN_USE, &DONE],
        )
        .await?;
    let is_half = client
        .query_opt("SELECT 1 FROM moves WHERE state = $1", &[&UNDER_WAY])
        .await?
        .is_some();
    if is_half {
        return Err(StoreError::HalfMoved {
            database: database.to_string(),
        });
    }
    Ok(())
}

/// A row as it is moved.
pub(in super::super) fn moved_row(row: &Row) -> Result<MovedRow, StoreError> {
    (0..row.len())
        .map(|index| {
            Ok(match row::cell(row, index)? {
                Cell::Null => Value::Null,
                Cell::Int(number) => Value::Int(number),
                Cell::Bool(flag) => Value::Int(flag.into()),
                Cell::Text(text) => Value::Text(text.to_owned()),
                Cell::Id(id) => Value::Bytes(id.to_vec()),
                Cell::Bytes(bytes) => Value::Bytes(bytes.to_owned()),
            })
        })
        .collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        column: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, column) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(number), &Type::INT8) => number.to_sql(column, out),
            (Self::Int(number), &Type::INT4) => i32::try_from(*number)?.to_sql(column, out),
            (Self::Int(number @ (0 | 1)), &Type::BOOL) => (*number == 1).to_sql(column, out),
            (Self::Int(number), &Type::XID8) => {
                out.put_i64(*number);
                Ok(IsNull::No)
            }
            (Self::Text(text), &Type::TEXT) => text.to_sql(column, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(column, out),
            (Self::Bytes(bytes), &Type::UUID) => Uuid::from_slice(bytes)?.to_sql(column, out),
            (_, column) => Err(format!("the value does not fit into a column of {column}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // What fits is seen with the value.
        true
    }

    to_sql_checked!();
}

fn bound(key: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    let values = key.iter();
    values.map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// `$1, $2, $3`
fn places(count: usize) -> String {
    let places: Vec<_> = (1..=count).map(|n| format!("${n}")).collect();
    places.join(", ")
}

/// Column names, quoted: one of them is a word of SQL.
fn list(columns: &[String]) -> String {
    let quoted: Vec<_> = columns
        .iter()
        .map(|column| format!("\"{column}\""))
        .collect();
    quoted.join(", ")
}
