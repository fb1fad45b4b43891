//! The command line: its commands, and the flags that are settings.

use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    backup, calls, config_show, credentials, demo, enrichments, events, explain, import,
    installations, keys, migrate, quarantine, ratings, refused, restore, send, simulate, tokens,
    url, visits,
};
use crate::config::{self, Group, Setting};

/// Takes what Salesforce tells by outbound messages, loses nothing, and hands
/// it on over gRPC.
///
/// Without a command, `sfbridge` is `sfbridge up`.
#[derive(Debug, Parser)]
#[command(name = "sfbridge", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) everywhere: Everywhere,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const AFTER_HELP: &str = "\
Configuration: defaults, then the TOML file of --config, then SFBRIDGE_* environment variables, \
then flags.
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.";

/// Flags of all commands.
#[derive(Debug, Args)]
pub(crate) struct Everywhere {
    /// Read settings from this TOML file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run gateway, core and embedded store in one process
    Up,
    /// Run the core alone
    Core,
    /// Run the gateway alone, in front of a core elsewhere
    Gateway,
    /// Show a lead's way from the visit to Salesforce and back, with nothing
    /// set up
    ///
    /// Runs what `up` runs together with a pretend Salesforce org, on a data
    /// directory of its own that is removed at the end, and leaves it running.
    /// Of the settings only flags count, neither files nor SFBRIDGE_*
    /// variables: nothing of yours is touched.
    Demo(demo::Demo),
    /// Post an outbound message as Salesforce would
    Send(send::Send),
    /// Run a pretend Salesforce org that sends messages and takes Lead updates
    Simulate(simulate::Simulate),
    /// Build an endpoint URL to paste into Salesforce, or check one
    #[command(subcommand)]
    Url(url::Url),
    /// Show what each notification of a message would become, and why
    Explain(explain::Explain),
    /// Import visits or calls from a file
    #[command(subcommand)]
    Import(import::Import),
    /// Look at events
    #[command(subcommand)]
    Events(events::Events),
    /// Look at call ratings
    #[command(subcommand)]
    Ratings(ratings::Ratings),
    /// Look at lead enrichments, retry and cancel them
    #[command(subcommand)]
    Enrichments(enrichments::Enrichments),
    /// Look at visits
    #[command(subcommand)]
    Visits(visits::Visits),
    /// Look at calls
    #[command(subcommand)]
    Calls(calls::Calls),
    /// Look at what could not be understood, and replay or discard it
    #[command(subcommand)]
    Quarantine(quarantine::Quarantine),
    /// Look at messages that were refused, and why
    #[command(subcommand)]
    Refused(refused::Refused),
    /// Create, change and list installations
    #[command(subcommand)]
    Installations(installations::Installations),
    /// Set how installations log in to Salesforce, and look at whether it works
    #[command(subcommand)]
    Credentials(credentials::Credentials),
    /// Create, list and revoke API keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Create, list and revoke the tokens in endpoint URLs
    #[command(subcommand)]
    Tokens(tokens::Tokens),
    /// Show the effective configuration
    #[command(subcommand)]
    Config(config_show::ConfigCommand),
    /// Copy the store into a file, also while a core runs
    Backup(backup::Backup),
    /// Bring a backup back
    Restore(restore::Restore),
    /// Bring the store to the version of this release
    ///
    /// With --from and --to it moves everything into another store instead: from
    /// `sqlite:///path/to/file.db` to `postgres://...` The core may run until this
    /// asks for it to be stopped. It can be interrupted and run again.
    Migrate(migrate::Migrate),
}

