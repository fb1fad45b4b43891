//! Who may send: restrictions of installations, and URL tokens.

use sfbridge_values::{AddressRange, Fingerprint};

use super::given::{OTHERS, OURS, at, igrp, organization, seven, short};
use crate::domain::{
    Coverage, Installation, MAX_URL_TOKENS, OneOf, SenderRestriction, UrlToken, UrlTokenId,
    UrlTokenState,
};
use crate::store::{PageRequest, Store};

fn ranges(texts: &[&str]) -> OneOf<AddressRange> {
    let ranges = texts.iter().map(|text| AddressRange::parse(text).unwrap());
    OneOf::new(ranges.collect()).unwrap()
}

fn certificate(byte: u8) -> OneOf<Fingerprint> {
    OneOf::new(vec![Fingerprint::new([byte; 32])]).unwrap()
}

/// An installation linked to an organisation.
fn linked(id: i64, to: &str) -> Installation {
    Installation::provisional(igrp(id), Some(organization(to)), at(1))
}

async fn create(store: &Store, installation: Installation) {
    assert!(store.create_installation(installation).await.unwrap());
}

/// Whether an organisation is linked, and which installations restrict it.
async fn access(store: &Store, id: &str, coverage: Coverage) -> (bool, Vec<SenderRestriction>) {
    let access = store.organization_access(organization(id), coverage).await;
    let access = access.unwrap();
    (access.is_linked, access.restrictions)
}

pub(super) async fn what_an_installation_asks_of_senders_is_kept(store: &Store) {
    let asking = Installation {
        address_ranges: ranges(&["192.0.2.0/24", "2001:db8::/32", "192.0.2.7"]),
        client_certificates: certificate(1),
        ..linked(7, OURS)
    };
    create(store, asking.clone()).await;
    let kept = store.installation(seven()).await.unwrap().unwrap();
    assert_eq!(kept.address_ranges, asking.address_ranges);
    assert_eq!(kept.client_certificates, asking.client_certificates);

    let relax = |mut kept: Installation| {
        kept.address_ranges = OneOf::default();
        Ok::<_, ()>(kept)
    };
    let updated = store.update_installation(seven(), relax).await.unwrap();
    updated.unwrap().unwrap();
    let kept = store.installation(seven()).await.unwrap().unwrap();
    assert!(kept.address_ranges.is_empty());
    assert_eq!(kept.client_certificates, asking.client_certificates);
}

pub(super) async fn every_linked_installation_restricts_its_organisation(store: &Store) {
    assert_eq!(access(store, OURS, Coverage::All).await, (false, vec![]));
    create(store, linked(1, OURS)).await;
    assert_eq!(access(store, OURS, Coverage::All).await, (true, vec![]));

    let by_address = Installation {
        address_ranges: ranges(&["192.0.2.0/24"]),
        ..linked(3, OURS)
    };
    let by_certificate = Installation {
        client_certificates: certificate(1),
        ..linked(2, OURS)
    };
    let another = Installation {
        client_certificates: certificate(9),
        ..linked(4, OTHERS)
    };
    for installation in [by_address, by_certificate, another] {
        create(store, installation).await;
    }
    // The short form of the id is the same organisation.
    let (is_linked, restrictions) = access(store, &OURS[..15], Coverage::All).await;
    let expected = [
        SenderRestriction {
            igrp: igrp(2),
            address_ranges: OneOf::default(),
            client_certificates: certificate(1),
        },
        SenderRestriction {
            igrp: igrp(3),
            address_ranges: ranges(&["192.0.2.0/24"]),
            client_certificates: OneOf::default(),
        },
    ];
    assert!(is_linked);
    assert_eq!(restrictions, expected);
}

pub(super) async fn an_organisation_is_judged_by_the_covered_installations_alone(store: &Store) {
    for id in [7, 8] {
        let installation = Installation {
            client_certificates: certificate(1),
            ..linked(id, OURS)
        };
        create(store, installation).await;
    }
    let only = |id| Coverage::Only([igrp(id)].into());
    let (is_linked, restrictions) = access(store, OURS, only(8)).await;
    let igrps: Vec<_> = restrictions.iter().map(|one| one.igrp).collect();
    assert_eq!((is_linked, igrps), (true, vec![igrp(8)]));
    assert_eq!(access(store, OURS, only(9)).await, (false, vec![]));
}

