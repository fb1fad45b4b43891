//! `sfbridge events stream`: events as they are recorded.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use sfbridge_proto::v1 as pb;
use sfbridge_proto::v1::event_service_client::EventServiceClient;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::row;
use crate::client::{Core, Refused, connect, is_passing};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, json_of, note, printable};
use crate::process::Signals;

/// How long to wait before another try: first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// After how much silence a core is taken for gone: it speaks every 5 seconds.
const SILENCE: Duration = Duration::from_secs(30);

/// How often the cursor is kept.
const KEEPING: Duration = Duration::from_secs(1);

/// Which events to stream, and from where on.
#[derive(Debug, Args)]
pub(crate) struct Stream {
    /// Only this installation; else all that the API key covers
    #[arg(long)]
    igrp: Option<i64>,
    /// Only this action
    #[arg(long)]
    action: Option<String>,
    /// Go on from this cursor, which an earlier stream gave
    #[arg(long, value_name = "CURSOR", conflicts_with = "cursor_file")]
    cursor: Option<String>,
    /// Keep the cursor in this file, and go on from there the next time
    #[arg(long, value_name = "FILE")]
    cursor_file: Option<PathBuf>,
    /// Without a cursor, begin with the oldest event instead of the next one
    #[arg(long)]
    from_beginning: bool,
    /// End once everything that there is was printed
    #[arg(long)]
    until_caught_up: bool,
}

/// How a stream ended.
enum Ended {
    /// It was asked to.
    Done,
    /// Another one may do better; whether this one got on.
    Broken(Status, bool),
}

impl Stream {
    pub(super) async fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let mut signals = Signals::listen().context("signals can't be listened to")?;
        let mut place = match &self.cursor_file {
            Some(file) => Place::kept_in(file)?,
            None => Place::of(self.cursor.clone()),
        };
        let followed = self.follow(config, output, &mut signals, &mut place).await;
        // However it ended, it goes on behind what was printed.
        place.keep()?;
        followed
    }

    /// Streams, again and again, until there is a reason to end.
    async fn follow(
        &self,
        config: &Config,
        output: &mut Output<'_>,
        signals: &mut Signals,
        place: &mut Place,
    ) -> Result<(), Failure> {
        let (first, longest) = PAUSES;
        let mut pause = first;
        let mut is_first = true;
        loop {
            let ended = match connect(config).await {
                Ok(core) => self.stream(core, output, signals, place).await?,
                Err(failure) if is_first => return Err(failure),
                // There may be one again soon.
                Err(_) => Ended::Broken(Status::unavailable("there is no core"), false),
            };
            is_first = false;
            let status = match ended {
                Ended::Done => return Ok(()),
                Ended::Broken(status, got_on) => {
                    if got_on {
                        pause = first;
                    }
                    status
                }
            };
            // Another core may take it at once, whatever this one says.
            let asked = status.get_error_details();
            let asked = asked.retry_info().and_then(|info| info.retry_delay);
            let asked = asked.filter(|_| status.code() == Code::ResourceExhausted);
            note(format_args!(
                "The stream was interrupted ({}); it goes on by itself.",
                printable(status.message())
            ));
            tokio::select! {
                () = sleep(asked.unwrap_or(pause).max(pause)) => {}
                _ = signals.next() => return Ok(()),
            }
            pause = (pause * 2).min(longest);
        }
    }

    /// Prints what comes over one stream.
    async fn stream(
        &self,
        core: Core,
        output: &mut Output<'_>,
        signals: &mut Signals,
        place: &mut Place,
    ) -> Result<Ended, Failure> {
        let request = pb::StreamEventsRequest {
            igrp: self.igrp.unwrap_or_default(),
            action: self.action.clone().unwrap_or_default(),
            cursor: place.cursor.clone().unwrap_or_default(),
            start: if self.from_beginning {
                pb::StreamStart::Beginning.into()
            } else {
                pb::StreamStart::Now.into()
            },
        };
        let begun = EventServiceClient::new(core).stream_events(request).await;
        let mut answers = match begun {
            Ok(answers) => answers.into_inner(),
            Err(status) if is_passing(&status) => return Ok(Ended::Broken(status, false)),
            Err(status) => return Err(Refused(status).into()),
        };
        let mut got_on = false;
        loop {
            let answer = tokio::select! {
                answer = timeout(SILENCE, answers.message()) => answer,
                () = place.is_due() => {
                    place.keep()?;
                    continue;
                }
                _ = signals.next() => return Ok(Ended::Done),
            };
            let answer = match answer {
                Ok(Ok(Some(answer))) => answer,
                Ok(Ok(None)) => {
                    let status = Status::unavailable("the core has ended the stream");
                    return Ok(Ended::Broken(status, got_on));
                }
                Ok(Err(status)) if is_passing(&status) => {
                    return Ok(Ended::Broken(status, got_on));
                }
                Ok(Err(status)) => return Err(Refused(status).into()),
                Err(_) => {
                    let status = Status::unavailable("the core is silent");
                    return Ok(Ended::Broken(status, got_on));
                }
            };
            got_on = true;
            let is_caught_up = answer.is_caught_up;
            print(answer, output, place)?;
            if is_caught_up && self.until_caught_up {
                return Ok(Ended::Done);
            }
        }
    }
}

