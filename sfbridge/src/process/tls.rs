//! The services' settings, with their TLS read from its files.

use core_service::CoreConfig;
use sfbridge_transport::tls::{ClientCertificates, ServerFiles, ServerTls, TlsError};
use soap_gateway::GatewayConfig;

use super::{Process, cannot_start};
use crate::config::Config;
use crate::failure::Failure;

impl Process {
    /// The gateway's settings.
    ///
    /// # Errors
    ///
    /// Says which file of TLS can't be used, and why.
    pub(crate) fn gateway_config(&self, config: &Config) -> Result<GatewayConfig, Failure> {
        let tls = self
            .tls(
                "gateway",
                config.gateway_tls.as_ref(),
                ClientCertificates::Judged,
            )
            .map_err(|error| cannot_start("gateway", "--gateway-listen", error))?;
        Ok(GatewayConfig {
            tls,
            ..config.gateway.clone()
        })
    }

    /// The core's settings.
    ///
    /// # Errors
    ///
    /// Says which file of TLS can't be used, and why.
    pub(crate) fn core_config(&self, config: &Config) -> Result<CoreConfig, Failure> {
        let tls = self
            .tls(
                "core",
                config.core_tls.as_ref(),
                ClientCertificates::Required,
            )
            .map_err(|error| cannot_start("core", "--core-listen", error))?;
        Ok(CoreConfig {
            tls,
            ..config.core.clone()
        })
    }

    fn tls(
        &self,
        listener: &'static str,
        files: Option<&ServerFiles>,
        clients: ClientCertificates,
    ) -> Result<Option<ServerTls>, TlsError> {
        let load = |files: &ServerFiles| {
            ServerTls::load(listener, files.clone(), clients, &self.tls_metrics)
        };
        files.map(load).transpose()
    }
}