fn token(number: u32, organization_id: Option<&str>) -> UrlToken {
    let [a, b, c, d] = number.to_be_bytes();
    UrlToken {
        url_token_id: UrlTokenId::new([0, a, b, c, d]),
        display_name: short(&format!("token {number}")),
        organization_id: organization_id.map(organization),
        create_time: at(i64::from(number)),
        state: UrlTokenState::Valid {
            secret_hash: [1; 32],
        },
    }
}

/// The names of the tokens that are listed.
async fn listed(store: &Store, id: Option<&str>) -> Vec<String> {
    let page = store.url_tokens(id.map(organization), PageRequest::ALL);
    let rows = page.await.unwrap().rows.into_iter();
    rows.map(|token| token.display_name.to_string()).collect()
}

pub(super) async fn a_url_token_is_listed_until_it_is_forgotten(store: &Store) {
    for token in [token(1, None), token(2, Some(OURS)), token(3, Some(OTHERS))] {
        assert!(store.create_url_token(token).await.unwrap());
    }
    assert_eq!(listed(store, None).await, ["token 3", "token 2", "token 1"]);
    assert_eq!(listed(store, Some(&OURS[..15])).await, ["token 2"]);

    let (id, nobody) = (token(2, None).url_token_id, token(9, None).url_token_id);
    let revoke = |id, forget| store.revoke_url_token(id, forget, at(5));
    assert!(!revoke(nobody, false).await.unwrap());
    assert!(!revoke(nobody, true).await.unwrap());
    assert!(revoke(id, false).await.unwrap());
    assert_eq!(listed(store, Some(OURS)).await, ["token 2"]);
    assert!(revoke(id, true).await.unwrap());
    assert!(!revoke(id, true).await.unwrap());
    // One that is valid goes at once.
    assert!(revoke(token(1, None).url_token_id, true).await.unwrap());
    assert_eq!(listed(store, None).await, ["token 3"]);
}

pub(super) async fn a_revoked_url_token_keeps_its_time_and_loses_its_hash(store: &Store) {
    let given = token(1, Some(OURS));
    assert!(store.create_url_token(given.clone()).await.unwrap());
    let kept = async || {
        let page = store.url_tokens(None, PageRequest::ALL).await;
        page.unwrap().rows.remove(0)
    };
    let valid = kept().await;
    assert_eq!(valid.url_token_id, given.url_token_id);
    assert_eq!(valid.state, given.state);
    assert_eq!(valid.create_time, given.create_time);
    for time in [5, 6] {
        let revoked = store.revoke_url_token(given.url_token_id, false, at(time));
        assert!(revoked.await.unwrap());
        let revoke_time = at(5);
        assert_eq!(kept().await.state, UrlTokenState::Revoked { revoke_time });
    }
}

pub(super) async fn there_are_ten_thousand_url_tokens_at_most(store: &Store) {
    // Together, so that many share a commit.
    let mut numbers = 0..MAX_URL_TOKENS;
    while !numbers.is_empty() {
        let mut some = tokio::task::JoinSet::new();
        for number in numbers.by_ref().take(20) {
            let store = store.clone();
            some.spawn(async move { store.create_url_token(token(number, None)).await });
        }
        assert!(some.join_all().await.into_iter().all(|made| made.unwrap()));
    }
    let next = || store.create_url_token(token(MAX_URL_TOKENS, None));
    assert!(!next().await.unwrap());
    // A revoked one has its place until it is forgotten.
    let revoke = |forget| store.revoke_url_token(token(0, None).url_token_id, forget, at(1));
    assert!(revoke(false).await.unwrap());
    assert!(!next().await.unwrap());
    assert!(revoke(true).await.unwrap());
    assert!(next().await.unwrap());
}
