use http::HeaderMap;
use sfbridge_values::ClientCertificate;

use super::*;

fn leaf() -> Fingerprint {
    Fingerprint::new([1; 32])
}

fn authority() -> Fingerprint {
    Fingerprint::new([2; 32])
}

fn other() -> Fingerprint {
    Fingerprint::new([3; 32])
}

fn sender(certificate: Certificate) -> Sender {
    let unknown = Sender::of(&SenderConfig::default(), None, &HeaderMap::new());
    Sender {
        address: "192.0.2.1".parse().ok(),
        certificate,
        ..unknown
    }
}

fn of_connection(authorities: &[Fingerprint]) -> Certificate {
    Certificate::OfConnection(ClientCertificate {
        fingerprint: leaf(),
        authorities: authorities.to_vec(),
    })
}

fn ranges(texts: &[&str]) -> Vec<AddressRange> {
    let ranges = texts.iter().map(|text| text.parse());
    ranges.collect::<Result<_, _>>().unwrap()
}

#[track_caller]
fn check(config: &SenderConfig, certificate: Certificate, expected: Result<(), Reason>) {
    let checked = Allowed::by_settings(config).check(&sender(certificate));
    assert_eq!(checked.map_err(|fault| fault.reason()), expected);
}

#[test]
fn what_is_not_configured_is_not_asked_for() {
    check(&SenderConfig::default(), Certificate::Absent, Ok(()));
    check(&SenderConfig::default(), Certificate::Unreadable, Ok(()));
}

#[test]
fn one_of_the_allowed_ranges_has_to_hold_the_address() {
    let config = |texts| SenderConfig {
        allowed_addresses: ranges(texts),
        ..SenderConfig::default()
    };
    check(
        &config(&["2001:db8::/32", "192.0.2.0/24"]),
        Certificate::Absent,
        Ok(()),
    );
    let refused = Err(Reason::AddressNotAllowed);
    check(&config(&["192.0.2.2"]), Certificate::Absent, refused);

    let unknown = Sender::of(&SenderConfig::default(), None, &HeaderMap::new());
    let everywhere = Allowed::by_settings(&config(&["0.0.0.0/0", "::/0"]));
    assert!(everywhere.check(&unknown).is_err());
}

#[test]
fn one_of_the_listed_certificates_has_to_be_there() {
    let config = SenderConfig {
        client_certificates: vec![authority(), leaf()],
        ..SenderConfig::default()
    };
    check(&config, of_connection(&[]), Ok(()));
    check(&config, Certificate::PassedOn(authority()), Ok(()));
    let needed = Err(Reason::ClientCertificateNeeded);
    check(&config, Certificate::Absent, needed);
    check(&config, Certificate::Unreadable, needed);
    let not_allowed = Err(Reason::ClientCertificateNotAllowed);
    check(&config, Certificate::PassedOn(other()), not_allowed);
}

#[test]
fn with_authorities_of_the_connection_a_certificate_has_to_be_of_one_or_passed_on() {
    let config = SenderConfig {
        requires_client_authority: true,
        ..SenderConfig::default()
    };
    check(&config, of_connection(&[authority()]), Ok(()));
    check(&config, Certificate::PassedOn(other()), Ok(()));
    check(
        &config,
        Certificate::Absent,
        Err(Reason::ClientCertificateNeeded),
    );
    let not_allowed = Err(Reason::ClientCertificateNotAllowed);
    check(&config, of_connection(&[]), not_allowed);
}

#[test]
fn all_that_is_configured_has_to_hold() {
    let config = SenderConfig {
        allowed_addresses: ranges(&["192.0.2.1"]),
        client_certificates: vec![leaf()],
        requires_client_authority: true,
        ..SenderConfig::default()
    };
    check(&config, of_connection(&[other()]), Ok(()));
    let not_allowed = Err(Reason::ClientCertificateNotAllowed);
    check(&config, of_connection(&[]), not_allowed);
    check(&config, Certificate::PassedOn(other()), not_allowed);
    let elsewhere = SenderConfig {
        allowed_addresses: ranges(&["192.0.2.2"]),
        ..config
    };
    let refused = Err(Reason::AddressNotAllowed);
    check(&elsewhere, Certificate::Absent, refused);
}

#[test]
fn what_an_installation_says_is_read_and_what_can_not_be_read_allows_nobody() {
    let check = |addresses: &[&str], certificates: &[&str], expected| {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let allowed = Allowed::by_installation(7, &owned(addresses), &owned(certificates));
        let checked = allowed.check(&sender(of_connection(&[])));
        assert_eq!(checked.map_err(|fault| fault.reason()), expected);
    };
    let listed = leaf().to_string();
    check(&[], &[], Ok(()));
    check(&["192.0.2.0/24"], &[&listed], Ok(()));
    check(
        &["nonsense", "192.0.2.0/24"],
        &["nonsense", &listed],
        Ok(()),
    );
    check(&["nonsense"], &[&listed], Err(Reason::AddressNotAllowed));
    let not_allowed = Err(Reason::ClientCertificateNotAllowed);
    check(&["192.0.2.1"], &["nonsense"], not_allowed);
    check(&[], &[&other().to_string()], not_allowed);
}

#[test]
fn the_log_is_told_whose_rule_it_was() {
    let cause = |allowed: &Allowed| {
        let refused = allowed.check(&sender(Certificate::Absent)).unwrap_err();
        refused.cause().unwrap().to_owned()
    };
    let of_seven = Allowed::by_installation(7, &["192.0.2.2".to_owned()], &[]);
    assert!(cause(&of_seven).contains("installation 7"));
    let of_all = Allowed::by_settings(&SenderConfig {
        allowed_addresses: ranges(&["192.0.2.2"]),
        ..SenderConfig::default()
    });
    assert!(cause(&of_all).contains("gateway_allowed_addresses"));
}
