//! `sfbridge url`: endpoint URLs, built from the table of parameters.

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, Subcommand};
use serde_json::json;
use soap_gateway::parameters::{ParameterSpec, ValueKind, encode, parameters_of};
use soap_gateway::{Endpoint, EndpointUrl};

use crate::failure::Failure;
use crate::output::{Output, note};

/// Where a gateway is when nothing else is said.
const DEFAULT_BASE: &str = "http://127.0.0.1:8080";

/// Builds or checks an endpoint URL.
///
/// The flags are made from the table of parameters when the program starts,
/// so the traits that clap would derive are written out here.
#[derive(Debug)]
pub(crate) enum Url {
    /// Build the URL of an endpoint.
    Build {
        /// The endpoint.
        endpoint: Endpoint,
        /// Scheme, host and port.
        base: Option<String>,
        /// Names and values in the order of the table.
        parameters: Vec<(String, String)>,
    },
    /// Check a URL.
    Check {
        /// The URL.
        url: String,
    },
}

impl Url {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        match self {
            Self::Check { url } => check(&url, output),
            Self::Build {
                endpoint,
                base,
                parameters,
            } => {
                let url = build(endpoint, base.as_deref(), &parameters)?;
                if output.is_json() {
                    output.json(&json!({ "url": url }))?;
                } else {
                    output.line(&url)?;
                }
                if base.is_none() {
                    note(
                        "This URL is of a gateway on this machine; say where Salesforce reaches \
                         yours with --base https://HOST.",
                    );
                }
                Ok(())
            }
        }
    }
}

fn build(
    endpoint: Endpoint,
    base: Option<&str>,
    parameters: &[(String, String)],
) -> Result<String, Failure> {
    let base = base.unwrap_or(DEFAULT_BASE).trim_end_matches('/');
    let query = encode(
        parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("{base}{}{mark}{query}", endpoint.path());
    EndpointUrl::parse(&url)
        .map(|_| url)
        .map_err(|error| Failure::Usage(anyhow::Error::new(error)))
}

fn check(url: &str, output: &mut Output<'_>) -> Result<(), Failure> {
    let url = EndpointUrl::parse(url).map_err(anyhow::Error::new)?;
    let parameters = url.parameters();
    let (endpoint, query) = (parameters.endpoint(), parameters.canonical_query());
    let doubts = url.doubts();
    if output.is_json() {
        return Ok(output.json(&json!({
            "endpoint": endpoint.name(),
            "canonical_query": query,
            "warnings": doubts,
        }))?);
    }
    output.line(format_args!(
        "The gateway takes this URL, as endpoint {endpoint}."
    ))?;
    if !query.is_empty() {
        output.line(format_args!("Its parameters are {query}"))?;
    }
    for doubt in doubts {
        output.line(format_args!("Warning: {doubt}"))?;
    }
    Ok(())
}

/// The flag of a parameter: `igrpField` is `--igrp-field`, `c_NAMEField` is
/// `--c-field NAME=FIELD`, `map[NAME]` is `--map NAME=FIELD`.
fn flag_name(parameter: &str) -> String {
    let single = parameter.replacen("NAME", "", 1);
    let mut flag = String::new();
    for character in single.chars().filter(char::is_ascii_alphanumeric) {
        if character.is_ascii_uppercase() {
            flag.push('-');
        }
        flag.push(character.to_ascii_lowercase());
    }
    flag
}

fn flag(spec: &'static ParameterSpec) -> Arg {
    let value = match spec.value {
        ValueKind::Field(_) | ValueKind::LeadField => "FIELD",
        ValueKind::Literal(_) => "VALUE",
    };
    // A name may also be typed as it stands in a URL: `--igrpField`.
    let as_in_url = [spec.name]
        .into_iter()
        .chain(spec.aliases.iter().copied())
        .filter(|name| spec.family().is_none() && *name != flag_name(name));
    let flag = Arg::new(spec.name)
        .long(flag_name(spec.name))
        .aliases(spec.aliases.iter().copied().map(flag_name))
        .aliases(as_in_url.map(str::to_owned))
        .help(format!(
            "{} [{}]",
            spec.meaning.trim_end_matches('.'),
            spec.name
        ));
    if spec.family().is_some() {
        flag.value_name(format!("NAME={value}"))
            .action(ArgAction::Append)
            .value_parser(name_and_value)
    } else {
        flag.value_name(value)
    }
}

fn name_and_value(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(text.to_owned()),
        _ => Err("write NAME=, then the value".to_owned()),
    }
}

