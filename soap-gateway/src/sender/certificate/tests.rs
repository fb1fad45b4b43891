use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const NAME: HeaderName = HeaderName::from_static("x-client-cert");

/// What begins as a certificate does, 131 bytes long.
fn der(filling: u8) -> Vec<u8> {
    let mut der = vec![filling; 131];
    der[..3].copy_from_slice(&[0x30, 0x81, 128]);
    der
}

fn fingerprint_of(filling: u8) -> Fingerprint {
    Fingerprint::new(Sha256::digest(der(filling)).into())
}

/// A PEM text, in percent-encoding but for these characters.
fn encoded_pem(filling: u8, plain: &[char]) -> String {
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(der(filling))
    );
    let encode = |character: char| {
        if character.is_ascii_alphanumeric() || plain.contains(&character) {
            character.to_string()
        } else {
            format!("%{:02X}", u32::from(character))
        }
    };
    pem.chars().map(encode).collect()
}

fn read(lines: &[&str]) -> Certificate {
    let mut headers = HeaderMap::new();
    for line in lines {
        let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
        headers.append(NAME, line);
    }
    Certificate::of_header(&headers, &NAME)
}

#[track_caller]
fn check(line: &str, filling: u8) {
    let expected = Certificate::PassedOn(fingerprint_of(filling));
    assert_eq!(read(&[line]), expected, "{line}");
}

#[track_caller]
fn check_unreadable(lines: &[&str]) {
    assert_eq!(read(lines), Certificate::Unreadable, "{lines:?}");
}

#[test]
fn a_certificate_is_read_as_proxies_pass_it_on() {
    // nginx encodes all but letters, digits and `-._~`; AWS leaves `+=/` too.
    check(&encoded_pem(0xfb, &['-']), 0xfb);
    check(&encoded_pem(0xfb, &['-', '+', '=', '/']), 0xfb);
    check(&encoded_pem(0xfb, &[]), 0xfb);
    check(&format!(":{}:", STANDARD.encode(der(7))), 7);
    check(&fingerprint_of(7).to_string(), 7);
    check(&fingerprint_of(7).to_string().to_uppercase(), 7);
    let digits = fingerprint_of(7).to_string();
    let pairs: Vec<_> = (0..32).map(|n| &digits[2 * n..2 * n + 2]).collect();
    check(&pairs.join(":"), 7);
}

#[test]
fn of_a_chain_the_first_certificate_is_the_senders() {
    let chain = encoded_pem(1, &['-']) + &encoded_pem(2, &['-']);
    check(&chain, 1);
}

#[test]
fn of_envoys_list_the_last_element_counts() {
    let (one, two) = (fingerprint_of(1), fingerprint_of(2));
    check(&format!("Hash={one}"), 1);
    check(
        &format!("By=spiffe://a/b;Hash={one};Subject=\"CN=a,O=\\\"b\\\";c\";URI=spiffe://x"),
        1,
    );
    check(&format!("By=x;Hash={two};Subject=\"\",By=y;hash={one}"), 1);
    check(&format!("Cert=\"{}\"", encoded_pem(1, &['-'])), 1);
    check(
        &format!("Hash={one};Cert=\"{}\"", encoded_pem(1, &['-'])),
        1,
    );
    let lines = [format!("Hash={two}"), format!("Hash={one}")];
    let lines = lines.each_ref().map(String::as_str);
    assert_eq!(read(&lines), Certificate::PassedOn(one));
}

#[test]
fn what_a_subject_holds_is_no_part_of_the_list() {
    let (one, two) = (fingerprint_of(1), fingerprint_of(2));
    check(
        &format!("By=\",Hash={one};Subject=\"CN=\\\",Hash={two}\""),
        1,
    );
    check_unreadable(&[&format!("Hash={one};URI=x;Hash={two}")]);
}

#[test]
fn a_client_without_a_certificate_has_none() {
    for lines in [&[][..], &[""], &[" "], &["::"], &[","]] {
        assert_eq!(read(lines), Certificate::Absent, "{lines:?}");
    }
}

#[test]
fn anything_else_is_unreadable() {
    let (one, two) = (fingerprint_of(1).to_string(), fingerprint_of(2).to_string());
    let agreed = encoded_pem(1, &['-']);
    let certificate = STANDARD.encode(der(1));
    for line in [
        "(null)",
        "-",
        "\"\"",
        "CN=proxy.salesforce.com",
        "Hash=",
        "Subject=\"CN=x\"",
        // The SHA-1 fingerprint of nginx.
        "8d6f9ad4ab2ac5ad9dbf07b0a4ea1eb0c0c6f4a2",
        &certificate,
        &format!(":{certificate}"),
        ":AAAA:",
        ":!:",
        &format!("{one}, {one}"),
        &format!("Hash={two};Cert=\"{agreed}\""),
        &format!("Hash={one};Hash={one}"),
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----",
        &agreed.replace("CERTIFICATE", "PUBLIC%20KEY"),
    ] {
        check_unreadable(&[line]);
    }
    check_unreadable(&[&one, &one]);
    check_unreadable(&[&agreed, &agreed]);
}

#[test]
fn a_certificate_counts_by_its_own_fingerprint_or_that_of_its_authority() {
    let [own, authority, other] = [1, 2, 3].map(|n| Fingerprint::new([n; 32]));
    let of_connection = Certificate::OfConnection(ClientCertificate {
        fingerprint: own,
        authorities: vec![authority],
    });
    assert!(of_connection.is_among(&[other, own]));
    assert!(of_connection.is_among(&[authority]));
    assert!(!of_connection.is_among(&[other]));

    assert!(Certificate::PassedOn(own).is_among(&[own]));
    assert!(!Certificate::PassedOn(own).is_among(&[other]));
    assert!(!Certificate::Absent.is_among(&[own]));
    assert!(!Certificate::Unreadable.is_among(&[own]));
}

#[test]
fn a_list_that_begins_with_a_strangers_certificate_is_a_list() {
    let one = fingerprint_of(1);
    let list = format!("{},Hash={one}", encoded_pem(2, &['-']));
    assert_eq!(read(&[&list]), Certificate::PassedOn(one));
}

proptest! {
    #[test]
    fn what_a_stranger_writes_before_the_proxy_changes_nothing(before in "[ -~]{0,60}") {
        let one = fingerprint_of(1);
        let list = format!("{before},By=x;Hash={one};Subject=\"CN=a,b\"");
        if !list.trim().starts_with(':') {
            prop_assert_eq!(read(&[&list]), Certificate::PassedOn(one));
        }
    }

    #[test]
    fn no_header_makes_reading_panic(line in "[^\\x00-\\x1f\\x7f]{0,80}", near in "[:%a-fA-F0-9=;,\"\\\\-]{0,100}") {
        read(&[&line]);
        read(&[&near]);
        read(&[&format!("-----BEGIN{near}")]);
        read(&[&format!("Cert=\"{near}\"")]);
    }
}
