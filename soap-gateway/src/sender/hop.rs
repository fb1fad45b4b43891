//! From where a request came to the outermost trusted proxy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use super::config::AddressHeader;
use super::elements::{last_first, parameter, text};

/// The step from the outside to the first proxy that is trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hop {
    /// Who made it. None where no proxy says so in a way that can be read.
    pub(super) address: Option<IpAddr>,
    /// Whether it was made by `https`.
    pub(super) is_https: bool,
}

/// The hop that the header of a trusted proxy tells of: the nearest address in
/// it that is not of a trusted proxy itself. What stands before that was
/// written by strangers.
pub(super) fn from_outside(
    header: AddressHeader,
    headers: &HeaderMap,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Hop {
    match header {
        AddressHeader::XForwardedFor => Hop {
            address: x_forwarded_for(headers, is_trusted),
            is_https: is_x_forwarded_by_https(headers),
        },
        AddressHeader::Forwarded => forwarded(headers, is_trusted),
    }
}

fn x_forwarded_for(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    find_last(
        headers,
        &AddressHeader::X_FORWARDED_FOR,
        |element| match address(element) {
            Some(address) if is_trusted(address) => None,
            outside => Some(outside),
        },
    )?
}

fn is_x_forwarded_by_https(headers: &HeaderMap) -> bool {
    find_last(headers, &AddressHeader::X_FORWARDED_PROTO, |element| {
        Some(element.eq_ignore_ascii_case("https"))
    })
    .unwrap_or(false)
}

fn forwarded(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Hop {
    let hop = find_last(headers, &FORWARDED, |element| {
        let by = parameter(element, "for").ok().flatten();
        let address = by.as_deref().and_then(address);
        if address.is_some_and(&is_trusted) {
            return None;
        }
        let scheme = parameter(element, "proto").ok().flatten();
        let is_https = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        Some(Hop { address, is_https })
    });
    hop.unwrap_or_default()
}

/// The last element of a header's lines that something is found in.
fn find_last<T>(
    headers: &HeaderMap,
    name: &HeaderName,
    find: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let mut lines = headers.get_all(name).iter().rev();
    lines.find_map(|line| last_first(&text(line)).find_map(&find))
}

/// The address of a hop, with or without a port: `192.0.2.1`, `192.0.2.1:80`,
/// `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`. A port of `Forwarded`
/// may also be an invented name. None for anything else, such as `unknown` and
/// the invented names of hosts.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let port = if port.is_empty() {
            None
        } else {
            Some(port.strip_prefix(':')?)
        };
        (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port)
    } else {
        let (address, port) = text.split_once(':')?;
        (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), Some(port))
    };
    let is_good = port.is_none_or(is_port);
    is_good.then_some(address.to_canonical())
}

