//! Who may send: URL tokens, and what installations ask of senders.

use core_service::domain::{Coverage, Role};
use sfbridge_proto::v1 as pb;
use sfbridge_values::Igrp;
use sha2::{Digest, Sha256};
use tonic::{Code, Response, Status};

use crate::harness::{Client, Setup, TestCore, fields_at_fault, installation, reason};

const OURS: &str = "00D000000000062EAA";

async fn create(client: &Client, organization_id: &str) -> Result<(pb::UrlToken, String), Status> {
    let request = pb::CreateUrlTokenRequest {
        url_token: Some(pb::UrlToken {
            display_name: " Main site ".to_owned(),
            organization_id: organization_id.to_owned(),
            ..Default::default()
        }),
    };
    let answer = client
        .access()
        .create_url_token(request)
        .await?
        .into_inner();
    Ok((answer.url_token.unwrap(), answer.url_token_text))
}

async fn list(client: &Client, organization_id: &str) -> Vec<pb::UrlToken> {
    let request = pb::ListUrlTokensRequest {
        organization_id: organization_id.to_owned(),
        ..Default::default()
    };
    let answer = client.access().list_url_tokens(request).await.unwrap();
    answer.into_inner().url_tokens
}

async fn revoke(client: &Client, id: &str, forget: bool) -> Result<(), Status> {
    let request = pb::RevokeUrlTokenRequest {
        url_token_id: id.to_owned(),
        forget,
    };
    client.access().revoke_url_token(request).await.map(drop)
}

async fn rules(client: &Client, known_revision: &str) -> pb::GetSenderRulesResponse {
    let request = pb::GetSenderRulesRequest {
        known_revision: known_revision.to_owned(),
    };
    let answer = client.access().get_sender_rules(request).await.unwrap();
    answer.into_inner()
}

#[tokio::test]
async fn the_text_of_a_url_token_is_in_one_answer_alone() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let (token, text) = create(&client, OURS).await.unwrap();
    let (id, secret) = text.split_once('.').unwrap();
    assert_eq!((id.len(), secret.len()), (10, 22));
    assert_eq!(token.url_token_id, id);
    assert_eq!(token.display_name, "Main site");
    assert_eq!(token.organization_id, OURS);
    assert!(token.create_time.is_some() && token.revoke_time.is_none());

    let listed = list(&client, "").await;
    assert_eq!(listed, [token]);
    let rules = rules(&client, "").await;
    assert_eq!(
        rules.url_tokens,
        [pb::UrlTokenRule {
            url_token_id: id.to_owned(),
            secret_hash: Sha256::digest(secret).to_vec(),
            organization_id: OURS[..15].to_owned(),
        }]
    );
    let (_, another) = create(&client, "").await.unwrap();
    assert_ne!(another, text);
}

#[tokio::test]
async fn a_revoked_url_token_stays_without_its_hash_until_it_is_forgotten() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let (kept, _) = create(&client, "").await.unwrap();
    let (token, _) = create(&client, OURS).await.unwrap();
    let id = token.url_token_id.as_str();
    revoke(&client, id, false).await.unwrap();

    let listed = list(&client, &OURS[..15]).await;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].revoke_time.is_some());
    let revoked = rules(&client, "").await.url_tokens;
    let revoked = revoked.iter().find(|rule| rule.url_token_id == id).unwrap();
    assert!(revoked.secret_hash.is_empty());
    assert_eq!(revoked.organization_id, OURS[..15]);

    revoke(&client, id, false).await.unwrap();
    assert_eq!(list(&client, OURS).await, listed);
    // In capitals and with white space, as people copy it.
    let copied = format!(" {} ", id.to_uppercase());
    revoke(&client, &copied, true).await.unwrap();
    assert_eq!(list(&client, "").await, [kept]);
    assert_eq!(rules(&client, "").await.url_tokens.len(), 1);
    let gone = revoke(&client, id, true).await.unwrap_err();
    assert_eq!(
        (gone.code(), reason(&gone).as_str()),
        (Code::NotFound, "NOT_FOUND")
    );
}

