//! What cores tell each other: that there is news, never what it is.
//!
//! News is told after the commit, by one connection of its own (`NOTIFY`), a
//! few times a second at most. Within the transactions it would have them
//! commit one after the other, on all cores, for PostgreSQL keeps notices in
//! the order of commits. What is lost that way, because a core ends before it
//! has told, or because the database knows no `LISTEN`, is found by looking:
//! whoever waits for news looks by itself after [`Notices::longest_silence`].

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use rand::Rng as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Notification, Socket};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::super::StoreError;
use super::config::PostgresConfig;
use super::tls;

/// What there is news of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// A lead enrichment may be due sooner than somebody knows.
    Enrichments,
    /// Events were recorded.
    Events,
}

/// News from all cores. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Notices {
    board: Arc<Board>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Board {
    enrichments: Told,
    events: Told,
    /// There is something to tell.
    untold: Notify,
    is_listening: AtomicBool,
    /// The process of the database that serves the connection, by which a core
    /// knows its own notices.
    own_process: AtomicI32,
}

#[derive(Debug, Default)]
struct Told {
    rung: watch::Sender<()>,
    /// Whether other cores have yet to hear of it.
    is_untold: AtomicBool,
}

/// The channel of all notices.
const CHANNEL: &str = "sfbridge";

/// How long one who has told waits before telling more.
const PAUSE: Duration = Duration::from_millis(200);

/// How long nobody relies on notices while they come.
const WITH_NOTICES: Duration = Duration::from_secs(10);

/// How long nobody relies on them while they don't.
const WITHOUT_NOTICES: Duration = Duration::from_secs(2);

/// The longest pause between two tries to connect.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

impl Topic {
    const ALL: [Self; 2] = [Self::Enrichments, Self::Events];

    /// What stands for it in a notice.
    fn payload(self) -> &'static str {
        match self {
            Self::Enrichments => "enrichments",
            Self::Events => "events",
        }
    }
}

impl Notices {
    /// Begins to listen, and goes on until closed, whatever happens to the
    /// connection.
    pub(super) fn start(config: &PostgresConfig) -> Self {
        let notices = Self {
            board: Arc::new(Board {
                enrichments: Told::default(),
                events: Told::default(),
                untold: Notify::new(),
                is_listening: AtomicBool::new(false),
                own_process: AtomicI32::new(0),
            }),
            stop: CancellationToken::new(),
        };
        let listener = Listener {
            config: config.clone(),
            board: Arc::clone(&notices.board),
            stop: notices.stop.clone(),
        };
        tokio::spawn(listener.run());
        notices
    }

    /// Hears of each piece of news from now on, of any core.
    pub(super) fn hear(&self, topic: Topic) -> watch::Receiver<()> {
        self.board.told(topic).rung.subscribe()
    }

    /// There is news. To be called after the commit.
    pub(super) fn ring(&self, topic: Topic) {
        let told = self.board.told(topic);
        told.rung.send_replace(());
        told.is_untold.store(true, Ordering::Release);
        self.board.untold.notify_one();
    }

    /// After how long whoever has heard nothing should look, because a notice
    /// may be lost.
    pub(super) fn longest_silence(&self) -> Duration {
        if self.board.is_listening.load(Ordering::Relaxed) {
            WITH_NOTICES
        } else {
            WITHOUT_NOTICES
        }
    }

    /// Ends the connection.
    pub(super) fn close(&self) {
        self.stop.cancel();
    }
}

impl Board {
    fn told(&self, topic: Topic) -> &Told {
        match topic {
            Topic::Enrichments => &self.enrichments,
            Topic::Events => &self.events,
        }
    }

    /// Takes a notice. One's own says nothing new.
    fn take(&self, notice: &Notification) {
        if notice.process_id() == self.own_process.load(Ordering::Relaxed) {
            return;
        }
        let topic = Topic::ALL
            .into_iter()
            .find(|topic| topic.payload() == notice.payload());
        // A newer release may tell of more.
        if let Some(topic) = topic {
            self.told(topic).rung.send_replace(());
        }
    }
}

