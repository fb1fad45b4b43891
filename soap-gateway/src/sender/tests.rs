use http::{HeaderName, HeaderValue, Request};
use sfbridge_values::{AddressRange, ClientCertificate, Fingerprint};

use super::*;

fn of_connection() -> ClientCertificate {
    ClientCertificate {
        fingerprint: Fingerprint::new([1; 32]),
        authorities: Vec::new(),
    }
}

fn config() -> SenderConfig {
    SenderConfig {
        trusted_proxies: vec![AddressRange::parse("10.0.0.0/8").unwrap()],
        client_certificate_header: Some(HeaderName::from_static("x-client-cert")),
        ..SenderConfig::default()
    }
}

fn sender(config: &SenderConfig, peer: &str, lines: &[(&'static str, &str)]) -> Sender {
    let mut request = Request::new(());
    for (name, value) in lines {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(*name, value);
    }
    let peer = peer.parse().unwrap();
    let arrival = Arrival::of(&request, peer, Some(of_connection()));
    Sender::of(config, Some(&arrival), request.headers())
}

#[track_caller]
fn check_address(peer: &str, lines: &[(&'static str, &str)], expected: &str) {
    let sender = sender(&config(), peer, lines);
    let expected = Some(expected.parse().unwrap());
    assert_eq!(sender.address(), expected, "{peer} {lines:?}");
}

#[test]
fn the_address_is_that_of_the_connection_or_what_a_trusted_proxy_says() {
    let forwarded = [("x-forwarded-for", "192.0.2.1")];
    check_address("203.0.113.9:1", &[], "203.0.113.9");
    check_address("203.0.113.9:1", &forwarded, "203.0.113.9");
    check_address("[::ffff:203.0.113.9]:1", &forwarded, "203.0.113.9");
    check_address("10.0.0.1:1", &forwarded, "192.0.2.1");
    check_address("[::ffff:10.0.0.1]:1", &forwarded, "192.0.2.1");
}

#[test]
fn where_a_proxy_says_nothing_readable_the_address_is_its_own() {
    check_address("10.0.0.1:1", &[], "10.0.0.1");
    check_address("10.0.0.1:1", &[("x-forwarded-for", "unknown")], "10.0.0.1");
    check_address("10.0.0.1:1", &[("forwarded", "for=192.0.2.1")], "10.0.0.1");
}

#[test]
fn the_certificate_is_the_connections_or_what_a_trusted_proxy_passes_on() {
    let other = Fingerprint::new([2; 32]);
    let passed_on = other.to_string();
    let lines = [("x-client-cert", passed_on.as_str())];
    let of =
        |config: &SenderConfig, peer: &str, lines: &[_]| sender(config, peer, lines).certificate;
    let own = Certificate::OfConnection(of_connection());

    assert_eq!(of(&config(), "203.0.113.9:1", &lines), own);
    assert_eq!(
        of(&config(), "10.0.0.1:1", &lines),
        Certificate::PassedOn(other)
    );
    // The proxy's own certificate is not the sender's.
    assert_eq!(of(&config(), "10.0.0.1:1", &[]), Certificate::Absent);
    let without_header = SenderConfig {
        client_certificate_header: None,
        ..config()
    };
    assert_eq!(of(&without_header, "10.0.0.1:1", &lines), own);
}

#[test]
fn only_a_trusted_proxy_says_that_a_request_was_made_by_https() {
    let lines = [("x-forwarded-proto", "https")];
    assert!(sender(&config(), "10.0.0.1:1", &lines).is_https());
    assert!(!sender(&config(), "203.0.113.9:1", &lines).is_https());
    assert!(!sender(&config(), "10.0.0.1:1", &[]).is_https());
}

#[test]
fn what_a_trusted_proxy_sends_is_never_local() {
    let lines = [("host", "localhost")];
    assert!(sender(&config(), "127.0.0.1:1", &lines).is_local());
    let proxy_here = SenderConfig {
        trusted_proxies: vec![AddressRange::parse("127.0.0.1").unwrap()],
        ..config()
    };
    assert!(!sender(&proxy_here, "127.0.0.1:1", &lines).is_local());
}

#[test]
fn of_an_unknown_connection_nothing_is_believed() {
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_static("10.0.0.1"));
    let sender = Sender::of(&config(), None, &headers);
    assert_eq!(sender.address(), None);
    assert!(!sender.is_local());
}

#[test]
fn all_addresses_of_one_customer_are_one_place() {
    let place = |peer: &str| sender(&SenderConfig::default(), peer, &[]).place();
    assert_eq!(place("[2001:db8::1]:1"), place("[2001:db8::2:3]:2"));
    assert_ne!(place("[2001:db8::1]:1"), place("[2001:db8:0:1::1]:1"));
    assert_eq!(place("[::ffff:192.0.2.1]:1"), place("192.0.2.1:2"));
    assert_ne!(place("192.0.2.1:1"), place("192.0.2.2:1"));
}

#[test]
fn behind_a_trusted_proxy_the_place_is_the_clients() {
    let forwarded = [("x-forwarded-for", "203.0.113.9")];
    let sender = sender(&config(), "10.0.0.1:1", &forwarded);
    assert_eq!(sender.place().to_string(), "203.0.113.9");
}
