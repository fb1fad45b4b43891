//! What a process says once it runs.

use std::path::PathBuf;

use serde_json::json;
use soap_gateway::Endpoint;

use super::addresses::{Addresses, reachable};
use crate::config::Config;
use crate::output::{Output, OutputError};

/// The installation and organisation of the first message that newcomers send.
const SAMPLE_IGRP: i64 = 1001;
const SAMPLE_ORGANIZATION: &str = "00D000000000062EAA";

/// The first message, on one line and without a single quote, so that a shell
/// takes it as it stands.
const SAMPLE_MESSAGE: &str = concat!(
    r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>"#,
    r#"<notifications xmlns="http://soap.sforce.com/2005/09/outbound">"#,
    "<OrganizationId>00D000000000062EAA</OrganizationId><ActionId>04k000000000001EAA</ActionId>",
    "<Notification><Id>04l000000000001EAA</Id>",
    r#"<sObject xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="sf:Opportunity" "#,
    r#"xmlns:sf="urn:sobject.enterprise.soap.sforce.com">"#,
    "<sf:Id>006000000000001EAA</sf:Id><sf:Amount>1250.5</sf:Amount><sf:Name>My first sale</sf:Name>",
    "</sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>",
);

/// Says where everything is and, where both roles run, how to try it.
pub(super) fn greet(
    output: &mut Output<'_>,
    config: &Config,
    addresses: &Addresses,
) -> Result<(), OutputError> {
    if output.is_json() {
        output.json(&json!({ "addresses": addresses, "data_dir": config.data_dir }))?;
        return output.flush();
    }
    output.line(format_args!("sfbridge {}", env!("CARGO_PKG_VERSION")))?;
    output.line("")?;
    if let Some(gateway) = addresses.gateway {
        let scheme = scheme(addresses.gateway_tls);
        output.line(format_args!(
            "  gateway   {scheme}://{gateway}   outbound messages (SOAP)"
        ))?;
    }
    if let Some(core) = addresses.core {
        let scheme = scheme(addresses.core_tls);
        output.line(format_args!("  core      {scheme}://{core}   gRPC"))?;
    }
    output.line(format_args!(
        "  operator  http://{}   /healthz /readyz /metrics",
        addresses.operator
    ))?;
    output.line(format_args!("  data      {}", config.data_dir.display()))?;
    if addresses.core.is_some() {
        output.line(format_args!("  store     {}", config.store))?;
    }
    if addresses.gateway_tls || addresses.core_tls {
        tell_of_tls(output, config, addresses)?;
    } else if let (Some(gateway), Some(core)) = (addresses.gateway, addresses.core) {
        let strict = config.gateway.installations == soap_gateway::InstallationMode::Strict;
        if strict {
            output.line("")?;
            output.line("Unknown organisations are refused. Create an installation first:")?;
            output.line("")?;
            output.line(format_args!(
                "{} installations create {SAMPLE_IGRP} --organization-id {SAMPLE_ORGANIZATION} \
                 --core http://{}",
                program(),
                reachable(core)
            ))?;
        }
        output.line("")?;
        output.line("Send an outbound message as Salesforce would:")?;
        output.line("")?;
        output.line(curl_line(reachable(gateway)))?;
        output.line("")?;
        output.line("See what became of it, either way:")?;
        output.line("")?;
        output.line(format_args!(
            "grpcurl -plaintext -d '{{\"igrp\": {SAMPLE_IGRP}}}' {} \
             infinity.core.v1.EventService/ListEvents",
            reachable(core)
        ))?;
        output.line(format_args!(
            "{} events list --igrp {SAMPLE_IGRP} --core http://{}",
            program(),
            reachable(core)
        ))?;
    }
    output.line("")?;
    output.line("Ctrl-C ends it.")?;
    output.flush()
}

fn scheme(is_tls: bool) -> &'static str {
    if is_tls { "https" } else { "http" }
}

/// Says what clients need where TLS is spoken. Which of the names of the
/// certificates they have to use is not known here.
fn tell_of_tls(
    output: &mut Output<'_>,
    config: &Config,
    addresses: &Addresses,
) -> Result<(), OutputError> {
    output.line("")?;
    output.line("Where TLS is spoken, clients use a name that the certificate is for, and")?;
    output.line("where its authority is not one of the system's, name its file:")?;
    output.line("")?;
    if let (Some(gateway), true) = (addresses.gateway, addresses.gateway_tls) {
        output.line(format_args!(
            "{} send MESSAGE.xml --to 'https://NAME:{}{}?igrp={SAMPLE_IGRP}' --ca CA.pem",
            program(),
            gateway.port(),
            Endpoint::Events.path()
        ))?;
    }
    if let (Some(core), true) = (addresses.core, addresses.core_tls) {
        let tls = config.core_tls.as_ref();
        let is_mutual = tls.is_some_and(|files| files.client_authorities.is_some());
        let identity = if is_mutual {
            " --core-url-certificate-file CERTIFICATE.pem --core-url-key-file KEY.pem"
        } else {
            ""
        };
        output.line(format_args!(
            "{} events list --igrp {SAMPLE_IGRP} --core https://NAME:{} --core-url-ca-file \
             CA.pem{identity}",
            program(),
            core.port()
        ))?;
    }
    Ok(())
}

/// The line that sends the first message.
fn curl_line(gateway: std::net::SocketAddr) -> String {
    format!(
        "curl -sS 'http://{gateway}{}?igrp={SAMPLE_IGRP}&act=sale&txvField=Amount&txc=GBP' \
         -H 'Content-Type: text/xml; charset=UTF-8' -H 'SOAPAction: \"\"' \
         --data-binary '{SAMPLE_MESSAGE}'",
        Endpoint::Events.path()
    )
}

/// How this program was called, for a shell.
pub(crate) fn program() -> String {
    let path = std::env::args_os()
        .next()
        .map_or_else(|| PathBuf::from("sfbridge"), PathBuf::from);
    let path = path.display().to_string();
    let is_plain = path
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if is_plain && !path.is_empty() {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curl_line_is_one_line_that_a_shell_takes_as_it_stands() {
        let line = curl_line("127.0.0.1:8080".parse().unwrap());
        assert!(!line.contains('\n'));
        // Every quote opens or closes an argument; none is inside of one.
        assert_eq!(line.matches('\'').count(), 8);
        assert!(!SAMPLE_MESSAGE.contains('\''));
        assert!(SAMPLE_MESSAGE.contains(SAMPLE_ORGANIZATION));
    }
}
