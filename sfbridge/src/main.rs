//! `sfbridge`: all in one, each role alone, and the operator's commands.

mod cli;
mod client;
mod commands;
mod config;
mod data_dir;
mod failure;
mod output;
mod process;

use std::env;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use cli::{Cli, Command};
use config::{Config, ConfigError, Layers, Role, Setting};
use failure::Failure;
use mimalloc::MiMalloc;
use output::Output;

/// A message is many small pieces of memory, of which threads give back what
/// others took. The system's allocator takes twice the time for them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let (cli, flags) = match cli::parse(env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version come here too, with exit code 0. Nobody is left
            // to tell when this can't be printed.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let mut output = Output::new(stdout.lock(), cli.everywhere.json, is_terminal);
    let ended = run(cli, flags, &mut output).and_then(|()| Ok(output.flush()?));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(&mut io::stderr());
            failure.exit_code()
        }
    }
}

fn run(cli: Cli, flags: Vec<(Setting, String)>, output: &mut Output<'_>) -> Result<(), Failure> {
    let command = cli.command.unwrap_or(Command::Up);
    let layers = Layers::read(
        cli.everywhere.config.as_deref(),
        variables()?,
        flags.clone(),
    )?;
    let config = Config::new(layers, role_of(&command))?;
    match command {
        Command::Up => commands::up::run(&config, output),
        Command::Core => commands::core::run(&config, output),
        Command::Gateway => commands::gateway::run(&config, output),
        Command::Demo(demo) => demo.run(cli.everywhere.config.as_deref(), flags, output),
        Command::Send(send) => send.run(output),
        Command::Simulate(simulate) => simulate.run(&config, output),
        Command::Url(url) => url.run(output),
        Command::Explain(explain) => explain.run(&config, output),
        Command::Import(import) => import.run(&config, output),
        Command::Events(events) => events.run(&config, output),
        Command::Ratings(ratings) => ratings.run(&config, output),
        Command::Enrichments(enrichments) => enrichments.run(&config, output),
        Command::Visits(visits) => visits.run(&config, output),
        Command::Calls(calls) => calls.run(&config, output),
        Command::Quarantine(quarantine) => quarantine.run(&config, output),
        Command::Refused(refused) => refused.run(&config, output),
        Command::Installations(installations) => installations.run(&config, output),
        Command::Credentials(credentials) => credentials.run(&config, output),
        Command::Keys(keys) => keys.run(&config, output),
        Command::Tokens(tokens) => tokens.run(&config, output),
        Command::Config(show) => show.run(&config, output),
        Command::Backup(backup) => backup.run(&config, output),
        Command::Restore(restore) => restore.run(&config, output),
        Command::Migrate(migrate) => migrate.run(&config, output),
    }
}

/// The role that decides the defaults.
fn role_of(command: &Command) -> Role {
    match command {
        Command::Core => Role::Core,
        Command::Gateway => Role::Gateway,
        Command::Config(show) => show.role(),
        _ => Role::Up,
    }
}

/// Our environment variables, as text.
fn variables() -> Result<Vec<(String, String)>, Failure> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with("SFBRIDGE_"))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(Failure::usage(format!(
                "the environment variable {name} is not UTF-8; set it again"
            ))),
        })
        .collect()
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(anyhow::Error::new(error))
    }
}