/// The parameters that were given, by the names that they have in a URL.
fn given(endpoint: Endpoint, matches: &ArgMatches) -> Vec<(String, String)> {
    parameters_of(endpoint)
        .flat_map(|spec| {
            let values = matches.get_many::<String>(spec.name);
            let values = values.into_iter().flatten();
            values.map(|value| match (spec.family(), value.split_once('=')) {
                (Some((before, after)), Some((name, value))) => {
                    (format!("{before}{name}{after}"), value.to_owned())
                }
                _ => (spec.name.to_owned(), value.clone()),
            })
        })
        .collect()
}

impl Subcommand for Url {
    fn augment_subcommands(command: Command) -> Command {
        let builders =
            Endpoint::ALL.map(|endpoint| {
                Command::new(endpoint.name())
                    .about(format!("Build a URL for {}", endpoint.path()))
                    .arg(Arg::new("base").long("base").value_name("URL").help(
                        "Where Salesforce reaches the gateway, such as https://sf.example.com",
                    ))
                    .args(parameters_of(endpoint).map(flag))
            });
        let check = Command::new("check")
            .about("Check a URL as the gateway would")
            .arg(Arg::new("url").value_name("URL").required(true));
        command
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands(builders)
            .subcommand(check)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        name == "check" || Endpoint::named(name).is_some()
    }
}

impl FromArgMatches for Url {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        if let Some(endpoint) = Endpoint::named(name) {
            return Ok(Self::Build {
                endpoint,
                base: matches.get_one::<String>("base").cloned(),
                parameters: given(endpoint, matches),
            });
        }
        let url = matches.get_one::<String>("url").ok_or_else(missing)?;
        Ok(Self::Check { url: url.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn built(line: &str) -> Result<String, Failure> {
        let arguments = line.split(' ').map(Into::into);
        let (cli, _) = crate::cli::parse(arguments).unwrap();
        let Some(crate::cli::Command::Url(Url::Build {
            endpoint,
            base,
            parameters,
        })) = cli.command
        else {
            panic!("{line}");
        };
        build(endpoint, base.as_deref(), &parameters)
    }

    #[test]
    fn every_parameter_is_a_flag_and_every_url_is_encoded() {
        assert_eq!(
            built("sfbridge url events --base https://sf.example.com/ --igrp 1001 --txv-field Amount --currency GBP").unwrap(),
            "https://sf.example.com/callback/v1/salesforce/events?igrp=1001&txvField=Amount&txc=GBP"
        );
        assert_eq!(
            built("sfbridge url events --c-field team=Team__c --c source=a&b --title x+y").unwrap(),
            "http://127.0.0.1:8080/callback/v1/salesforce/events\
             ?title=x%2By&c_teamField=Team__c&c_source=a%26b"
        );
        assert_eq!(
            built("sfbridge url leadEnrich --map chName=A__c --map src=B__c").unwrap(),
            "http://127.0.0.1:8080/callback/v1/salesforce/leadEnrich\
             ?map%5BchName%5D=A__c&map%5Bsrc%5D=B__c"
        );
        assert_eq!(
            built("sfbridge url callRating").unwrap(),
            "http://127.0.0.1:8080/callback/v1/salesforce/callRating"
        );
    }

    #[test]
    fn an_invalid_value_is_wrong_usage() {
        for line in [
            "sfbridge url events --act land",
            "sfbridge url events --tz Europe/Atlantis",
            "sfbridge url events --vid-field 1x",
            "sfbridge url events --base nonsense",
        ] {
            assert!(matches!(built(line), Err(Failure::Usage(_))), "{line}");
        }
    }
}
