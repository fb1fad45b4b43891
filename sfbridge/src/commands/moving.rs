//! What is said while a store is moved or copied, on standard error.

use std::io::{IsTerminal as _, stderr};
use std::time::{Duration, Instant};

use core_service::store::MoveProgress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::note;

/// How often a line is printed where there is no terminal.
const PACE: Duration = Duration::from_secs(5);

/// What is said while a store is moved or copied.
pub(super) enum Progress {
    /// Only what somebody has to do: a program reads the output.
    Quiet,
    /// A line that changes, on a terminal.
    Bar(ProgressBar),
    /// A line now and then.
    Lines {
        /// When the last line was printed.
        last: Instant,
    },
}

impl Progress {
    pub(super) fn new(is_json: bool) -> Self {
        if is_json {
            return Self::Quiet;
        }
        if !stderr().is_terminal() {
            let last = Instant::now();
            return Self::Lines { last };
        }
        let style = ProgressStyle::with_template("{spinner} {msg}");
        let bar = ProgressBar::no_length();
        Self::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())))
    }

    /// Says what has happened.
    pub(super) fn tell(&mut self, news: &MoveProgress) {
        match news {
            MoveProgress::Walk { number, is_last } => {
                let which = if *is_last { ", the last" } else { "" };
                self.say(&format!("Walk {number} through all tables{which}."));
            }
            MoveProgress::Rows { table, rows } => match self {
                Self::Quiet => {}
                Self::Bar(bar) => {
                    bar.set_message(format!("{table}: {rows} rows"));
                    bar.tick();
                }
                Self::Lines { last } => {
                    if last.elapsed() >= PACE {
                        *last = Instant::now();
                        note(format_args!("{table}: {rows} rows so far"));
                    }
                }
            },
            MoveProgress::StopTheCore => {
                let text = "Stop the core now (and the gateway, or let it wait): nearly everything \
                            is copied. This waits for it, copies the rest and checks.";
                match self {
                    Self::Quiet => note(text),
                    Self::Bar(_) | Self::Lines { .. } => self.say(text),
                }
            }
        }
    }

    fn say(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.println(text),
            Self::Lines { .. } => note(text),
        }
    }

    /// Takes the changing line away.
    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
