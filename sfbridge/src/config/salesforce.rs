//! The settings of what is said to Salesforce, and of the keys that seal its
//! credentials.

use std::path::{Path, PathBuf};

use core_service::SalesforceConfig;
use core_service::sealing::{SecretKeySource, SecretKeys};
use salesforce_client::{ApiVersion, ExtraHosts};
use secrecy::SecretString;

use super::layers::{ConfigError, Layers};
use super::setting::Setting;
use super::value::{invalid, required};

/// How Salesforce is spoken with.
pub(super) fn config(layers: &Layers) -> Result<SalesforceConfig, ConfigError> {
    let extra_hosts = layers
        .get(Setting::SalesforceExtraHosts)
        .map(|value| {
            ExtraHosts::parse(&value.text)
                .map_err(|error| invalid(Setting::SalesforceExtraHosts, value, &error.to_string()))
        })
        .transpose()?
        .unwrap_or_default();
    let version = required(layers, Setting::SalesforceApiVersion)?;
    let api_version = ApiVersion::parse(&version.text)
        .map_err(|error| invalid(Setting::SalesforceApiVersion, version, &error.to_string()))?;
    Ok(SalesforceConfig {
        extra_hosts,
        api_version,
    })
}

/// Where the keys come from that seal credentials. A file is read when the core
/// starts, for other commands need no key.
pub(super) fn secret_keys(
    layers: &Layers,
    data_dir: &Path,
) -> Result<SecretKeySource, ConfigError> {
    let key = layers.get(Setting::SecretKey);
    let file = layers.get(Setting::SecretKeyFile);
    match (key, file) {
        (None, None) => Ok(SecretKeySource::Own(data_dir.join("secret.key"))),
        (Some(key), Some(file)) => Err(ConfigError::Conflict {
            first: Setting::SecretKey.key(),
            first_place: key.source.clone(),
            second: Setting::SecretKeyFile.key(),
            second_place: file.source.clone(),
        }),
        (Some(key), None) => SecretKeys::parse(&SecretString::from(key.text.as_str()))
            .map(SecretKeySource::Given)
            .map_err(|error| invalid(Setting::SecretKey, key, &error.to_string())),
        (None, Some(file)) => Ok(SecretKeySource::File(PathBuf::from(file.text.trim()))),
    }
}
