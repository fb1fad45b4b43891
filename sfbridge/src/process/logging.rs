//! The log, on standard error: standard output is for what was asked for.

mod panics;

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::{Config, LogFormat};

/// The crates whose `debug` and `trace` hold nothing of what was received.
const OURS: [&str; 6] = [
    "core_service",
    "salesforce_sim",
    "sfbridge",
    "sfbridge_transport",
    "sfbridge_values",
    "soap_gateway",
];

/// Starts the log of this process.
pub(super) fn start(config: &Config) -> anyhow::Result<()> {
    let filter = filter(&config.log)?;
    let log = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let log: Box<dyn Layer<_> + Send + Sync> = match config.log_format {
        LogFormat::Text => Box::new(log),
        LogFormat::Json => Box::new(log.json().flatten_event(true).with_span_list(false)),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(log)
        .with(FilterFn::new(may_be_logged).with_max_level_hint(LevelFilter::TRACE))
        .try_init()
        .context("the log could not be started")?;
    panics::log();
    Ok(())
}

/// The filter of these words. One that names no spans need not look at each that
/// begins, is entered and ends.
fn filter(words: &str) -> anyhow::Result<Box<dyn Layer<Registry> + Send + Sync>> {
    if let Ok(targets) = words.parse::<Targets>() {
        return Ok(Box::new(targets));
    }
    let filter = EnvFilter::try_new(words).context("the log filter is not valid")?;
    Ok(Box::new(filter))
}

/// Whether something may be logged at all, whatever the filter says. The
/// details of the libraries below are frames and headers as they came: bodies,
/// queries, keys.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let (level, target) = (metadata.level(), metadata.target());
    *level <= Level::INFO || OURS.contains(&target.split("::").next().unwrap_or(target))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn libraries_log_no_details_whatever_the_filter_says() {
        let log = Log::default();
        let subscriber = tracing_subscriber::registry()
            .with(tracing_subscriber::fmt::layer().with_writer(log.clone()))
            .with(EnvFilter::new("trace,h2=trace"))
            .with(FilterFn::new(may_be_logged));
        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "h2::codec::framed_write", "frame");
            tracing::debug!(target: "hyper", "headers");
            tracing::debug!(target: "sfbridge_of_another", "body");
            tracing::info!(target: "refinery_core", "applied");
            tracing::trace!(target: "soap_gateway::route", "ours");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        for logged in ["applied", "ours"] {
            assert!(text.contains(logged), "no {logged} in {text}");
        }
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}
