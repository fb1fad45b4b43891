//! How a command ends when it does not end well.

use std::io;
use std::process::ExitCode;

use crate::output::OutputError;

/// Why a command did not do what it was asked, by what its caller sees.
///
/// `anyhow` is fine below this: nothing but people reads these causes.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or the configuration is wrong. Exit code 2.
    Usage(anyhow::Error),
    /// It was understood and did not work. Exit code 1.
    Failed(anyhow::Error),
    /// Whoever read the output has gone, `| head` for instance. Exit code 0.
    OutputClosed,
}

impl Failure {
    /// Wrong usage, in one sentence that says what to do.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(anyhow::Error::msg(message.into()))
    }

    /// A failure in words of its own.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(anyhow::Error::msg(message.into()))
    }

    /// The exit code for programs.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(1),
            Self::OutputClosed => ExitCode::SUCCESS,
        }
    }

    /// Tells people, with all causes in one line each.
    pub(crate) fn tell(&self, errors: &mut impl io::Write) {
        let (Self::Usage(error) | Self::Failed(error)) = self else {
            return;
        };
        // Nobody is left to hear that standard error is closed.
        let _ = writeln!(errors, "sfbridge: {error}");
        let mut last = error.to_string();
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // Some libraries wrap an error in one that says the same.
            if cause != last {
                let _ = writeln!(errors, "  because: {cause}");
            }
            last = cause;
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<OutputError> for Failure {
    fn from(OutputError(error): OutputError) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Failed(anyhow::Error::new(error).context("the output could not be written"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: &Failure, code: u8, told: &str) {
        assert_eq!(failure.exit_code(), ExitCode::from(code));
        let mut errors = Vec::new();
        failure.tell(&mut errors);
        assert_eq!(String::from_utf8(errors).unwrap(), told);
    }

    #[test]
    fn the_exit_code_tells_wrong_usage_from_failure() {
        check(&Failure::usage("no"), 2, "sfbridge: no\n");
        check(
            &Failure::from(anyhow::anyhow!("port taken").context("could not start")),
            1,
            "sfbridge: could not start\n  because: port taken\n",
        );
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let closed = OutputError(io::ErrorKind::BrokenPipe.into());
        check(&Failure::from(closed), 0, "");
        let full = Failure::from(OutputError(io::ErrorKind::StorageFull.into()));
        assert_eq!(full.exit_code(), ExitCode::from(1));
    }
}