fn is_port(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;
    use sfbridge_values::AddressRange;

    use super::*;

    fn hop(header: AddressHeader, lines: &[(&HeaderName, &str)]) -> Hop {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|range| AddressRange::parse(range).unwrap());
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(*name, line);
        }
        from_outside(header, &headers, |address| {
            trusted.iter().any(|range| range.contains(address))
        })
    }

    #[track_caller]
    fn check(header: AddressHeader, lines: &[&str], expected: Option<&str>) {
        let name = match header {
            AddressHeader::XForwardedFor => AddressHeader::X_FORWARDED_FOR,
            AddressHeader::Forwarded => FORWARDED,
        };
        let named: Vec<_> = lines.iter().map(|line| (&name, *line)).collect();
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(hop(header, &named).address, expected, "{lines:?}");
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_counts() {
        let check = |lines: &[&str], expected| {
            check(AddressHeader::XForwardedFor, lines, Some(expected));
        };
        check(&["192.0.2.1"], "192.0.2.1");
        check(&["203.0.113.9, 192.0.2.1"], "192.0.2.1");
        check(&["203.0.113.9, 192.0.2.1 ,10.1.1.1,, fd00::7"], "192.0.2.1");
        check(&["203.0.113.9", "192.0.2.1", "10.1.1.1"], "192.0.2.1");
        check(&["\"x\\, \u{fffd}\"\", 192.0.2.1"], "192.0.2.1");
        check(&["192.0.2.1:4711"], "192.0.2.1");
        check(&["[2001:db8::1]:4711"], "2001:db8::1");
        check(&["2001:db8::1"], "2001:db8::1");
        check(&["::ffff:192.0.2.1, [::ffff:10.0.0.1]:80"], "192.0.2.1");
    }

    #[test]
    fn without_a_readable_hop_there_is_no_address() {
        for lines in [
            &[][..],
            &[""],
            &["10.0.0.1"],
            &["192.0.2.1, unknown"],
            &["192.0.2.1, 10.0.0.1:"],
            &["192.0.2.1, 1.2.3"],
            &["192.0.2.1", "1.2.3.4 5.6.7.8"],
            &["[2001:db8::1"],
            &["[2001:db8::1]80"],
            &["[192.0.2.1]"],
            &["fe80::1%eth0"],
            &["\"192.0.2.1\""],
        ] {
            check(AddressHeader::XForwardedFor, lines, None);
        }
    }

    #[test]
    fn forwarded_is_read_as_its_rfc_has_it() {
        let check =
            |lines: &[&str], expected| check(AddressHeader::Forwarded, lines, Some(expected));
        check(&["for=192.0.2.1;proto=http;by=10.0.0.1"], "192.0.2.1");
        check(&["For=\"[2001:db8::1]:4711\""], "2001:db8::1");
        check(&["for=\"192.0.2.1:_port\""], "192.0.2.1");
        check(
            &["for=203.0.113.9, for=192.0.2.1, for=10.0.0.1"],
            "192.0.2.1",
        );
        check(&["for=203.0.113.9", "for=192.0.2.1"], "192.0.2.1");
        check(&["for=\", for=192.0.2.1"], "192.0.2.1");
    }

    #[test]
    fn forwarded_without_a_readable_hop_has_no_address() {
        for lines in [
            &[][..],
            &["for=192.0.2.1, for=unknown"],
            &["for=192.0.2.1, for=_hidden"],
            &["for=192.0.2.1, proto=https"],
            &["for=192.0.2.1;for=192.0.2.2"],
            &["for=\"192.0.2.1"],
            &["192.0.2.1"],
            &["for=\"[fd00::1]\""],
        ] {
            check(AddressHeader::Forwarded, lines, None);
        }
    }

    #[test]
    fn only_the_configured_header_is_read() {
        let lines = [
            (&AddressHeader::X_FORWARDED_FOR, "192.0.2.1"),
            (&FORWARDED, "for=192.0.2.2;proto=https"),
        ];
        let address = |header| hop(header, &lines).address.unwrap().to_string();
        assert_eq!(address(AddressHeader::XForwardedFor), "192.0.2.1");
        assert_eq!(address(AddressHeader::Forwarded), "192.0.2.2");
        assert!(!hop(AddressHeader::XForwardedFor, &lines).is_https);
        assert!(hop(AddressHeader::Forwarded, &lines).is_https);
    }

    #[test]
    fn the_scheme_is_the_one_of_the_hop_from_outside() {
        let x = |proto| {
            let lines = [(&AddressHeader::X_FORWARDED_PROTO, proto)];
            hop(AddressHeader::XForwardedFor, &lines).is_https
        };
        assert!(x("https") && x("HTTPS"));
        assert!(!x("http") && !x("https, http") && !x(""));

        let forwarded = |line| hop(AddressHeader::Forwarded, &[(&FORWARDED, line)]).is_https;
        assert!(forwarded(
            "for=192.0.2.1;proto=https, for=10.0.0.1;proto=http"
        ));
        assert!(!forwarded("for=192.0.2.2;proto=https, for=192.0.2.1"));
    }

    proptest! {
        #[test]
        fn what_a_stranger_writes_before_the_proxy_changes_nothing(
            before in "[ -~]{0,60}",
            last in any::<u32>(),
        ) {
            let last = Ipv4Addr::from(last).to_string();
            for (header, name, line) in [
                (AddressHeader::XForwardedFor, AddressHeader::X_FORWARDED_FOR, last.clone()),
                (AddressHeader::Forwarded, FORWARDED, format!("for={last}")),
            ] {
                let alone = hop(header, &[(&name, line.as_str())]);
                if alone.address.is_some() {
                    let appended = format!("{before}, {line}");
                    prop_assert_eq!(hop(header, &[(&name, appended.as_str())]), alone);
                    let lines = [(&name, before.as_str()), (&name, line.as_str())];
                    prop_assert_eq!(hop(header, &lines), alone);
                }
            }
        }

        #[test]
        fn no_text_makes_reading_an_address_panic(text in any::<String>(), near in "[\\[\\]:.0-9a-f%]{0,30}") {
            let _ = address(&text);
            let _ = address(&near);
        }
    }
}
