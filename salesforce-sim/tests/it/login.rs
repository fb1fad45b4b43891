//! Logging in, and what a session is good for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use salesforce_sim::DemoKey;
use serde_json::{Value as Json, json};

use crate::harness::{CLIENT, DATA, LEAD, SECRET, Sim, config, lead, send};

const GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
const USER: &str = "integration@acme.example.com";

/// An org that checks signatures, and the key that it knows.
async fn org() -> (Sim, DemoKey) {
    let key = DemoKey::generate().unwrap();
    let mut config = config();
    config.org.app.certificate = Some(key.public_key().to_owned());
    (Sim::with(config).await, key)
}

fn claims() -> Json {
    json!({
        "iss": CLIENT,
        "sub": USER,
        "aud": "https://login.salesforce.com",
        "exp": jsonwebtoken::get_current_timestamp() + 120,
    })
}

fn assertion(claims: &Json, key: &DemoKey) -> String {
    let key = EncodingKey::from_rsa_pem(key.private_key().as_bytes()).unwrap();
    let token = jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &key).unwrap();
    format!("{GRANT}{token}")
}

#[track_caller]
fn denied(answer: &crate::harness::Answer, error: &str, description: &str) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({ "error": error, "error_description": description })
    );
}

#[tokio::test]
async fn a_jwt_logs_in_and_gets_what_salesforce_gives() {
    let (org, key) = org().await;
    let answer = org.token_request(&assertion(&claims(), &key)).await.ok();
    assert_eq!(answer["instance_url"], org.url(""));
    assert_eq!(answer["token_type"], "Bearer");
    assert!(
        answer["access_token"]
            .as_str()
            .unwrap()
            .starts_with("00D000000000062!")
    );
    let id = answer["id"].as_str().unwrap();
    assert!(
        id.starts_with(&org.url("/id/00D000000000062EAA/005")),
        "{id}"
    );
    let names: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["access_token", "id", "instance_url", "scope", "token_type"]
    );
}

#[tokio::test]
async fn a_jwt_that_is_wrong_is_denied_in_salesforces_words() {
    let (org, key) = org().await;
    let wrong = |name: &str, value: Json| {
        let mut claims = claims();
        claims[name] = value;
        assertion(&claims, &key)
    };
    let now = jsonwebtoken::get_current_timestamp();
    for (form, error, description) in [
        (
            wrong("aud", json!("https://test.salesforce.com")),
            "invalid_grant",
            "audience is invalid",
        ),
        (
            wrong("exp", json!(now - 100)),
            "invalid_grant",
            "expired authorization code",
        ),
        (
            wrong("exp", json!((now + 120) * 1_000)),
            "invalid_grant",
            "expired authorization code",
        ),
        (
            wrong("sub", json!("nobody")),
            "invalid_grant",
            "user hasn't approved this consumer",
        ),
        (
            wrong("iss", json!("nobody")),
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            assertion(&claims(), &DemoKey::generate().unwrap()),
            "invalid_grant",
            "invalid assertion",
        ),
        (
            format!("{GRANT}a.b.c"),
            "invalid_grant",
            "invalid assertion",
        ),
        (
            "grant_type=password".to_owned(),
            "unsupported_grant_type",
            "grant type not supported",
        ),
        (
            String::new(),
            "unsupported_grant_type",
            "grant type not supported",
        ),
    ] {
        denied(&org.token_request(&form).await, error, description);
    }
}

#[tokio::test]
async fn a_sandbox_wants_the_audience_of_sandboxes() {
    let key = DemoKey::generate().unwrap();
    let mut config = config();
    config.org.org.sandbox = true;
    let org = Sim::with(config).await;
    let answer = org.token_request(&assertion(&claims(), &key)).await;
    denied(&answer, "invalid_grant", "audience is invalid");
    let mut claims = claims();
    claims["aud"] = json!("https://test.salesforce.com");
    org.token_request(&assertion(&claims, &key)).await.ok();
}

#[tokio::test]
async fn client_credentials_log_in_at_an_orgs_own_host_only() {
    let org = Sim::with(config()).await;
    let answer = org.log_in().await.ok();
    assert!(answer["signature"].is_string() && answer["issued_at"].is_string());

    let request = org.request(Method::POST, "/services/oauth2/token");
    let basic = STANDARD.encode(format!("{CLIENT}:{SECRET}"));
    let request = request.header("authorization", format!("Basic {basic}"));
    send(request.body("grant_type=client_credentials"))
        .await
        .ok();

    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret=guess");
    denied(
        &org.token_request(&form).await,
        "invalid_client",
        "invalid client credentials",
    );

    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    let request = org
        .request(Method::POST, "/services/oauth2/token")
        .header("host", "login.salesforce.com")
        .body(form);
    denied(
        &send(request).await,
        "invalid_grant",
        "request not supported on this domain",
    );
}

#[tokio::test]
async fn without_a_session_that_goes_on_nothing_is_answered() {
    let path = format!("{DATA}/sobjects/Lead/{LEAD}");
    let expired = ("INVALID_SESSION_ID", "Session expired or invalid");
    let org = Sim::with(config()).await;
    org.get(&path).await.refused(401, expired.0, expired.1);

    let org = Sim::with_leads(&[lead(1)]).await;
    org.get(&path).await.ok();
    org.order(Method::POST, "sessions/expire", &json!({})).await;
    let answer = org.get(&path).await;
    answer.refused(401, expired.0, expired.1);
    assert_eq!(answer.header("www-authenticate"), "Token");
    let org = org.logged_in().await;
    org.get(&path).await.ok();
    org.order(Method::PUT, "clock", &json!({ "skew_seconds": 7_200 }))
        .await;
    org.get(&path).await.refused(401, expired.0, expired.1);
}

#[tokio::test]
async fn who_has_logged_in_is_told() {
    let org = Sim::with(config()).await;
    let id = org.log_in().await.ok()["id"].as_str().unwrap().to_owned();
    let org = org.logged_in().await;
    let path = id.strip_prefix(&org.url("")).unwrap();
    let identity = org.get(path).await.ok();
    assert_eq!(
        (&identity["id"], &identity["username"]),
        (&json!(id), &json!(USER))
    );
    let info = org.get("/services/oauth2/userinfo").await.ok();
    assert_eq!(info["organization_id"], "00D000000000062EAA");
}
