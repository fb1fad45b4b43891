//! How a request came in.

use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HOST, VIA};
use http::uri::Authority;
use http::{HeaderMap, Request, Version};

/// How a request came in: what the connection knows and the headers do not.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// The other end of the connection.
    pub(crate) peer: SocketAddr,
    /// The HTTP version.
    pub(crate) version: Version,
    /// The authority of the request's target, which HTTP/2 has for `Host`.
    authority: Option<Authority>,
}

impl Arrival {
    /// Notes how a request came in.
    pub(crate) fn of<B>(request: &Request<B>, peer: SocketAddr) -> Self {
        Self {
            peer,
            version: request.version(),
            authority: request.uri().authority().cloned(),
        }
    }

    /// The authority of the request's target, when it has one.
    pub(crate) fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// Where it came from, as far as limits tell places apart: an address, or
    /// the network of 64 bits of which one IPv6 customer has all addresses.
    pub(crate) fn place(&self) -> IpAddr {
        const NETWORK: u128 = !0 << 64;

        match self.peer.ip().to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & NETWORK).into()),
        }
    }

    /// Whether the request plainly comes from the same machine: from a loopback
    /// address, to a loopback name, and through no proxy.
    ///
    /// The name alone would not do, since anybody can write it.
    pub(crate) fn is_local(&self, headers: &HeaderMap) -> bool {
        self.peer.ip().to_canonical().is_loopback()
            && !is_forwarded(headers)
            && self.is_loopback_named(headers)
    }

    fn is_loopback_named(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().map(|host| host.to_str().unwrap_or_default());
        let named = [host, self.authority.as_ref().map(Authority::as_str)];
        let mut named = named.into_iter().flatten().peekable();

        hosts.next().is_none() && named.peek().is_some() && named.all(is_loopback_name)
    }
}

/// Whether a proxy says that it passed the request on.
fn is_forwarded(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name == FORWARDED || name == VIA || name.as_str().starts_with("x-forwarded-"))
}

/// Whether a host with an optional port names this machine itself.
fn is_loopback_name(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if host.contains('@') {
        return false;
    }
    let name = authority.host();
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(&name)
        .parse::<IpAddr>();
    match address {
        Ok(address) => address.to_canonical().is_loopback(),
        // RFC 6761 keeps `localhost` and all names below it for loopback.
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[track_caller]
    fn check(peer: &str, target: &str, headers: &[(&str, &str)], expected: bool) {
        let mut request = Request::builder().uri(target).body(()).unwrap();
        for (name, value) in headers {
            request.headers_mut().append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let arrival = Arrival::of(&request, peer.parse().unwrap());
        let is_local = arrival.is_local(request.headers());
        assert_eq!(is_local, expected, "{peer} {target} {headers:?}");
    }

    #[test]
    fn a_loopback_name_from_a_loopback_address_is_local() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "gateway.localhost:1",
            "127.0.0.1:8080",
            "127.8.9.10",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:80",
        ] {
            check("127.0.0.1:5", "/", &[("host", host)], true);
        }
        check("[::1]:5", "/", &[("host", "localhost")], true);
        check("[::ffff:127.0.0.1]:5", "/", &[("host", "localhost")], true);
        check("127.0.0.1:5", "http://localhost:8080/", &[], true);
    }

    #[test]
    fn any_other_name_is_not_local() {
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0",
            "localhost@example.com",
            "user@localhost",
            "localhost, example.com",
        ] {
            check("127.0.0.1:5", "/", &[("host", host)], false);
        }
        check("127.0.0.1:5", "/", &[], false);
        let two = [("host", "localhost"), ("host", "localhost")];
        check("127.0.0.1:5", "/", &two, false);
        let absolute = "http://example.com/";
        check("127.0.0.1:5", absolute, &[("host", "localhost")], false);
    }

    #[test]
    fn all_addresses_of_one_customer_are_one_place() {
        let place = |peer: &str| {
            let request = Request::builder().body(()).unwrap();
            Arrival::of(&request, peer.parse().unwrap()).place()
        };
        assert_eq!(place("[2001:db8::1]:1"), place("[2001:db8::2:3]:2"));
        assert_ne!(place("[2001:db8::1]:1"), place("[2001:db8:0:1::1]:1"));
        assert_eq!(place("[::ffff:192.0.2.1]:1"), place("192.0.2.1:2"));
        assert_ne!(place("192.0.2.1:1"), place("192.0.2.2:1"));
    }

    #[test]
    fn a_loopback_name_from_elsewhere_is_not_local() {
        check("192.0.2.7:5", "/", &[("host", "localhost")], false);
    }

    #[test]
    fn what_a_proxy_passed_on_is_not_local() {
        for name in [
            "forwarded",
            "via",
            "x-forwarded-for",
            "X-Forwarded-Proto",
            "x-forwarded-client-cert",
        ] {
            let headers = [("host", "localhost"), (name, "1")];
            check("127.0.0.1:5", "/", &headers, false);
        }
        let headers = [("host", "localhost"), ("x-forward", "1")];
        check("127.0.0.1:5", "/", &headers, true);
    }
}