/// The task that listens and tells.
struct Listener {
    config: PostgresConfig,
    board: Arc<Board>,
    stop: CancellationToken,
}

impl Listener {
    async fn run(self) {
        let mut failures = 0_u32;
        let mut has_listened = false;
        while !self.stop.is_cancelled() {
            let failure = match self.connect().await {
                Ok((client, driving)) => {
                    failures = 0;
                    if has_listened {
                        // Nobody knows what was told meanwhile.
                        for topic in Topic::ALL {
                            self.board.told(topic).rung.send_replace(());
                        }
                    }
                    has_listened = true;
                    self.board.is_listening.store(true, Ordering::Relaxed);
                    let ended = self.serve(&client, driving).await;
                    self.board.is_listening.store(false, Ordering::Relaxed);
                    ended.err()
                }
                Err(error) => Some(error),
            };
            let Some(error) = failure else { continue };
            if failures == 0 {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "notices of other cores can't be heard; this core looks for itself until \
                     they can"
                );
            } else {
                debug!(
                    error = &error as &dyn std::error::Error,
                    "notices of other cores still can't be heard"
                );
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(back_off(failures)) => {}
            }
            failures = failures.saturating_add(1);
        }
    }

    /// Opens a connection that listens.
    async fn connect(&self) -> Result<(Client, JoinHandle<()>), StoreError> {
        let server = &self.config.server;
        let (client, driving) = if self.config.wants_tls() {
            let (client, connection) = server.connect(tls::connector(&self.config)?).await?;
            let driving = drive(connection, Arc::clone(&self.board));
            (client, tokio::spawn(driving))
        } else {
            let (client, connection) = server.connect(NoTls).await?;
            let driving = drive(connection, Arc::clone(&self.board));
            (client, tokio::spawn(driving))
        };
        // A notice is no record: nobody waits for the disk.
        client
            .batch_execute(&format!(
                "SET statement_timeout = 10000; SET synchronous_commit = off; LISTEN {CHANNEL}"
            ))
            .await?;
        let row = client.query_one("SELECT pg_backend_pid()", &[]).await?;
        let own = row.try_get::<_, i32>(0)?;
        self.board.own_process.store(own, Ordering::Relaxed);
        Ok((client, driving))
    }

    /// Tells what there is to tell, until the connection ends.
    async fn serve(&self, client: &Client, mut driving: JoinHandle<()>) -> Result<(), StoreError> {
        loop {
            self.tell(client).await?;
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = &mut driving => {
                    return Err(StoreError::Unreachable(Arc::new(Ended)));
                }
                () = self.board.untold.notified() => {}
            }
            // More may come within a moment, and is told with the next.
            self.tell(client).await?;
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn tell(&self, client: &Client) -> Result<(), StoreError> {
        for topic in Topic::ALL {
            let told = self.board.told(topic);
            if told.is_untold.swap(false, Ordering::AcqRel) {
                let notify = "SELECT pg_notify($1, $2)";
                let sent = client.query(notify, &[&CHANNEL, &topic.payload()]).await;
                if let Err(error) = sent {
                    told.is_untold.store(true, Ordering::Release);
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }
}

/// The connection ended.
#[derive(Debug, thiserror::Error)]
#[error("the connection that listens has ended")]
struct Ended;

/// Drives a connection to its end, and takes the notices that arrive on it.
async fn drive<S>(mut connection: Connection<Socket, S>, board: Arc<Board>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // The next statement, or the end, says what went wrong.
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notice) = message {
            board.take(&notice);
        }
    }
}

/// How long to wait before the next try, longer each time, and by chance.
fn back_off(failures: u32) -> Duration {
    let limit = Duration::from_secs(1)
        .saturating_mul(2_u32.saturating_pow(failures))
        .min(LONGEST_BACK_OFF);
    limit.mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests;
