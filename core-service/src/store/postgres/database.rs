//! Connections to the database, and transactions on them.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, TimeoutType,
};
use rand::Rng as _;
use tokio::sync::watch;
use tokio_postgres::NoTls;
use tracing::{error, info};

use super::super::{StoreError, StoreState};
use super::config::PostgresConfig;
use super::tls;

/// How often a transaction is run again that meets others.
const TRIES: u32 = 12;

/// How long somebody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// The database. Clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pool: Pool,
    state: watch::Sender<StoreState>,
}

impl Database {
    /// Makes ready to connect, without doing so.
    pub(super) fn new(config: &PostgresConfig) -> Result<Self, StoreError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let server = config.server.clone();
        let manager = if config.wants_tls() {
            Manager::from_config(server, tls::connector(config)?, recycling)
        } else {
            Manager::from_config(server, NoTls, recycling)
        };
        let settings = session_settings(config.statement_timeout);
        let prepare = Hook::async_fn(move |client, _| {
            let settings = settings.clone();
            Box::pin(async move {
                let set = client.batch_execute(&settings).await;
                set.map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(config.connections)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .post_create(prepare)
            .build()
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self {
            pool,
            state: watch::Sender::new(StoreState::Ready),
        })
    }

    /// Follows whether writes are taken.
    pub(super) fn state(&self) -> watch::Receiver<StoreState> {
        self.state.subscribe()
    }

    /// Closes all connections; whoever asks for one is refused.
    pub(super) fn close(&self) {
        self.pool.close();
        self.state.send_replace(StoreState::Closed);
    }

    /// A connection to read with, or to write in a transaction of one's own.
    pub(super) async fn client(&self) -> Result<Client, StoreError> {
        let client = self.pool.get().await.map_err(StoreError::from);
        match &client {
            // A connection says nothing of the room on the server's disk.
            Ok(_) if *self.state.borrow() == StoreState::Full => {}
            client => self.note(client.as_ref().err()),
        }
        client
    }

    /// Begins to try a transaction; see [`transact`].
    pub(super) fn tries(&self) -> Tries<'_> {
        Tries {
            database: self,
            count: 0,
        }
    }

    /// Takes note of how the last work went.
    pub(super) fn note(&self, failure: Option<&StoreError>) {
        let state = match failure {
            None => StoreState::Ready,
            Some(StoreError::Full(_)) => StoreState::Full,
            Some(StoreError::Unreachable(_)) => StoreState::Unreachable,
            // They say nothing of the database's state.
            Some(_) => return,
        };
        let changed = self.state.send_if_modified(|before| {
            let changes = *before != state && *before != StoreState::Closed;
            if changes {
                *before = state.clone();
            }
            changes
        });
        match (changed, failure) {
            (false, _) => {}
            (true, None) => info!("the store takes writes again"),
            (true, Some(failure)) => error!(
                error = failure as &dyn std::error::Error,
                "the store can't write; it goes on by itself once the database does"
            ),
        }
    }
}

/// The tries of one transaction.
#[derive(Debug)]
pub(super) struct Tries<'a> {
    database: &'a Database,
    count: u32,
}

impl Tries<'_> {
    /// A connection for the next try.
    pub(super) async fn client(&self) -> Result<Client, StoreError> {
        Ok(self.database.pool.get().await?)
    }

    /// Ends a try: what came of it, unless it met another transaction and is to
    /// be made again, after a pause.
    pub(super) async fn end<T>(
        &mut self,
        done: Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        self.count += 1;
        if let Err(StoreError::Contended(_)) = done
            && self.count < TRIES
        {
            tokio::time::sleep(pause(self.count)).await;
            return None;
        }
        self.database.note(done.as_ref().err());
        Some(done)
    }
}

/// Does work in a transaction and commits it; again, as a whole, when it meets a
/// transaction of somebody else. (A function that takes the work as an
/// asynchronous closure would give a future that is not `Send`.)
macro_rules! transact {
    ($database:expr, |$transaction:ident| $work:expr) => {{
        let mut tries = $database.tries();
        loop {
            let done = async {
                let mut client = tries.client().await?;
                let $transaction = client.transaction().await?;
                let done = $work?;
                $transaction.commit().await?;
                Ok::<_, $crate::store::StoreError>(done)
            };
            let done = done.await;
            if let Some(done) = tries.end(done).await {
                break done;
            }
        }
    }};
}
pub(super) use transact;

/// How long to wait before the next try: longer each time, and by chance, so
/// that two do not meet again and again.
pub(super) fn pause(tries: u32) -> Duration {
    let most = 1_u64 << tries.min(8);
    Duration::from_micros(rand::rng().random_range(0..=most * 500))
}

/// What every session sets. Whatever the server's defaults, what is committed is
/// on disk.
///
/// Statements are planned once for any values. Plans for certain values are
/// guesses wherever the server has no statistics yet, as in the partition of a
/// month that has just begun, and some of those guesses read all of it. None is
/// worth workers of its own: to start them takes longer than to look rows up.
fn session_settings(statement_timeout: Duration) -> String {
    let milliseconds = statement_timeout.as_millis();
    format!(
        "SET statement_timeout = {milliseconds};
         SET lock_timeout = {milliseconds};
         SET idle_in_transaction_session_timeout = {milliseconds};
         SET jit = off;
         SET plan_cache_mode = force_generic_plan;
         SET max_parallel_workers_per_gather = 0;
         SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') IN ('off', 'local');"
    )
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::from(error),
            PoolError::PostCreateHook(HookError::Backend(error)) => Self::from(error),
            PoolError::Closed => Self::Closed,
            // All are busy, or the server does not answer.
            PoolError::Timeout(TimeoutType::Wait) => Self::Overloaded,
            other => Self::Unreachable(Arc::new(other)),
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            return match error.to_string() {
                words if words.starts_with("error deserializing column") => Self::Unreadable {
                    table: "the store",
                    what: words,
                },
                words if words.starts_with("error serializing parameter") => {
                    Self::Refused(Arc::new(error))
                }
                _ => Self::Unreachable(Arc::new(error)),
            };
        };
        match code.code() {
            // Unique violation, serialization failure, deadlock, lock time-out.
            "23505" | "40001" | "40P01" | "55P03" => Self::Contended(Arc::new(error)),
            "53100" => Self::Full(Arc::new(error)),
            // The statement time-out.
            "57014" => Self::Overloaded,
            // No rights, no such database: only somebody can change that.
            code if code.starts_with("28") || code == "3D000" => Self::Unreachable(Arc::new(error)),
            // Connection exceptions, resources, an operator, a read-only copy.
            code if ["08", "53", "57", "58"].contains(&&code[..2]) || code == "25006" => {
                Self::Unreachable(Arc::new(error))
            }
            _ => Self::Refused(Arc::new(error)),
        }
    }
}
