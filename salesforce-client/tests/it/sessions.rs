//! Sessions: kept, renewed once, and shared.

use salesforce_client::ErrorClass;
use serde_json::json;

use crate::harness::{Sim, id, name};

const TOKEN: &str = "/services/oauth2/token";

#[tokio::test]
async fn many_calls_log_in_once() {
    let sim = Sim::with_leads(1).await;
    let org = sim.org();
    let calls = (0..20).map(|_| {
        let org = org.clone();
        tokio::spawn(async move { org.read_leads(&[id(0)], &[name("Company")]).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap().len(), 1);
    }
    assert_eq!(sim.count(TOKEN).await, 1);
    assert_eq!(sim.count("/services/data").await, 1);
}

#[tokio::test]
async fn a_session_that_is_over_is_renewed_once_for_all_calls() {
    let sim = Sim::with_leads(1).await;
    let org = sim.org();
    org.connect().await.unwrap();
    sim.expire_sessions().await;
    let calls = (0..20).map(|_| {
        let org = org.clone();
        tokio::spawn(async move { org.read_leads(&[id(0)], &[]).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap().len(), 1);
    }
    assert_eq!(sim.count(TOKEN).await, 2);
}

#[tokio::test]
async fn a_second_refusal_is_told_and_not_tried_again() {
    let sim = Sim::with_leads(1).await;
    let org = sim.org();
    let over = json!({ "on": "query", "error": "INVALID_SESSION_ID", "times": 0 });
    sim.fail(over).await;
    let error = org.read_leads(&[id(0)], &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Connection);
    assert_eq!(error.code(), Some("INVALID_SESSION_ID"));
    assert_eq!(sim.count("/query").await, 2);
    assert_eq!(sim.count(TOKEN).await, 2);

    // The next call begins with a new log-in.
    sim.order(reqwest::Method::DELETE, "failures", json!({}))
        .await;
    org.read_leads(&[id(0)], &[]).await.unwrap();
    assert_eq!(sim.count(TOKEN).await, 3);
}

#[tokio::test]
async fn a_log_in_that_fails_fails_all_who_wait_for_it() {
    let sim = Sim::with_leads(0).await;
    sim.fail(json!({ "on": "token", "error": "invalid_grant", "delay_ms": 200, "times": 0 }))
        .await;
    let org = sim.org();
    let calls = (0..10).map(|_| {
        let org = org.clone();
        tokio::spawn(async move { org.connect().await })
    });
    for call in calls.collect::<Vec<_>>() {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.class(), ErrorClass::Connection);
    }
    assert_eq!(sim.count(TOKEN).await, 1);
}