#[tokio::test]
async fn gateways_are_sent_the_url_tokens_only_when_they_have_changed() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let none = rules(&client, "").await;
    assert!(!none.revision.is_empty() && !none.is_unchanged);
    assert!(rules(&client, &none.revision).await.is_unchanged);

    let (token, _) = create(&client, "").await.unwrap();
    let one = rules(&client, &none.revision).await;
    assert!(!one.is_unchanged);
    assert_eq!(one.url_tokens.len(), 1);
    let again = rules(&client, &one.revision).await;
    assert!(again.is_unchanged && again.url_tokens.is_empty());
    assert_eq!(again.revision, one.revision);

    revoke(&client, &token.url_token_id, false).await.unwrap();
    let revoked = rules(&client, &one.revision).await;
    assert!(!revoked.is_unchanged);
    revoke(&client, &token.url_token_id, true).await.unwrap();
    assert_eq!(
        rules(&client, &revoked.revision).await.revision,
        none.revision
    );
}

#[tokio::test]
async fn url_tokens_are_listed_once_each() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(create(&client, "").await.unwrap().0);
    }
    made.reverse();
    let mut request = pb::ListUrlTokensRequest {
        page_size: 2,
        ..Default::default()
    };
    let mut listed = Vec::new();
    loop {
        let page = client.access().list_url_tokens(request.clone()).await;
        let page = page.unwrap().into_inner();
        listed.extend(page.url_tokens);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(listed, made);
}

#[tokio::test]
async fn every_invalid_field_of_a_url_token_is_named_and_no_secret_repeated() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let bad = pb::CreateUrlTokenRequest {
        url_token: Some(pb::UrlToken {
            display_name: "x".repeat(256),
            organization_id: "001000000000062".to_owned(),
            ..Default::default()
        }),
    };
    let refused = client.access().create_url_token(bad).await.unwrap_err();
    let fields = ["url_token.display_name", "url_token.organization_id"];
    assert_eq!(fields_at_fault(&refused), fields);
    let nothing = pb::CreateUrlTokenRequest::default();
    let refused = client.access().create_url_token(nothing).await.unwrap_err();
    assert_eq!(fields_at_fault(&refused), ["url_token"]);
    let request = pb::ListUrlTokensRequest {
        organization_id: "x".to_owned(),
        ..Default::default()
    };
    let refused = client.access().list_url_tokens(request).await.unwrap_err();
    assert_eq!(fields_at_fault(&refused), ["organization_id"]);

    // Whoever sends the whole text does not find it in an error.
    let (_, text) = create(&client, "").await.unwrap();
    for wrong in ["", "x", text.as_str()] {
        let refused = revoke(&client, wrong, false).await.unwrap_err();
        assert_eq!(fields_at_fault(&refused), ["url_token_id"]);
        assert!(!format!("{refused:?}").contains(&text));
    }
    let key = "sfb_0123456789abcdef_secret".to_owned();
    let request = pb::RevokeApiKeyRequest { api_key_id: key };
    let refused = client.access().revoke_api_key(request).await.unwrap_err();
    assert_eq!(fields_at_fault(&refused), ["api_key_id"]);
    assert!(!format!("{refused:?}").contains("secret"));
}

fn asking(igrp: i64, ranges: &[&str], certificates: &[&str]) -> pb::CreateInstallationRequest {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    pb::CreateInstallationRequest {
        installation: Some(pb::Installation {
            igrp,
            organization_id: OURS.to_owned(),
            address_ranges: texts(ranges),
            client_certificates: texts(certificates),
            ..installation()
        }),
    }
}

async fn access(client: &Client) -> (bool, Vec<pb::SenderRestriction>) {
    let answer = access_page(client, 0, "").await.unwrap();
    assert_eq!(answer.next_page_token, "");
    (answer.is_linked, answer.restrictions)
}

