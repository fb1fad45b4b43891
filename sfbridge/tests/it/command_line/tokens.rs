//! Who may send.

use crate::harness::{Role, Start};

const CERTIFICATE: &str = "00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab00ff10ab";

#[tokio::test]
async fn a_url_token_is_shown_once_listed_revoked_and_forgotten() {
    let up = Start::new(Role::Up).start().await;
    let empty = up.run("tokens list").await;
    assert!(empty.ok().contains("There are no URL tokens"), "{empty:?}");

    let created = up.run("tokens create --display-name everybody").await;
    let text = created.ok().trim().strip_prefix("token=").unwrap();
    let (id, secret) = text.split_once('.').unwrap();
    assert!(created.err.contains(id), "{created:?}");
    assert!(!created.err.contains(secret), "{created:?}");
    let ours = "tokens create --organization-id 00D000000000062EAA --json";
    let ours = up.run(ours).await.json();
    let our_id = ours["url_token"]["url_token_id"].as_str().unwrap();

    let listed = up.run("tokens list").await;
    for words in ["everybody", id, "any", our_id, "00D000000000062EAA"] {
        assert!(listed.ok().contains(words), "{words} in {listed:?}");
    }
    assert!(!listed.out.contains(secret), "{listed:?}");
    let one = "tokens list --organization-id 00D000000000062 --json";
    let one = up.run(one).await.json();
    assert_eq!(one["url_tokens"].as_array().unwrap().len(), 1);

    // Whoever pastes the whole text does not find its secret in the error.
    let pasted = up.run(&format!("tokens revoke {text}")).await;
    assert!(pasted.failed(1).contains("before the point"), "{pasted:?}");
    assert!(!pasted.err.contains(secret), "{pasted:?}");
    up.run("tokens revoke 0000000000").await.failed(1);

    up.run(&format!("tokens revoke {id}")).await.ok();
    let listed = up.run("tokens list --json").await.json();
    let revoked = listed["url_tokens"].as_array().unwrap().iter();
    let revoked: Vec<_> = revoked
        .filter(|token| !token["revoke_time"].is_null())
        .map(|token| token["url_token_id"].as_str().unwrap())
        .collect();
    assert_eq!(revoked, [id]);
    up.run(&format!("tokens revoke {id} --forget")).await.ok();
    let listed = up.run("tokens list").await;
    assert!(!listed.ok().contains(id), "{listed:?}");
}

#[tokio::test]
async fn what_an_installation_asks_of_senders_is_set_shown_and_taken_away() {
    let up = Start::new(Role::Up).start().await;
    let create = format!(
        "installations create 61 --organization-id 00D000000000062EAA --address-range \
         192.0.2.0/24 --address-range 2001:db8::/32 --client-certificate {CERTIFICATE}"
    );
    up.run(&create).await.ok();
    let shown = up.run("installations show 61").await;
    for words in ["192.0.2.0/24", "2001:db8::/32", CERTIFICATE] {
        assert!(shown.ok().contains(words), "{words} in {shown:?}");
    }
    up.run("installations update 61 --no-address-ranges")
        .await
        .ok();
    let shown = up.run("installations show 61 --json").await.json();
    assert!(shown["address_ranges"].as_array().unwrap().is_empty());
    assert_eq!(shown["client_certificates"][0], CERTIFICATE);

    let wrong = up.run("installations update 61 --address-range 192.0.2.7/24");
    let wrong = wrong.await;
    assert!(wrong.failed(2).contains("write 192.0.2.0/24"), "{wrong:?}");
}
