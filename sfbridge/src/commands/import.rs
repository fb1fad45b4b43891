//! `sfbridge import`: visits and calls from files.

mod chunks;
mod columns;
mod fault;
mod ledger;
mod lines;
mod progress;
mod record;
mod records;
mod rejected;
mod session;
mod source;
mod state;
mod summary;
mod time;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use chrono_tz::Tz;
use clap::{Args, Subcommand, ValueEnum};
use sfbridge_proto::v1 as pb;
use sfbridge_values::Igrp;

use crate::client::block_on;
use crate::config::{Config, Length, Setting};
use crate::failure::Failure;
use crate::output::{Output, note};
use crate::process::Signals;
use ledger::Ledger;
use lines::Lines;
use progress::Progress;
use record::Record;
use records::{CsvRecords, JsonRecords, Reading, Records};
use rejected::{Form, Rejected, free_place};
use session::Session;
use source::Source;
use state::{Done, Left, Purpose, StateFile};
use summary::Summary;

/// Imports records from a file.
#[derive(Debug, Subcommand)]
#[command(after_help = AFTER_HELP)]
pub(crate) enum Import {
    /// Import visits
    #[command(after_help = AFTER_HELP)]
    Visits(Options),
    /// Import calls
    #[command(after_help = AFTER_HELP)]
    Calls(Options),
}

const AFTER_HELP: &str = "\
What was imported before and has not changed is a duplicate, so a file may be imported again. An \
import that stops goes on where it was when the same command is given again.
Exit codes: 0 every line was accepted, 1 some were rejected or the import stopped, 2 wrong usage.";

/// What to import, and how to read it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A CSV file with a header, or one with a JSON object in each line; may be
    /// packed with gzip; `-` is standard input
    file: PathBuf,
    /// The file's format; else by its name, `.ndjson` and `.jsonl` being JSON
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What is between values: `,`, `;` or `tab`; else as the header shows
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The installation of records that name none
    #[arg(long, value_parser = igrp)]
    igrp: Option<i64>,
    /// The IANA zone of times without an offset
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    tz: Tz,
    /// Pass over columns that are unknown
    #[arg(long)]
    ignore_unknown: bool,
    /// Where to write the lines that are rejected; else beside the file
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,
    /// Begin with the first line, though an earlier import got further
    #[arg(long)]
    from_start: bool,
    /// How long to try again when the core is gone, for instance 10m
    #[arg(long, value_name = "TIME", default_value = "2m")]
    retry_for: Length,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Values between delimiters, below a header
    Csv,
    /// A JSON object in each line
    Ndjson,
}

impl Import {
    pub(crate) fn run(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Visits(options) => options.run::<pb::Visit>(config, output),
            Self::Calls(options) => options.run::<pb::Call>(config, output),
        }
    }
}

impl Options {
    fn run<M: Record>(self, config: &Config, output: &mut Output<'_>) -> Result<(), Failure> {
        let source = Source::open(&self.file)?;
        let lines = Lines::new(source.reader);
        let reading = Reading {
            zone: self.tz,
            ignore_unknown: self.ignore_unknown,
        };
        let mut records = match self.format() {
            Format::Ndjson => Records::Json(JsonRecords::new(lines, M::COLUMNS, reading)),
            Format::Csv => {
                let records = CsvRecords::new(lines, M::COLUMNS, self.delimiter, reading);
                let records = records
                    .with_context(|| format!("{} can't be imported", self.file.display()))?;
                Records::Csv(Box::new(records))
            }
        };

        let size = source.identity.as_ref().map(|identity| identity.size);
        let state = source.identity.map(|file| {
            let purpose = Purpose {
                kind: M::KIND.to_owned(),
                file,
                core: core(config),
                options: self.reading_options(),
            };
            StateFile::new(&self.file, purpose)
        });
        let done = self.earlier(state.as_ref());
        records
            .skip_through(done.lines)
            .with_context(|| format!("{} can't be read", self.file.display()))?;
        let rejected = self.rejected(&done, records.header())?;
        let progress = Progress::new(output.is_json(), M::KIND, size);
        let ledger = Ledger::new(done, rejected, state, progress);
        let begun = Instant::now();
        let (ended, ledger) = block_on(async {
            let signals = Signals::listen().context("signals can't be listened to")?;
            let chunks = chunks::read(records, source.read)
                .context("no thread could be started to read the file")?;
            let mut session = Session {
                config,
                ledger,
                chunks,
                default_igrp: self.igrp.unwrap_or(0),
                patience: self.retry_for.0,
                signals,
            };
            let ended = session.run().await;
            Ok((ended, session.ledger))
        })?;
        ledger.progress.end();
        let summary = Summary {
            file: &self.file,
            kind: M::KIND,
            time: begun.elapsed(),
        };
        summary.print(ledger, ended, output)
    }