async fn access_page(
    client: &Client,
    page_size: i32,
    page_token: &str,
) -> Result<pb::GetOrganizationAccessResponse, Status> {
    let request = pb::GetOrganizationAccessRequest {
        organization_id: OURS[..15].to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    let answer = client.access().get_organization_access(request).await;
    answer.map(Response::into_inner)
}

#[tokio::test]
async fn gateways_learn_what_each_linked_installation_asks_of_senders() {
    let setup = Setup::new();
    let admin = setup.key(&[Role::Admin], Coverage::All).await;
    let only = |igrp| Coverage::Only([Igrp::new(igrp).unwrap()].into());
    let eights = setup.key(&[Role::Ingest], only(8)).await;
    let nines = setup.key(&[Role::Ingest], only(9)).await;
    let core = setup.start().await.unwrap();
    let client = core.client_with(Some(&admin)).await;

    let spelled = ["0A:".repeat(31), "0A".to_owned()].concat();
    for request in [
        asking(6, &[], &[]),
        asking(7, &["192.0.2.0/24", " ::ffff:192.0.2.1", "192.0.2.1"], &[]),
        asking(8, &[], &[&spelled]),
    ] {
        let created = client.installations().create_installation(request).await;
        created.unwrap();
    }
    let seven = pb::SenderRestriction {
        igrp: 7,
        address_ranges: vec!["192.0.2.0/24".to_owned(), "192.0.2.1".to_owned()],
        client_certificates: Vec::new(),
    };
    let eight = pb::SenderRestriction {
        igrp: 8,
        address_ranges: Vec::new(),
        client_certificates: vec!["0a".repeat(32)],
    };
    let all = access(&client).await;
    assert_eq!(all, (true, vec![seven, eight.clone()]));

    let eights = core.client_with(Some(&eights)).await;
    assert_eq!(access(&eights).await, (true, vec![eight]));
    let nines = core.client_with(Some(&nines)).await;
    assert_eq!(access(&nines).await, (false, vec![]));
}

#[tokio::test]
async fn an_installation_asks_for_one_of_a_hundred_at_most() {
    let core = TestCore::start().await;
    let client = core.client().await;
    let ranges: Vec<_> = (0..=100).map(|n| format!("192.0.2.{n}")).collect();
    let ranges: Vec<_> = ranges.iter().map(String::as_str).collect();
    let mut installations = client.installations();
    let request = asking(7, &ranges, &[]);
    let refused = installations.create_installation(request).await;
    let field = "installation.address_ranges";
    assert_eq!(fields_at_fault(&refused.unwrap_err()), [field]);
    let request = asking(7, &ranges[1..], &[]);
    installations.create_installation(request).await.unwrap();
}

#[tokio::test]
async fn the_restrictions_of_hundreds_of_installations_come_in_pages_that_any_client_takes() {
    let core = Setup::new().start().await.unwrap();
    let client = core.client().await;
    let texts = |one: &dyn Fn(usize) -> String| (0..100).map(one).collect::<Vec<_>>();
    let ranges = texts(&|n| format!("2001:db8:{n:x}:ffff:ffff:ffff:ffff:ff00/120"));
    let certificates = texts(&|n| format!("{n:064x}"));
    for igrp in 1..=400 {
        let mut request = asking(igrp, &[], &[]);
        let installation = request.installation.as_mut().unwrap();
        installation.address_ranges.clone_from(&ranges);
        installation.client_certificates.clone_from(&certificates);
        let created = client.installations().create_installation(request).await;
        created.unwrap();
    }

    for size in [1_000, 150] {
        let (mut igrps, mut pages, mut token) = (Vec::new(), 0, String::new());
        loop {
            let page = access_page(&client, size, &token).await.unwrap();
            assert!(page.is_linked);
            igrps.extend(page.restrictions.iter().map(|one| one.igrp));
            pages += 1;
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(igrps, (1..=400).collect::<Vec<_>>());
        assert!(pages > 1);
    }
    let first = access_page(&client, 2, "").await.unwrap();
    assert_eq!(first.restrictions.len(), 2);
    for (size, token) in [(-1, ""), (2, "x"), (2, &first.next_page_token[1..])] {
        let refused = access_page(&client, size, token).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}
