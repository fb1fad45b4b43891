//! The values of settings, each read by the rule of its kind.

use std::fmt::Display;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use core_service::StoreConfig;
use http::{HeaderName, Uri};
use secrecy::SecretString;
use soap_gateway::mapping::DefaultFields;
use soap_gateway::{GatewayConfig, SenderConfig};

use super::duration::Length;
use super::layers::{ConfigError, Layers, Source, Sourced};
use super::setting::Setting;

/// What is wrong with a text that is no socket address.
pub(super) const ADDRESS: &str =
    "is not an address; write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080";

/// How to write the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object on a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// What to do about unknown installations, for either service.
#[derive(Clone, Copy, Debug)]
pub(super) enum Installations {
    Auto,
    Open,
    Strict,
}

impl Installations {
    pub(super) fn core(self) -> core_service::InstallationMode {
        match self {
            Self::Auto => core_service::InstallationMode::Auto,
            Self::Open => core_service::InstallationMode::Open,
            Self::Strict => core_service::InstallationMode::Strict,
        }
    }

    pub(super) fn gateway(self) -> soap_gateway::InstallationMode {
        match self {
            Self::Auto => soap_gateway::InstallationMode::Auto,
            Self::Open => soap_gateway::InstallationMode::Open,
            Self::Strict => soap_gateway::InstallationMode::Strict,
        }
    }
}

/// Reads a value that has a parser; `problem` is what to say when it fails.
pub(super) fn parse<T: FromStr>(
    layers: &Layers,
    setting: Setting,
    problem: &str,
) -> Result<T, ConfigError> {
    let value = required(layers, setting)?;
    value
        .text
        .trim()
        .parse()
        .map_err(|_| invalid(setting, value, problem))
}

pub(super) fn length(layers: &Layers, setting: Setting) -> Result<Duration, ConfigError> {
    let value = required(layers, setting)?;
    let length: Length =
        value
            .text
            .trim()
            .parse()
            .map_err(|error: super::duration::InvalidLength| {
                invalid(setting, value, &error.to_string())
            })?;
    Ok(length.0)
}

pub(super) fn data_dir(layers: &Layers) -> Result<PathBuf, ConfigError> {
    let value = required(layers, Setting::DataDir)?;
    std::path::absolute(&value.text).map_err(|_| {
        invalid(
            Setting::DataDir,
            value,
            "can't be made an absolute path; write one",
        )
    })
}

pub(super) fn installations(layers: &Layers) -> Result<Installations, ConfigError> {
    let value = required(layers, Setting::Installations)?;
    match value.text.trim() {
        "auto" => Ok(Installations::Auto),
        "open" => Ok(Installations::Open),
        "strict" => Ok(Installations::Strict),
        _ => Err(invalid(
            Setting::Installations,
            value,
            "is not `auto`, `open` or `strict`",
        )),
    }
}

pub(super) fn store(layers: &Layers) -> Result<StoreConfig, ConfigError> {
    let value = required(layers, Setting::Store)?;
    let mut store: StoreConfig =
        value
            .text
            .trim()
            .parse()
            .map_err(|error: <StoreConfig as FromStr>::Err| {
                invalid(Setting::Store, value, &error.to_string())
            })?;
    if let StoreConfig::Postgres(postgres) = &mut store {
        if postgres.has_password() && matches!(value.source, Source::Flag(_)) {
            return Err(invalid(
                Setting::Store,
                value,
                "holds a password, which everybody on this machine can read in a flag; use \
                 store_password_file, or the environment variable SFBRIDGE_STORE",
            ));
        }
        postgres.connections = limit(layers, Setting::StoreConnections)?;
        postgres.statement_timeout = positive_length(layers, Setting::StoreStatementTime)?;
        if let Some(file) = layers.get(Setting::StorePasswordFile) {
            let password = std::fs::read_to_string(file.text.trim()).map_err(|error| {
                let problem = format!("names a file that can't be read ({error}); check the path");
                invalid(Setting::StorePasswordFile, file, &problem)
            })?;
            postgres.set_password(password.trim_end_matches(['\r', '\n']));
        }
    }
    Ok(store)
}

pub(super) fn core_urls(layers: &Layers) -> Result<Vec<Uri>, ConfigError> {
    let Some(value) = layers.get(Setting::CoreUrl) else {
        return Ok(Vec::new());
    };
    value
        .text
        .split(',')
        .map(|url| {
            core_url(url.trim()).map_err(|problem| invalid(Setting::CoreUrl, value, problem))
        })
        .collect()
}

