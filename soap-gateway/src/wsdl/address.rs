//! The URL that a client reached an endpoint by.

use std::net::Ipv6Addr;

use http::HeaderMap;
use http::header::HOST;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::arrival::Arrival;

/// What some clients send in a query although a URL may not hold it.
const NOT_IN_A_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The URL that messages are to be sent to. It may hold a token, so it can't be
/// printed for debugging.
pub(crate) struct Address(String);

/// Nothing says by which name the client knows the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The WSDL says where to send messages, which is taken from the request's Host header, and that \
     is missing or not a host name with an optional port; ask by the endpoint's whole URL."
)]
pub(crate) struct UnusableHost;

impl Address {
    /// The URL of a request: by the scheme that it was made with, the host that
    /// it names, a path as sent, and a query as sent.
    pub(crate) fn of(
        is_https: bool,
        arrival: Option<&Arrival>,
        headers: &HeaderMap,
        path: &str,
        query: &str,
    ) -> Result<Self, UnusableHost> {
        let host = named_host(arrival, headers)
            .filter(|host| is_host(host))
            .ok_or(UnusableHost)?;
        let scheme = if is_https { "https" } else { "http" };
        let mark = if query.is_empty() { "" } else { "?" };
        let query = utf8_percent_encode(query, NOT_IN_A_QUERY);
        Ok(Self(format!("{scheme}://{host}{path}{mark}{query}")))
    }

    /// The URL as text, not yet escaped for XML.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The host that a request names: in its target, which goes before the header
/// (RFC 9112, section 3.2.2), or in its only `Host`.
fn named_host<'a>(arrival: Option<&'a Arrival>, headers: &'a HeaderMap) -> Option<&'a str> {
    if let Some(authority) = arrival.and_then(Arrival::authority) {
        return Some(authority.as_str());
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

/// Whether a text is a host name, an IPv4 address, or an IPv6 address in
/// brackets, with an optional port.
fn is_host(text: &str) -> bool {
    /// As long as a name of the DNS can be.
    const MAX_NAME: usize = 253;

    let (name, port) = match text.rsplit_once(':') {
        // A colon in brackets is one of the address.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let is_address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_name = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_part);
    (is_address || is_name) && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    const MAX_DIGITS: usize = 5;

    // The parser of numbers would also take a sign.
    let is_number = text.len() <= MAX_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && text.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    const PATH: &str = "/callback/v1/salesforce/events";

    fn address(target: &str, hosts: &[&str], query: &str) -> Option<String> {
        let mut request = Request::builder().uri(target).body(()).unwrap();
        for host in hosts {
            let host = HeaderValue::from_bytes(host.as_bytes()).unwrap();
            request.headers_mut().append(HOST, host);
        }
        let arrival = Arrival::of(&request, ([127, 0, 0, 1], 5).into(), None);
        let address = Address::of(false, Some(&arrival), request.headers(), PATH, query);
        address.ok().map(|address| address.0)
    }

    #[track_caller]
    fn check_host(host: &str, is_good: bool) {
        let expected = is_good.then(|| format!("http://{host}{PATH}"));
        assert_eq!(address(PATH, &[host], ""), expected, "{host:?}");
    }

    #[track_caller]
    fn check_query(query: &str, expected: &str) {
        let expected = format!("http://gateway{PATH}{expected}");
        assert_eq!(address(PATH, &["gateway"], query), Some(expected));
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_an_optional_port() {
        for host in [
            "localhost",
            "localhost:8080",
            "track.example.com",
            "Track_1.example-2.com.:65535",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::7]:8080",
        ] {
            check_host(host, true);
        }
        check_host(&"a".repeat(253), true);
    }

    #[test]
    fn what_is_no_host_is_not_repeated() {
        for host in [
            "",
            " ",
            ":80",
            "localhost:",
            "localhost:0",
            "localhost:65536",
            "localhost:+80",
            "localhost:000080",
            "localhost:80:80",
            "user@localhost",
            "user:secret@localhost",
            "localhost, example.com",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "a&b",
            "a;b",
            "<script>",
            "\"",
            "'",
            "%41",
            "münchen.example",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[::1]x",
            "[::1]]",
            "[fe80::1%25eth0]",
            "[localhost]",
        ] {
            check_host(host, false);
        }
        check_host(&"a".repeat(254), false);
        check_host(&"a".repeat(60_000), false);
    }

    #[test]
    fn the_target_names_the_host_before_the_header_does() {
        let absolute = "http://gateway:8080/";
        let expected = Some(format!("http://gateway:8080{PATH}"));
        assert_eq!(address(absolute, &["other"], ""), expected);
        assert_eq!(address(absolute, &[], ""), expected);
        assert_eq!(address("http://user@gateway/", &["other"], ""), None);
    }

    #[test]
    fn without_one_host_there_is_no_address() {
        assert_eq!(address(PATH, &[], ""), None);
        assert_eq!(address(PATH, &["gateway", "gateway"], ""), None);
    }

    #[test]
    fn a_query_is_kept_as_sent_but_for_what_a_url_may_not_hold() {
        check_query("", "");
        check_query("igrp=1001", "?igrp=1001");
        check_query(
            "act=a+b%20c&tz=Europe/London&map[utm_source]=X__c",
            "?act=a+b%20c&tz=Europe/London&map[utm_source]=X__c",
        );
        check_query("act=\"ü\"&t={x}", "?act=%22%C3%BC%22&t=%7Bx%7D");
    }
}
