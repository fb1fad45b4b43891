use std::time::Duration;

use test_certificates::{Authority as Issuer, Identity, NOW, PAST};

use super::*;

/// Which of these authorities, by place, a chain counts for.
#[track_caller]
fn check_at(
    now: UnixTime,
    authorities: &[&CertificateDer<'static>],
    chain: &[&CertificateDer<'static>],
    expected: &[usize],
) {
    let chain: Vec<CertificateDer<'_>> = chain.iter().map(|&der| der.clone()).collect();
    let known = Authorities::of(
        authorities.iter().map(|&der| der.clone()).collect(),
        Path::new("x"),
    );
    let judged = known.unwrap().judge(&chain, now).unwrap();
    assert_eq!(judged.fingerprint, fingerprint(&chain[0]));
    let expected: Vec<Fingerprint> = expected
        .iter()
        .map(|&n| fingerprint(authorities[n]))
        .collect();
    assert_eq!(judged.authorities, expected);
}

#[track_caller]
fn check(
    authorities: &[&CertificateDer<'static>],
    chain: &[&CertificateDer<'static>],
    expected: &[usize],
) {
    check_at(UnixTime::now(), authorities, chain, expected);
}

#[test]
fn a_certificate_counts_for_each_authority_that_it_chains_to_and_for_no_other() {
    let (one, other) = (Issuer::new("one"), Issuer::new("other"));
    let both = [&one.certificate(), &other.certificate()];
    check(&both, &[&one.client().certificate], &[0]);
    check(&both, &[&other.client().certificate], &[1]);
    check(&both[..1], &[&other.client().certificate], &[]);
    let namesake = Issuer::new("one");
    check(&both, &[&namesake.client().certificate], &[]);
    check(&[], &[&one.client().certificate], &[]);
    check(&both, &[&one.server(&["a"]).certificate], &[]);
}

#[test]
fn a_certificate_counts_while_it_is_valid() {
    let authority = Issuer::new("one");
    let (root, now) = (authority.certificate(), UnixTime::now());
    check(&[&root], &[&authority.client_valid(PAST).certificate], &[]);
    let client = authority.client_valid((-1, 1)).certificate;
    check_at(now, &[&root], &[&client], &[0]);
    let later = Duration::from_secs(now.as_secs()) + Duration::from_hours(30);
    check_at(UnixTime::since_unix_epoch(later), &[&root], &[&client], &[]);
}

#[test]
fn an_authority_counts_while_it_is_valid_itself() {
    let expired = Issuer::valid("old", PAST);
    check(
        &[&expired.certificate()],
        &[&expired.client().certificate],
        &[],
    );
}

#[test]
fn a_certificate_that_is_configured_itself_vouches_for_itself() {
    for is_authority in [false, true] {
        let own = Identity::self_signed("salesforce", is_authority, NOW).certificate;
        let namesake = Identity::self_signed("salesforce", is_authority, NOW).certificate;
        check(&[&namesake, &own], &[&own], &[1]);
        check(&[&own], &[&namesake], &[]);
        let old = Identity::self_signed("salesforce", is_authority, PAST).certificate;
        check(&[&old], &[&old], &[]);
    }
    let issuer = Issuer::new("one");
    let leaf = issuer.client().certificate;
    check(&[&leaf, &issuer.certificate()], &[&leaf], &[0, 1]);
}

#[test]
fn a_chain_that_the_client_sends_is_followed() {
    let root = Issuer::new("root");
    let between = root.below("between");
    let (leaf, link) = (between.client().certificate, between.certificate());
    check(&[&root.certificate()], &[&leaf, &link], &[0]);
    check(&[&root.certificate()], &[&leaf], &[]);
    check(&[&root.certificate(), &link], &[&leaf, &link], &[0, 1]);
}

#[test]
fn without_a_certificate_nothing_is_known() {
    let root = Issuer::new("root").certificate();
    let known = Authorities::of(vec![root], Path::new("x")).unwrap();
    assert_eq!(known.judge(&[], UnixTime::now()), None);
}