fn core_url(url: &str) -> Result<Uri, &'static str> {
    const RULE: &str = "is not a core's URL; write http://host:port or https://host:port, several \
                        with commas between";
    let uri: Uri = url.parse().map_err(|_| RULE)?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.path() == "/" && uri.query().is_none() => {}
        _ => return Err(RULE),
    }
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => {
            Err("holds a password; give an API key with SFBRIDGE_CORE_API_KEY_FILE instead")
        }
        Some(_) => Ok(uri),
        None => Err(RULE),
    }
}

pub(super) fn api_key(layers: &Layers) -> Result<Option<SecretString>, ConfigError> {
    let key = layers.get(Setting::CoreApiKey);
    let file = layers.get(Setting::CoreApiKeyFile);
    match (key, file) {
        (None, None) => Ok(None),
        (Some(key), Some(file)) => Err(ConfigError::Conflict {
            first: Setting::CoreApiKey.key(),
            first_place: key.source.clone(),
            second: Setting::CoreApiKeyFile.key(),
            second_place: file.source.clone(),
        }),
        (Some(key), None) => secret(Setting::CoreApiKey, key, &key.text).map(Some),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file.text.trim()).map_err(|error| {
                let problem = format!("names a file that can't be read ({error}); check the path");
                invalid(Setting::CoreApiKeyFile, file, &problem)
            })?;
            secret(Setting::CoreApiKeyFile, file, &text).map(Some)
        }
    }
}

fn secret(setting: Setting, value: &Sourced, text: &str) -> Result<SecretString, ConfigError> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(
            setting,
            value,
            "is not an API key: a key is one line without spaces, as `sfbridge keys create` shows it",
        ));
    }
    Ok(SecretString::from(text))
}

/// A filter for the log. `tracing_subscriber` forgives much, so the levels are
/// checked here.
pub(super) fn log_filter(layers: &Layers) -> Result<String, ConfigError> {
    let value = required(layers, Setting::Log)?;
    tracing_subscriber::EnvFilter::try_new(&value.text)
        .map(|_| value.text.clone())
        .map_err(|_| {
            invalid(
                Setting::Log,
                value,
                "is not a log filter; write error, warn, info, debug or trace, or a filter such \
                 as info,core_service=debug",
            )
        })
}

pub(super) fn gateway(
    layers: &Layers,
    installations: soap_gateway::InstallationMode,
) -> Result<GatewayConfig, ConfigError> {
    let max_connections = limit(layers, Setting::GatewayMaxConnections)?;
    Ok(GatewayConfig {
        listen: parse(layers, Setting::GatewayListen, ADDRESS)?,
        installations,
        senders: senders(layers)?,
        default_fields: default_fields(layers)?,
        xml: soap_gateway::soap::Limits {
            depth: limit(layers, Setting::GatewayMaxDepth)?,
            attributes: limit(layers, Setting::GatewayMaxAttributes)?,
            name_bytes: limit(layers, Setting::GatewayMaxNameBytes)?,
            nodes_per_notification: limit(layers, Setting::GatewayMaxNodes)?,
            nodes: limit(layers, Setting::GatewayMaxMessageNodes)?,
            notifications: limit(layers, Setting::GatewayMaxNotifications)?,
        },
        max_connections,
        max_connections_per_address: match layers.get(Setting::GatewayMaxConnectionsPerAddress) {
            Some(_) => limit(layers, Setting::GatewayMaxConnectionsPerAddress)?,
            None => max_connections.div_ceil(2),
        },
        max_requests: limit(layers, Setting::GatewayMaxRequests)?,
        organization_rate: organization_rate(layers)?,
        max_body_bytes: limit(layers, Setting::GatewayMaxBodyBytes)?,
        max_held_bytes: limit(layers, Setting::GatewayMaxHeldBytes)?,
        header_time: positive_length(layers, Setting::GatewayHeaderTime)?,
        body_time: positive_length(layers, Setting::GatewayBodyTime)?,
        request_time: positive_length(layers, Setting::GatewayRequestTime)?,
        core_time: positive_length(layers, Setting::GatewayCoreTime)?,
        notice_time: length(layers, Setting::GatewayNoticeTime)?,
        ..GatewayConfig::default()
    })
}

/// Which proxies are believed, and from where messages are taken.
fn senders(layers: &Layers) -> Result<SenderConfig, ConfigError> {
    let config = SenderConfig {
        trusted_proxies: list(layers, Setting::TrustedProxies)?,
        client_address_header: parse(
            layers,
            Setting::GatewayClientAddressHeader,
            "is not `x-forwarded-for` or `forwarded`",
        )?,
        client_certificate_header: layers
            .get(Setting::GatewayClientCertificateHeader)
            .map(certificate_header)
            .transpose()?,
        allowed_addresses: list(layers, Setting::GatewayAllowedAddresses)?,
        client_certificates: list(layers, Setting::GatewayClientCertificates)?,
        requires_client_authority: layers.get(Setting::GatewayClientCaFile).is_some(),
    };
    match layers.get(Setting::GatewayClientCertificateHeader) {
        Some(header) if config.trusted_proxies.is_empty() => Err(invalid(
            Setting::GatewayClientCertificateHeader,
            header,
            "counts only from trusted proxies, and there are none; name them in `trusted_proxies`",
        )),
        _ => Ok(config),
    }
}