/// Which settings each command has as flags.
fn groups_of(command: &str) -> &'static [Group] {
    use Group::{Core, Gateway, Installations, Mapping, Place, Process, Store, Upstream};
    match command {
        "up" => &[Place, Store, Installations, Gateway, Core, Mapping, Process],
        "demo" => &[Gateway, Core, Mapping, Process],
        "core" => &[Place, Store, Installations, Core, Mapping, Process],
        "gateway" => &[Place, Installations, Gateway, Mapping, Upstream, Process],
        "config" => &[
            Place,
            Store,
            Installations,
            Gateway,
            Core,
            Mapping,
            Upstream,
            Process,
        ],
        "backup" | "restore" | "migrate" => &[Place, Store],
        "keys" => &[Place, Store, Upstream],
        "explain" => &[Place, Upstream, Mapping],
        "quarantine" => &[Place, Upstream],
        "import" | "events" | "ratings" | "enrichments" | "visits" | "calls" | "refused"
        | "installations" | "credentials" | "tokens" => &[Place, Upstream],
        _ => &[],
    }
}

/// The command line with the flags that are settings.
pub(crate) fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        let groups = groups_of(command.get_name());
        let flags: Vec<clap::Arg> = Setting::ALL
            .into_iter()
            .filter(|setting| groups.contains(&setting.row().group) && !setting.is_secret())
            .map(flag)
            .collect();
        command.args(flags)
    })
}

/// Reads the arguments: the command, and the settings that are flags.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<(Cli, Vec<(Setting, String)>), clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    Ok((cli, settings(&matches)))
}

fn flag(setting: Setting) -> clap::Arg {
    let row = setting.row();
    let default = row
        .default
        .map(str::to_owned)
        .or_else(|| config::default_of(setting))
        .map_or_else(String::new, |default| format!(" [default: {default}]"));
    let help = format!("{}{default} [env: {}]", row.help, setting.variable());
    let flag = clap::Arg::new(row.key)
        .long(setting.flag())
        .value_name(row.value_name)
        .help(help)
        .help_heading("Settings")
        .global(true);
    if setting == Setting::CoreUrl {
        flag.visible_alias("core")
    } else {
        flag
    }
}

fn settings(matches: &ArgMatches) -> Vec<(Setting, String)> {
    let mut leaf = matches;
    while let Some((_, matches)) = leaf.subcommand() {
        leaf = matches;
    }
    Setting::ALL
        .into_iter()
        .filter_map(|setting| {
            // An error means that this command has no such flag.
            let value = leaf.try_get_one::<String>(setting.key()).ok()??;
            Some((setting, value.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Cli, Vec<(Setting, String)>), clap::Error> {
        parse(line.split(' ').map(Into::into))
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_lists_the_commands() {
        let help = command().render_help().to_string();
        for name in [
            "up",
            "core",
            "gateway",
            "demo",
            "send",
            "simulate",
            "url",
            "explain",
            "import",
            "events",
            "ratings",
            "enrichments",
            "visits",
            "calls",
            "quarantine",
            "refused",
            "installations",
            "credentials",
            "keys",
            "tokens",
            "config",
            "backup",
            "restore",
            "migrate",
        ] {
            assert!(help.contains(&format!("\n  {name} ")), "{name} in {help}");
        }
    }

    #[test]
    fn settings_are_flags_wherever_they_stand() {
        let expected = vec![(Setting::CoreUrl, "http://a:1".to_owned())];
        for line in [
            "sfbridge events list --igrp 1 --core http://a:1",
            "sfbridge events --core http://a:1 list --igrp 1",
            "sfbridge events list --igrp 1 --core-url=http://a:1",
        ] {
            assert_eq!(parsed(line).unwrap().1, expected, "{line}");
        }
        let (cli, settings) = parsed("sfbridge").unwrap();
        assert!(cli.command.is_none() && settings.is_empty());
    }

    #[test]
    fn wrong_usage_exits_with_two_and_help_with_zero() {
        for line in [
            "sfbridge nonsense",
            "sfbridge up --nonsense",
            "sfbridge events list",
            "sfbridge events list --igrp x",
            "sfbridge core --gateway-listen 127.0.0.1:1",
            "sfbridge up --core-api-key secret",
        ] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert_eq!(parsed("sfbridge --help").unwrap_err().exit_code(), 0);
        assert_eq!(parsed("sfbridge --version").unwrap_err().exit_code(), 0);
    }
}
