//! The settings of TLS: files that belong together.

use std::path::PathBuf;

use sfbridge_transport::tls::{ClientFiles, ServerFiles};

use super::layers::{ConfigError, Layers};
use super::setting::Setting;
use super::value::invalid;

/// The files of the gateway's TLS; none when it speaks plain text.
pub(super) fn gateway(layers: &Layers) -> Result<Option<ServerFiles>, ConfigError> {
    server(
        layers,
        Setting::GatewayTlsCertificateFile,
        Setting::GatewayTlsKeyFile,
        Setting::GatewayClientCaFile,
    )
}

/// The files of the core's TLS; none when it speaks plain text.
pub(super) fn core(layers: &Layers) -> Result<Option<ServerFiles>, ConfigError> {
    server(
        layers,
        Setting::CoreTlsCertificateFile,
        Setting::CoreTlsKeyFile,
        Setting::CoreClientCaFile,
    )
}

/// The files for calls of a core elsewhere.
pub(super) fn upstream(layers: &Layers) -> Result<ClientFiles, ConfigError> {
    Ok(ClientFiles {
        authorities: file(layers, Setting::CoreUrlCaFile),
        identity: pair(
            layers,
            Setting::CoreUrlCertificateFile,
            Setting::CoreUrlKeyFile,
        )?,
    })
}

fn server(
    layers: &Layers,
    certificate: Setting,
    key: Setting,
    client_authorities: Setting,
) -> Result<Option<ServerFiles>, ConfigError> {
    let pair = pair(layers, certificate, key)?;
    let authorities = file(layers, client_authorities);
    if let (None, Some(value)) = (&pair, layers.get(client_authorities)) {
        let problem = format!(
            "counts with TLS only; set {} and {} too, or remove it",
            certificate.key(),
            key.key()
        );
        return Err(invalid(client_authorities, value, &problem));
    }
    Ok(pair.map(|(certificate, key)| ServerFiles {
        certificate,
        key,
        client_authorities: authorities,
    }))
}

/// A certificate and its key: both or none.
fn pair(
    layers: &Layers,
    certificate: Setting,
    key: Setting,
) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    match (file(layers, certificate), file(layers, key)) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (Some(_), None) => Err(half(layers, certificate, key)),
        (None, Some(_)) => Err(half(layers, key, certificate)),
    }
}

fn half(layers: &Layers, given: Setting, missing: Setting) -> ConfigError {
    let problem = format!("is given without {}; set both or none", missing.key());
    match layers.get(given) {
        Some(value) => invalid(given, value, &problem),
        None => ConfigError::Invalid {
            place: super::Source::Default,
            key: given.key(),
            problem,
        },
    }
}

fn file(layers: &Layers, setting: Setting) -> Option<PathBuf> {
    let value = layers.get(setting)?;
    Some(PathBuf::from(value.text.trim()))
}