fn certificate_header(value: &Sourced) -> Result<HeaderName, ConfigError> {
    value.text.trim().parse().map_err(|_| {
        invalid(
            Setting::GatewayClientCertificateHeader,
            value,
            "is not the name of a header; write one such as x-forwarded-client-cert",
        )
    })
}

/// The values of a list with commas between; none when it is not set. The error
/// names the first one that can't be read.
fn list<T>(layers: &Layers, setting: Setting) -> Result<Vec<T>, ConfigError>
where
    T: FromStr,
    T::Err: Display,
{
    let Some(value) = layers.get(setting) else {
        return Ok(Vec::new());
    };
    let read = |text: &str| {
        let text = text.trim();
        text.parse().map_err(|problem: T::Err| {
            let problem = format!("has `{}`, which {problem}", text.escape_debug());
            invalid(setting, value, &problem)
        })
    };
    value.text.split(',').map(read).collect()
}

/// The lists of fields that are recognised without a parameter.
fn default_fields(layers: &Layers) -> Result<DefaultFields, ConfigError> {
    let igrp = names(layers, Setting::DefaultIgrpFields)?;
    let visitor_id = names(layers, Setting::DefaultVisitorIdFields)?;
    let call_ref = names(layers, Setting::DefaultCallRefFields)?;
    // Each list alone first, so that the error can say which one it is.
    for (setting, lists) in [
        (Setting::DefaultIgrpFields, [igrp.as_slice(), &[], &[]]),
        (
            Setting::DefaultVisitorIdFields,
            [&[], visitor_id.as_slice(), &[]],
        ),
        (
            Setting::DefaultCallRefFields,
            [&[], &[], call_ref.as_slice()],
        ),
    ] {
        let [igrp, visitor_id, call_ref] = lists;
        if let Err(error) = DefaultFields::new(igrp, visitor_id, call_ref) {
            let problem = format!("can't be used: {error}");
            return Err(invalid(setting, required(layers, setting)?, &problem));
        }
    }
    DefaultFields::new(&igrp, &visitor_id, &call_ref).map_err(|error| {
        let setting = Setting::DefaultIgrpFields;
        ConfigError::Invalid {
            place: super::Source::Default,
            key: setting.key(),
            problem: error.to_string(),
        }
    })
}

fn names(layers: &Layers, setting: Setting) -> Result<Vec<String>, ConfigError> {
    let list = &required(layers, setting)?.text;
    Ok(list.split(',').map(|name| name.trim().to_owned()).collect())
}

/// The rate of each organisation, where there is one.
fn organization_rate(layers: &Layers) -> Result<Option<NonZeroU32>, ConfigError> {
    let setting = Setting::GatewayOrganizationRate;
    let Some(value) = layers.get(setting) else {
        return Ok(None);
    };
    let rate = value.text.trim().parse();
    rate.map(Some).map_err(|_| {
        let problem = "is not a whole number of messages from 1 up; leave it out for any number";
        invalid(setting, value, problem)
    })
}

/// A bound that lets something through.
pub(super) fn limit(layers: &Layers, setting: Setting) -> Result<usize, ConfigError> {
    const RULE: &str = "is not a whole number from 1 up";
    let number: usize = parse(layers, setting, RULE)?;
    if number == 0 {
        return Err(invalid(setting, required(layers, setting)?, RULE));
    }
    Ok(number)
}

fn positive_length(layers: &Layers, setting: Setting) -> Result<Duration, ConfigError> {
    let time = length(layers, setting)?;
    if time.is_zero() {
        let value = required(layers, setting)?;
        return Err(invalid(
            setting,
            value,
            "is no time at all; nothing would get through",
        ));
    }
    Ok(time)
}

pub(super) fn required(layers: &Layers, setting: Setting) -> Result<&Sourced, ConfigError> {
    layers.get(setting).ok_or_else(|| ConfigError::Invalid {
        place: super::Source::Default,
        key: setting.key(),
        problem: "is not set; give it a value".to_owned(),
    })
}

pub(super) fn invalid(setting: Setting, value: &Sourced, problem: &str) -> ConfigError {
    ConfigError::Invalid {
        place: value.source.clone(),
        key: setting.key(),
        problem: problem.to_owned(),
    }
}
