//! What is said while an import runs, on standard error.

use std::io::{IsTerminal as _, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::state::Done;
use crate::output::note;

/// How often a line is printed where there is no terminal.
const PACE: Duration = Duration::from_secs(5);

/// What is said while an import runs.
pub(super) enum Progress {
    /// Nothing: a program reads the output.
    Silent,
    /// A bar on a terminal.
    Bar(ProgressBar),
    /// A line now and then.
    Lines {
        /// What is imported.
        kind: &'static str,
        /// When the last line was printed.
        last: Instant,
    },
}

impl Progress {
    /// For an import of so many bytes, if that is known.
    pub(super) fn new(is_json: bool, kind: &'static str, size: Option<u64>) -> Self {
        if is_json {
            return Self::Silent;
        }
        if !stderr().is_terminal() {
            let last = Instant::now();
            return Self::Lines { kind, last };
        }
        let (bar, form) = match size {
            Some(size) => (
                ProgressBar::new(size),
                "{wide_bar} {percent}% {msg} ({eta} left)",
            ),
            None => (ProgressBar::no_length(), "{spinner} {msg}"),
        };
        let style = ProgressStyle::with_template(form);
        Self::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Shows how far it has got.
    pub(super) fn show(&mut self, done: &Done, read: u64) {
        let (count, rejected) = (done.count(), done.rejected_count());
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                bar.set_position(read);
                bar.set_message(format!("{count}, {rejected} rejected"));
            }
            Self::Lines { kind, last } => {
                if last.elapsed() >= PACE {
                    *last = Instant::now();
                    note(format_args!("{count} {kind} so far, {rejected} rejected"));
                }
            }
        }
    }

    /// Says something in between.
    pub(super) fn say(&self, text: &str) {
        match self {
            Self::Silent => {}
            Self::Bar(bar) => bar.println(text),
            Self::Lines { .. } => note(text),
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
