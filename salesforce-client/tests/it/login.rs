//! Logging in.

use reqwest::Method;
use salesforce_client::{ApiVersion, ClientConfig, ErrorClass, ExtraHosts};
use salesforce_sim::DemoKey;
use serde_json::json;

use crate::harness::{Sim, USER, client, config, jwt_bearer, login};

#[tokio::test]
async fn a_jwt_logs_in_and_the_organisation_is_known() {
    let key = DemoKey::generate().unwrap();
    let mut config = config();
    config.org.app.certificate = Some(key.public_key().to_owned());
    let sim = Sim::with(config).await;
    let client = client(&sim.url()["http://".len()..]);
    let org = client.org(login(&client, &sim.url(), jwt_bearer(&key)));
    let connection = org.connect().await.unwrap();
    assert_eq!(connection.organization_id.as_str(), "00D000000000062EAA");
    assert!(connection.user_id.as_str().starts_with("005"));
    assert_eq!(connection.instance_url, sim.url());
    assert_eq!(connection.api_version.to_string(), "66.0");
    org.describe_leads().await.unwrap();
}

#[tokio::test]
async fn a_jwt_of_another_key_is_refused_in_salesforces_words() {
    let key = DemoKey::generate().unwrap();
    let mut config = config();
    config.org.app.certificate = Some(key.public_key().to_owned());
    let sim = Sim::with(config).await;
    let client = client(&sim.url()["http://".len()..]);
    let other = DemoKey::generate().unwrap();
    let org = client.org(login(&client, &sim.url(), jwt_bearer(&other)));
    let error = org.connect().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Connection);
    assert_eq!(error.to_string(), "invalid_grant: invalid assertion");
}

#[tokio::test]
async fn client_credentials_log_in_and_a_wrong_secret_is_shown_nowhere() {
    let sim = Sim::with_leads(0).await;
    let connection = sim.org().connect().await.unwrap();
    assert_eq!(connection.organization_id.key(), "00D000000000062");

    let org = sim.org_with("a-guess-that-nobody-must-see");
    let error = org.connect().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Connection);
    assert_eq!(
        error.to_string(),
        "invalid_client: invalid client credentials"
    );
    for shown in [format!("{error:?}"), format!("{org:?}")] {
        assert!(!shown.contains("nobody-must-see"), "{shown}");
    }
}

#[tokio::test]
async fn a_log_in_that_fails_in_passing_is_told_from_one_that_is_refused() {
    let sim = Sim::with_leads(0).await;
    sim.fail(json!({ "on": "token", "status": 503, "retry_after": 7 }))
        .await;
    let error = sim.org().connect().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert_eq!(error.retry_after().unwrap().as_secs(), 7);

    sim.fail(json!({ "on": "token", "error": "invalid_app_access" }))
        .await;
    let error = sim.org().connect().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Connection);
    assert_eq!(error.code(), Some("invalid_app_access"));
}

#[tokio::test]
async fn a_clock_that_is_off_is_refused_and_a_new_try_logs_in() {
    let key = DemoKey::generate().unwrap();
    let sim = Sim::with_leads(0).await;
    let client = client(&sim.url()["http://".len()..]);
    let org = client.org(login(&client, &sim.url(), jwt_bearer(&key)));
    sim.order(Method::PUT, "clock", json!({ "skew_seconds": 3_600 }))
        .await;
    let error = org.connect().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid_grant: expired authorization code"
    );
    sim.order(Method::PUT, "clock", json!({ "skew_seconds": 0 }))
        .await;
    org.connect().await.unwrap();
}

#[tokio::test]
async fn the_configured_version_is_spoken() {
    let sim = Sim::with_leads(0).await;
    let client = salesforce_client::Client::new(ClientConfig {
        extra_hosts: ExtraHosts::parse(&sim.url()["http://".len()..]).unwrap(),
        api_version: ApiVersion::parse("63.0").unwrap(),
        ..ClientConfig::default()
    })
    .unwrap();
    let key = DemoKey::generate().unwrap();
    let org = client.org(login(&client, &sim.url(), jwt_bearer(&key)));
    org.describe_leads().await.unwrap();
    assert_eq!(
        sim.count("/services/data/v63.0/sobjects/Lead/describe")
            .await,
        1
    );
}

#[tokio::test]
async fn no_secret_reaches_the_journal_but_in_the_log_in() {
    let sim = Sim::with_leads(0).await;
    let org = sim.org();
    org.describe_leads().await.unwrap();
    let connection = org.reconnect().await.unwrap();
    assert!(!format!("{connection:?} {org:?}").contains("Bearer"));
    let shown = format!("{:?}", sim.calls().await);
    assert!(
        !shown.contains("pretended-secret") && !shown.contains(USER),
        "{shown}"
    );
    assert_eq!(sim.count("/services/oauth2/token").await, 2);
}