    fn format(&self) -> Format {
        self.format.unwrap_or_else(|| {
            let name = self.file.to_string_lossy().to_ascii_lowercase();
            let name = name.strip_suffix(".gz").unwrap_or(&name);
            let endings = [".ndjson", ".jsonl", ".json"];
            if endings.iter().any(|ending| name.ends_with(ending)) {
                Format::Ndjson
            } else {
                Format::Csv
            }
        })
    }

    /// The flags that decide what lines mean.
    fn reading_options(&self) -> String {
        format!(
            "{:?} {:?} {:?} {} {}",
            self.format(),
            self.delimiter,
            self.igrp,
            self.tz,
            self.ignore_unknown
        )
    }

    /// How far an earlier import has got that this one goes on with.
    fn earlier(&self, state: Option<&StateFile>) -> Done {
        let left = match state {
            Some(state) if !self.from_start => state.read(),
            _ => Left::Nothing,
        };
        match left {
            Left::Nothing => Done::default(),
            Left::Other => {
                note(
                    "An earlier import of this file stopped, but the file, the core or the flags \
                     are not the same now; this one begins with the first line.",
                );
                Done::default()
            }
            Left::Until(done) => {
                note(format_args!(
                    "Going on after line {}, where the last import stopped; --from-start begins \
                     again.",
                    done.lines
                ));
                done
            }
        }
    }

    fn rejected(&self, done: &Done, header: Option<(&[u8], u8)>) -> Result<Rejected, Failure> {
        let (form, extension) = match header {
            Some((header, delimiter)) => {
                let header = header.to_vec();
                (Form::Csv { header, delimiter }, "csv")
            }
            None => (Form::Json, "ndjson"),
        };
        if let Some((path, length)) = &done.rejected_file {
            return Ok(Rejected::go_on(path.clone(), *length, form)?);
        }
        let path = match &self.rejected {
            Some(path) if path.exists() => {
                return Err(Failure::usage(format!(
                    "{} is there already; name another file with --rejected, or remove it",
                    path.display()
                )));
            }
            Some(path) => path.clone(),
            None if source::is_standard_input(&self.file) => {
                free_place(Path::new("standard-input"), extension)
            }
            None => free_place(&self.file, extension),
        };
        Ok(Rejected::new(path, form))
    }
}

/// The core as the configuration names it.
fn core(config: &Config) -> String {
    match config.shown(Setting::CoreUrl) {
        Some((url, _)) => url,
        None => config.addresses_file().display().to_string(),
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\t" | "\\t" => Ok(b'\t'),
        "," => Ok(b','),
        ";" => Ok(b';'),
        _ => Err("it is `,`, `;` or `tab`".to_owned()),
    }
}

fn igrp(text: &str) -> Result<i64, String> {
    let number = text.parse().map_err(|_| "it is an integer".to_owned())?;
    let igrp = Igrp::new(number).map_err(|invalid| format!("it {invalid}"))?;
    Ok(igrp.get())
}

fn zone(text: &str) -> Result<Tz, String> {
    text.parse()
        .map_err(|_| "it is no IANA time zone, such as Europe/London".to_owned())
}
