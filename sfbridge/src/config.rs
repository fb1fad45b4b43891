//! The configuration: defaults, then a file, then the environment, then flags.

mod duration;
mod layers;
mod retention;
mod salesforce;
mod setting;
mod tls;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use core_service::{CoreConfig, EnrichingConfig, StoreConfig};
use http::Uri;
use secrecy::SecretString;
use sfbridge_transport::tls::{ClientFiles, ServerFiles};
use soap_gateway::GatewayConfig;
use soap_gateway::parameters::Identity;

pub(crate) use duration::Length;
pub(crate) use layers::{ConfigError, Layers, Source};
pub(crate) use setting::{Group, Setting};
pub(crate) use value::LogFormat;

/// The roles that one process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Gateway and core.
    Up,
    /// The core alone.
    Core,
    /// The gateway alone.
    Gateway,
}

/// The effective configuration, every value parsed.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where the embedded database and `addresses.json` are. Absolute.
    pub(crate) data_dir: PathBuf,
    /// The store.
    pub(crate) store: StoreConfig,
    /// The core's own settings.
    pub(crate) core: CoreConfig,
    /// The files of the core's TLS, read when it starts.
    pub(crate) core_tls: Option<ServerFiles>,
    /// The gateway's own settings.
    pub(crate) gateway: GatewayConfig,
    /// The files of the gateway's TLS, read when it starts.
    pub(crate) gateway_tls: Option<ServerFiles>,
    /// How to reach a core in another process.
    pub(crate) upstream: Upstream,
    /// Where `/healthz`, `/readyz` and `/metrics` are.
    pub(crate) operator_listen: SocketAddr,
    /// What to log.
    pub(crate) log: String,
    /// How to write the log.
    pub(crate) log_format: LogFormat,
    /// How long a shutdown may take.
    pub(crate) shutdown_deadline: Duration,
    layers: Layers,
}

/// How to reach a core in another process.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Where it was said to be; empty when nothing was said.
    pub(crate) urls: Vec<Uri>,
    /// The files of TLS, for `https` URLs.
    pub(crate) tls: ClientFiles,
    /// The API key, if there is one.
    pub(crate) api_key: Option<SecretString>,
}

impl Config {
    /// Parses the values that count.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says which source, which key and what to do.
    pub(crate) fn new(mut layers: Layers, role: Role) -> Result<Self, ConfigError> {
        let data_dir = value::data_dir(&layers)?;
        add_defaults(&mut layers, role, &data_dir);

        let installations = value::installations(&layers)?;
        let store: StoreConfig = value::store(&layers)?;
        Ok(Self {
            core: CoreConfig {
                listen: value::parse(&layers, Setting::CoreListen, value::ADDRESS)?,
                tls: None,
                max_connections: value::limit(&layers, Setting::CoreMaxConnections)?,
                store: store.clone(),
                store_write_delay: value::length(&layers, Setting::StoreWriteDelay)?,
                installations: installations.core(),
                secret_keys: salesforce::secret_keys(&layers, &data_dir)?,
                salesforce: salesforce::config(&layers)?,
                enriching: EnrichingConfig::default(),
                expiring: retention::config(&layers)?,
                reflection: value::parse(&layers, Setting::CoreReflection, "is not true or false")?,
            },
            core_tls: tls::core(&layers)?,
            gateway_tls: tls::gateway(&layers)?,
            gateway: value::gateway(&layers, installations.gateway())?,
            upstream: Upstream {
                urls: value::core_urls(&layers)?,
                tls: tls::upstream(&layers)?,
                api_key: value::api_key(&layers)?,
            },
            operator_listen: value::parse(&layers, Setting::OperatorListen, value::ADDRESS)?,
            log: value::log_filter(&layers)?,
            log_format: value::parse(&layers, Setting::LogFormat, "is not `text` or `json`")?,
            shutdown_deadline: value::length(&layers, Setting::ShutdownDeadline)?,
            store,
            data_dir,
            layers,
        })
    }

    /// The value of a setting as written and where it comes from, for people.
    /// Secrets are hidden.
    pub(crate) fn shown(&self, setting: Setting) -> Option<(String, Source)> {
        let value = self.layers.get(setting)?;
        let text = if setting.is_secret() {
            "(hidden)".to_owned()
        } else if setting == Setting::Store {
            // The URL may hold a password.
            self.store.to_string()
        } else {
            value.text.clone()
        };
        Some((text, value.source.clone()))
    }

    /// Where the running process says where it listens.
    pub(crate) fn addresses_file(&self) -> PathBuf {
        self.data_dir.join("addresses.json")
    }
}

/// The defaults that depend on the role, the data directory or the services.
fn add_defaults(layers: &mut Layers, role: Role, data_dir: &Path) {
    let operator = match role {
        Role::Up | Role::Gateway => "127.0.0.1:8081",
        Role::Core => "127.0.0.1:8082",
    };
    let store = StoreConfig::Sqlite {
        path: data_dir.join("sfbridge.db"),
    };
    let api_version = salesforce_client::ApiVersion::default();
    layers.default_to(Setting::OperatorListen, operator.to_owned());
    layers.default_to(Setting::Store, store.to_string());
    layers.default_to(Setting::SalesforceApiVersion, api_version.to_string());

    for setting in Setting::ALL {
        if let Some(text) = default_of(setting) {
            layers.default_to(setting, text);
        }
    }
}

/// The default of a setting that one of the services knows.
pub(crate) fn default_of(setting: Setting) -> Option<String> {
    gateway_default(setting).or_else(|| retention::default_of(setting))
}

/// The default of a setting that the gateway knows.
fn gateway_default(setting: Setting) -> Option<String> {
    let gateway = GatewayConfig::default();
    let names = |identity| {
        let names: Vec<&str> = gateway.default_fields.names(identity).collect();
        names.join(",")
    };
    Some(match setting {
        Setting::GatewayClientAddressHeader => gateway.senders.client_address_header.to_string(),
        Setting::GatewayMaxConnections => gateway.max_connections.to_string(),
        Setting::GatewayMaxRequests => gateway.max_requests.to_string(),
        Setting::GatewayMaxBodyBytes => gateway.max_body_bytes.to_string(),
        Setting::GatewayMaxHeldBytes => gateway.max_held_bytes.to_string(),
        Setting::GatewayMaxDepth => gateway.xml.depth.to_string(),
        Setting::GatewayMaxAttributes => gateway.xml.attributes.to_string(),
        Setting::GatewayMaxNameBytes => gateway.xml.name_bytes.to_string(),
        Setting::GatewayMaxNodes => gateway.xml.nodes_per_notification.to_string(),
        Setting::GatewayMaxMessageNodes => gateway.xml.nodes.to_string(),
        Setting::GatewayMaxNotifications => gateway.xml.notifications.to_string(),
        Setting::GatewayHeaderTime => Length(gateway.header_time).to_string(),
        Setting::GatewayBodyTime => Length(gateway.body_time).to_string(),
        Setting::GatewayRequestTime => Length(gateway.request_time).to_string(),
        Setting::GatewayCoreTime => Length(gateway.core_time).to_string(),
        Setting::GatewayNoticeTime => Length(gateway.notice_time).to_string(),
        Setting::DefaultIgrpFields => names(Identity::Igrp),
        Setting::DefaultVisitorIdFields => names(Identity::VisitorId),
        Setting::DefaultCallRefFields => names(Identity::CallRef),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
