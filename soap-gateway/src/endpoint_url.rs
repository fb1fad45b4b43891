//! Endpoint URLs, as they are pasted into Salesforce.

use http::Uri;

use crate::Endpoint;
use crate::parameters::{InvalidParameter, Parameters};

/// A valid endpoint URL.
#[derive(Clone, Debug)]
pub struct EndpointUrl {
    uri: Uri,
    parameters: Parameters,
}

/// What is wrong with an endpoint URL.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// It is no URL.
    #[error("this is not a URL; it begins with https://, and spaces in it are written %20")]
    NotAUrl,
    /// The path is none of the endpoints'.
    #[error("no endpoint has this path; there are {}", Endpoint::ALL.map(Endpoint::path).join(", "))]
    UnknownPath,
    /// A parameter is invalid.
    #[error("the URL would be refused")]
    Parameter(#[source] InvalidParameter),
}

impl EndpointUrl {
    /// Reads a URL, or only its path and query.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`] says what the gateway would refuse.
    pub fn parse(text: &str) -> Result<Self, InvalidUrl> {
        let uri: Uri = text.trim().parse().map_err(|_| InvalidUrl::NotAUrl)?;
        let is_web = matches!(uri.scheme_str(), None | Some("http" | "https"));
        if !is_web || !uri.path().starts_with('/') {
            return Err(InvalidUrl::NotAUrl);
        }
        let endpoint = Endpoint::at(uri.path()).ok_or(InvalidUrl::UnknownPath)?;
        let query = uri.query().unwrap_or_default();
        let parameters = Parameters::parse(endpoint, query).map_err(InvalidUrl::Parameter)?;
        Ok(Self { uri, parameters })
    }

    /// What the query says.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What may keep Salesforce from calling it, one sentence each.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        match self.uri.scheme_str() {
            Some("https") => {}
            Some(_) => doubts.push(
                "Over http everybody on the way can read the messages; use https.".to_owned(),
            ),
            None => {
                doubts.push("Salesforce needs the whole URL, with https:// and host.".to_owned());
            }
        }
        let host = self.uri.host().unwrap_or_default();
        if is_loopback(host) {
            doubts.push(format!(
                "Salesforce can't reach {host}; use the public host name."
            ));
        }
        if let Some(port) = self.uri.port_u16()
            && port < 1024
            && !matches!(port, 80 | 443)
        {
            doubts.push(format!(
                "Salesforce does not call port {port}, only 80, 443 and those from 1024 up."
            ));
        }
        doubts
    }
}

/// Whether a host name or address is this machine.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, doubts: usize) {
        assert_eq!(
            EndpointUrl::parse(url).unwrap().doubts().len(),
            doubts,
            "{url}"
        );
    }

    #[test]
    fn what_salesforce_can_not_call_is_said() {
        check(
            "https://sf.example.com/callback/v1/salesforce/events?igrp=1",
            0,
        );
        check(
            "https://sf.example.com:8443/callback/v1/salesforce/leadEnrich",
            0,
        );
        check("http://sf.example.com/callback/v1/salesforce/events", 1);
        check("https://sf.example.com:99/callback/v1/salesforce/events", 1);
        check("http://127.0.0.1:8080/callback/v1/salesforce/events/", 2);
        check("http://[::1]:8080/callback/v1/salesforce/events", 2);
        check("/callback/v1/salesforce/callRating?igrp=1", 1);
    }

    #[test]
    fn what_the_gateway_would_refuse_is_refused() {
        for url in [
            "",
            "events",
            "ftp://a/callback/v1/salesforce/events",
            "https://a b/",
        ] {
            assert!(
                matches!(EndpointUrl::parse(url), Err(InvalidUrl::NotAUrl)),
                "{url}"
            );
        }
        let elsewhere = EndpointUrl::parse("https://a/callback/v1/salesforce/Events");
        assert!(matches!(elsewhere, Err(InvalidUrl::UnknownPath)));
        let misspelt = EndpointUrl::parse("https://a/callback/v1/salesforce/events?vidFeild=X");
        assert!(matches!(misspelt, Err(InvalidUrl::Parameter(_))));
    }
}
