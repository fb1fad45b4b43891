//! The database's schema and settings, checked when the store is opened.

use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use tracing::warn;

use super::super::columns::Columns;
use super::super::{Migrated, StoreError};
use super::config::PostgresConfig;

mod embedded {
    refinery::embed_migrations!("src/store/migrations/postgres");
}

/// The oldest PostgreSQL that has all that the store needs.
const OLDEST: i64 = 15;

/// So that cores which start at the same time migrate one after the other. The
/// number is "sfbridge" in ASCII.
const MIGRATION_LOCK: i64 = 0x7366_6272_6964_6765;

/// Checks the server, and brings the schema up to date.
pub(super) async fn prepare(
    client: &mut ClientWrapper,
    config: &PostgresConfig,
) -> Result<Migrated, StoreError> {
    check_server(client, config).await?;
    // It may wait for another core's migration, and a migration for others.
    client
        .batch_execute("SET statement_timeout = 0; SET lock_timeout = '10min'")
        .await?;
    client
        .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await?;
    let migrated = migrate(client).await;
    // Ends with the session too.
    let _ = client
        .execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK])
        .await;
    migrated
}

async fn check_server(client: &ClientWrapper, config: &PostgresConfig) -> Result<(), StoreError> {
    let settings = client
        .query_one(
            "SELECT current_setting('server_version') AS version,
                 current_setting('server_version_num')::int8 / 10000 AS major,
                 current_setting('fsync') AS fsync,
                 current_setting('full_page_writes') AS full_page_writes,
                 getdatabaseencoding()::text AS encoding",
            &[],
        )
        .await?;
    if Columns::get::<i64>(&settings, "major")? < OLDEST {
        return Err(StoreError::TooOld {
            found: Columns::get(&settings, "version")?,
        });
    }
    for setting in ["fsync", "full_page_writes"] {
        if Columns::get::<String>(&settings, setting)? == "off" {
            warn!(
                database = %config,
                "the server has {setting} off: a crash of its machine can lose what was acknowledged"
            );
        }
    }
    let encoding: String = Columns::get(&settings, "encoding")?;
    if encoding != "UTF8" {
        return Err(StoreError::Encoding { found: encoding });
    }
    Ok(())
}

async fn migrate(client: &mut ClientWrapper) -> Result<Migrated, StoreError> {
    // A release knows the schemas before its own, and goes on with a later one
    // unless that says that it can't.
    let runner = embedded::migrations::runner().set_abort_missing(false);
    let ours = runner
        .get_migrations()
        .iter()
        .map(refinery::Migration::version);
    let ours = ours.max().unwrap_or(0);
    let migrate = |error| StoreError::Migrate(Arc::new(error));
    let before = if has_history(client).await? {
        let last = runner.get_last_applied_migration_async(&mut **client).await;
        last.map_err(migrate)?
            .map_or(0, |migration| migration.version())
    } else {
        0
    };
    let to = u32::try_from(ours).unwrap_or(0);
    let from = u32::try_from(before).unwrap_or(0);
    if from > to {
        let row = client
            .query_one("SELECT oldest_version FROM schema_compatibility", &[])
            .await?;
        let oldest: i64 = Columns::get(&row, "oldest_version")?;
        if i64::from(to) < oldest {
            return Err(StoreError::TooNew { schema: from });
        }
        return Ok(Migrated { from, to: from });
    }
    runner.run_async(&mut **client).await.map_err(migrate)?;
    Ok(Migrated { from, to })
}

/// Whether the database has ever had a schema of ours.
async fn has_history(client: &ClientWrapper) -> Result<bool, StoreError> {
    let row = client
        .query_one(
            "SELECT to_regclass('refinery_schema_history') IS NOT NULL AS is_there",
            &[],
        )
        .await?;
    Columns::get(&row, "is_there")
}