/// Prints an event, and where the stream began. Only what was handed on is
/// behind the cursor.
fn print(
    answer: pb::StreamEventsResponse,
    output: &mut Output<'_>,
    place: &mut Place,
) -> Result<(), Failure> {
    let cursor = answer.cursor.clone();
    let is_beginning = place.cursor.is_none();
    if output.is_json() {
        if answer.event.is_some() || is_beginning {
            output.line(json_of("StreamEventsResponse", &answer)?)?;
        }
    } else if let Some(event) = answer.event {
        let cells = row(event);
        let cells = cells.iter().map(|cell| printable(cell));
        let cells: Vec<_> = cells.filter(|cell| !cell.is_empty()).collect();
        output.line(cells.join("  "))?;
    }
    output.flush()?;
    place.reach(cursor);
    Ok(())
}

/// How far the stream was printed, perhaps kept in a file.
#[derive(Debug)]
struct Place {
    cursor: Option<String>,
    file: Option<PathBuf>,
    /// When to keep it, if it is not kept.
    keep_at: Option<Instant>,
}

impl Place {
    fn of(cursor: Option<String>) -> Self {
        Self {
            cursor,
            file: None,
            keep_at: None,
        }
    }

    /// The place that a file holds, if it is there.
    fn kept_in(file: &Path) -> anyhow::Result<Self> {
        let cursor = match fs::read_to_string(file) {
            Ok(text) => Some(text.trim().to_owned()).filter(|cursor| !cursor.is_empty()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(anyhow::Error::new(error)
                    .context(format!("the cursor file {} can't be read", file.display())));
            }
        };
        Ok(Self {
            file: Some(file.to_owned()),
            ..Self::of(cursor)
        })
    }

    fn reach(&mut self, cursor: String) {
        if self.cursor.as_ref() == Some(&cursor) {
            return;
        }
        self.cursor = Some(cursor);
        if self.file.is_some() && self.keep_at.is_none() {
            self.keep_at = Some(Instant::now() + KEEPING);
        }
    }

    /// Returns when the place is to be kept.
    async fn is_due(&self) {
        match self.keep_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Keeps the place, if there is a file and it is not kept yet.
    fn keep(&mut self) -> anyhow::Result<()> {
        if let (Some(file), Some(cursor), Some(_)) = (&self.file, &self.cursor, self.keep_at) {
            write(file, cursor)
                .with_context(|| format!("the cursor file {} can't be written", file.display()))?;
            self.keep_at = None;
        }
        Ok(())
    }
}

/// Writes a file that is whole at any time.
fn write(file: &Path, cursor: &str) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let mut written = fs::File::create(&partial)?;
    writeln!(written, "{cursor}")?;
    written.sync_all()?;
    fs::rename(&partial, file)
}
