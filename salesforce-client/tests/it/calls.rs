//! Describing and reading, and what may befall any call.

use reqwest::Method;
use salesforce_client::{ErrorClass, FieldType, Quota};
use serde_json::json;

use crate::harness::{Sim, id, name};

#[tokio::test]
async fn the_lead_is_described_once_an_hour() {
    let sim = Sim::with_leads(0).await;
    let org = sim.org();
    let description = org.describe_leads().await.unwrap();
    let field = |text| description.field(&name(text)).unwrap();
    assert_eq!(
        field("Infinity_Visitor_ID__c").field_type,
        FieldType::String
    );
    assert_eq!(field("lastname").length, 80);
    assert!(!field("Name").is_updateable);
    assert!(description.field(&name("Nowhere__c")).is_none());
    let both = tokio::join!(org.describe_leads(), org.describe_leads());
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(sim.count("/describe").await, 1);
    org.forget_description().await;
    org.describe_leads().await.unwrap();
    assert_eq!(sim.count("/describe").await, 2);
}

#[tokio::test]
async fn two_hundred_leads_are_read_by_one_call() {
    let sim = Sim::with_leads(200).await;
    let org = sim.org();
    let ids: Vec<_> = (0..200).map(id).collect();
    let leads = org
        .read_leads(&ids, &[name("Company"), name("NumberOfEmployees")])
        .await
        .unwrap();
    assert_eq!(leads.len(), 200);
    let last = &leads[&id(199)];
    assert_eq!(
        (last.is_converted, last.values["Company"].as_str()),
        (false, "Example & Sons")
    );
    assert_eq!(last.values["NumberOfEmployees"], "199");
    assert_eq!(sim.count("/query").await, 1);
}

#[tokio::test]
async fn deleted_leads_are_left_out_and_converted_ones_say_so() {
    let sim = Sim::with_leads(3).await;
    let org = sim.org();
    sim.order(
        Method::DELETE,
        &format!("records/Lead/{}", id(1)),
        json!({}),
    )
    .await;
    sim.order(
        Method::POST,
        &format!("records/Lead/{}/convert", id(2)),
        json!({}),
    )
    .await;
    let leads = org.read_leads(&[id(0), id(1), id(2)], &[]).await.unwrap();
    assert!(!leads[&id(0)].is_converted && leads[&id(2)].is_converted);
    assert_eq!(leads.len(), 2);
}

#[tokio::test]
async fn an_unknown_field_is_named() {
    let sim = Sim::with_leads(1).await;
    let fields = [name("Company"), name("Nowhere__c")];
    let error = sim.org().read_leads(&[id(0)], &fields).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Field);
    assert_eq!(error.fields(), ["Nowhere__c"]);
}

#[tokio::test]
async fn the_quota_is_known_from_every_answer() {
    let sim = Sim::with_leads(1).await;
    let org = sim.org();
    assert_eq!(org.quota(), None);
    org.read_leads(&[id(0)], &[]).await.unwrap();
    assert_eq!(
        org.quota(),
        Some(Quota {
            used: 1,
            limit: 15_000
        })
    );
    sim.order(Method::PUT, "quota", json!({ "limit": 100, "used": 100 }))
        .await;
    let error = org.read_leads(&[id(0)], &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Quota);
    assert!(org.quota().unwrap().is_used_to(100));
    sim.order(Method::PUT, "quota", json!({ "used": 10 })).await;
    let quota = org.refresh_quota().await.unwrap().unwrap();
    assert_eq!((quota.used, quota.limit), (11, 100));
}

#[tokio::test]
async fn the_user_who_was_logged_in_is_known_by_name() {
    let sim = Sim::with_leads(0).await;
    assert_eq!(sim.org().username().await.unwrap(), crate::harness::USER);
}

#[tokio::test]
async fn what_stands_in_front_of_salesforce_is_judged_by_its_status() {
    let sim = Sim::with_leads(1).await;
    let org = sim.org();
    for status in [408, 429, 500, 502, 503, 504] {
        sim.fail(json!({ "on": "query", "status": status, "retry_after": 3 }))
            .await;
        let error = org.read_leads(&[id(0)], &[]).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Transient, "{status}");
        assert_eq!((error.status(), error.code()), (Some(status), None));
        assert_eq!(error.retry_after().unwrap().as_secs(), 3);
    }
    sim.fail(json!({ "on": "query", "error": "API_DISABLED_FOR_ORG" }))
        .await;
    let error = org.read_leads(&[id(0)], &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Connection);
}

#[tokio::test]
async fn an_org_that_can_not_be_reached_is_a_passing_failure() {
    let client = crate::harness::client("127.0.0.1:1");
    let login = crate::harness::login(
        &client,
        "http://127.0.0.1:1",
        crate::harness::client_credentials("hush"),
    );
    let error = client.org(login).connect().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(!error.is_outcome_unknown());
    assert!(
        error
            .to_string()
            .starts_with("no connection could be made: "),
        "{error}"
    );
}
