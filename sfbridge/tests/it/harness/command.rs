//! The command line, run as people run it.

use std::ffi::OsStr;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use super::server::Server;
use super::until::PATIENCE;

/// How a command ended and what it printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command with these variables.
pub(crate) async fn run_with<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    variables: &[(&str, &str)],
) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sfbridge"));
    command.args(arguments);
    super::without_settings(&mut command);
    command.envs(variables.iter().copied());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let Ok(output) = timeout(PATIENCE, command.output()).await else {
        panic!("it did not end: {command:?}");
    };
    let output = output.unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command that needs no server.
pub(crate) async fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    run_with(arguments, &[]).await
}

impl Server {
    /// Runs a command, given as one line, against this server. It finds the
    /// core by the data directory.
    pub(crate) async fn run(&self, line: &str) -> Ran {
        self.run_with(line, &[]).await
    }

    /// The same with variables.
    pub(crate) async fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Ran {
        let mut arguments: Vec<&OsStr> = line.split(' ').map(OsStr::new).collect();
        arguments.push(OsStr::new("--data-dir"));
        arguments.push(self.data_dir().as_os_str());
        run_with(arguments, variables).await
    }
}

impl Ran {
    /// Standard output of a command that has worked.
    #[track_caller]
    pub(crate) fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:#?}");
        &self.out
    }

    /// The document that a command with `--json` has printed, which is all.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let text = self.ok();
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Standard error of a command that has ended with this code.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:#?}");
        &self.err
    }
}
