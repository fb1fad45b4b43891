//! An import that runs: over as many streams as it takes.

use std::io;
use std::time::Duration;

use sfbridge_proto::v1 as pb;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::chunks::Chunk;
use super::ledger::Ledger;
use super::record::Record;
use crate::client::{Refused, connect, is_passing};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::printable;
use crate::process::Signals;

/// The most chunks that are sent and not accepted.
const WINDOW: usize = 4;

/// How long to wait before another try: first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// An import that runs.
pub(super) struct Session<'a, M> {
    pub(super) config: &'a Config,
    pub(super) ledger: Ledger<M>,
    pub(super) chunks: mpsc::Receiver<io::Result<Chunk<M>>>,
    /// The installation of records that name none, or 0.
    pub(super) default_igrp: i64,
    /// How long to try again without getting on.
    pub(super) patience: Duration,
    pub(super) signals: Signals,
}

/// How a stream ended.
enum Ended {
    /// Everything is accepted.
    Done,
    /// A signal came.
    Stopped(&'static str),
    /// Another stream may do better; whether this one got on.
    Broken(Status, bool),
}

impl<M: Record> Session<'_, M> {
    /// Runs until everything is accepted.
    ///
    /// # Errors
    ///
    /// When the core refuses for good, is not there for too long, the file
    /// can't be read, or a signal comes.
    pub(super) async fn run(&mut self) -> Result<(), Failure> {
        let (first, longest) = PAUSES;
        let mut pause = first;
        let mut is_first = true;
        let mut last_got_on = Instant::now();
        loop {
            let ended = match connect(self.config).await {
                Ok(core) => self.stream(core).await?,
                Err(failure) if is_first => return Err(failure),
                // There may be one again soon.
                Err(_) => Ended::Broken(Status::unavailable("there is no core"), false),
            };
            is_first = false;
            let status = match ended {
                Ended::Done => return Ok(()),
                Ended::Stopped(signal) => {
                    return Err(Failure::failed(format!("stopped by {signal}")));
                }
                Ended::Broken(status, got_on) => {
                    if got_on {
                        (pause, last_got_on) = (first, Instant::now());
                    }
                    status
                }
            };
            let waited = last_got_on.elapsed();
            let asked = status.get_error_details();
            let asked = asked.retry_info().and_then(|info| info.retry_delay);
            let left = self.patience.saturating_sub(waited);
            if left.is_zero() {
                return Err(Refused(status).into());
            }
            let wait = asked.unwrap_or(pause).max(pause).min(left);
            self.ledger.progress.say(&format!(
                "The import was interrupted ({}); trying again for {} s.",
                printable(status.message()),
                left.as_secs()
            ));
            tokio::select! {
                () = sleep(wait) => {}
                signal = self.signals.next() => {
                    return Err(Failure::failed(format!("stopped by {signal}")));
                }
            }
            pause = (pause * 2).min(longest);
        }
    }

    /// Sends what is open and what comes, over one stream.
    async fn stream(&mut self, core: crate::client::Core) -> Result<Ended, Failure> {
        // There is room for all that may be open, so that sending never waits.
        let (sender, requests) = mpsc::channel(WINDOW + 2);
        let options = pb::ImportOptions {
            start_position: self.ledger.done.accepted_through,
            default_igrp: self.default_igrp,
            unknown_installations: 0,
        };
        let mut first = vec![M::request(Some(options), Vec::new())];
        let chunks = self.ledger.reopen();
        first.extend(chunks.map(|chunk| M::request(None, chunk.items.clone())));
        for request in first {
            // It can't be full, and nobody has closed it.
            let _ = sender.try_send(request);
        }
        let begun = M::begin(core, ReceiverStream::new(requests)).await;
        let mut answers = match begun {
            Ok(answers) => answers,
            Err(status) if is_passing(&status) => return Ok(Ended::Broken(status, false)),
            Err(status) => return Err(Refused(status).into()),
        };
        let mut sender = Some(sender);
        let mut got_on = false;
        loop {
            let has_room = sender.is_some() && self.ledger.open_count() < WINDOW;
            tokio::select! {
                answer = answers.message() => match answer {
                    Ok(Some(answer)) => got_on |= self.ledger.take(M::told(answer))?,
                    Ok(None) if sender.is_none() && self.ledger.open_count() == 0 => {
                        return Ok(Ended::Done);
                    }
                    Ok(None) => {
                        let status = Status::unavailable("the core has ended the stream");
                        return Ok(Ended::Broken(status, got_on));
                    }
                    Err(status) if is_passing(&status) => return Ok(Ended::Broken(status, got_on)),
                    Err(status) => return Err(Refused(status).into()),
                },
                chunk = self.chunks.recv(), if has_room => match chunk.transpose() {
                    Ok(Some(chunk)) => {
                        if !chunk.items.is_empty()
                            && let Some(sender) = &sender
                        {
                            let _ = sender.try_send(M::request(None, chunk.items.clone()));
                        }
                        self.ledger.open(chunk)?;
                    }
                    // The core ends the stream once it has answered all.
                    Ok(None) => sender = None,
                    Err(error) => {
                        let error = anyhow::Error::new(error);
                        return Err(error.context("the file can't be read further").into());
                    }
                },
                signal = self.signals.next() => return Ok(Ended::Stopped(signal)),
            }
        }
    }
}
