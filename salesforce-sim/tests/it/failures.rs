//! What goes wrong on request.

use reqwest::Method;
use serde_json::json;

use crate::harness::{DATA, LEAD, Sim, lead, send, with_json};

fn path() -> String {
    format!("{DATA}/sobjects/Lead/{LEAD}")
}

#[tokio::test]
async fn a_lock_befalls_a_lead_three_times() {
    let org = Sim::with_leads(&[lead(1), lead(2)]).await;
    let failure =
        json!({ "on": "update", "error": "UNABLE_TO_LOCK_ROW", "times": 3, "lead": LEAD });
    org.fail(failure).await;
    let fax = json!({ "Fax": "1" });
    let other = format!("{DATA}/sobjects/Lead/00Q000000000002");
    for _ in 0..2 {
        assert_eq!(org.patch(&other, &fax).await.status, 204);
        let message =
            format!("unable to obtain exclusive access to this record or 1 records: {LEAD}");
        org.patch(&path(), &fax)
            .await
            .refused(400, "UNABLE_TO_LOCK_ROW", &message);
    }
    let record = json!({ "attributes": { "type": "Lead" }, "id": LEAD, "Fax": "1" });
    let body = json!({ "records": [record] });
    let collection = format!("{DATA}/composite/sobjects");
    let results = org.patch(&collection, &body).await.ok();
    assert_eq!(results[0]["errors"][0]["statusCode"], "UNABLE_TO_LOCK_ROW");
    assert_eq!(
        org.patch(&collection, &body).await.ok()[0]["success"],
        json!(true)
    );
}

#[tokio::test]
async fn what_stands_in_front_answers_with_a_page_and_when_to_come_back() {
    let org = Sim::with_leads(&[lead(1)]).await;
    org.fail(json!({ "status": 503, "retry_after": 7 })).await;
    let answer = org.get(&path()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, "7")
    );
    assert_eq!(answer.header("content-type"), "text/html;charset=UTF-8");
    assert!(answer.text.starts_with("<!DOCTYPE html>"));
    org.get(&path()).await.ok();
}

#[tokio::test]
async fn a_dropped_connection_leaves_open_what_was_done() {
    let org = Sim::with_leads(&[lead(1)]).await;
    for (drop, fax) in [("before", json!(null)), ("after", json!("1"))] {
        org.fail(json!({ "on": "update", "drop": drop })).await;
        let request = org.request(Method::PATCH, &path());
        let answer = with_json(request, &json!({ "Fax": "1" })).send().await;
        assert!(answer.is_err(), "{answer:?}");
        assert_eq!(org.get(&path()).await.ok()["Fax"], fax);
    }
    let calls = org.get("/__sim/calls").await.ok();
    let dropped = calls
        .as_array()
        .unwrap()
        .iter()
        .filter(|call| call["status"].is_null());
    assert_eq!(dropped.count(), 2);
}

#[tokio::test]
async fn a_log_in_fails_in_oauths_form() {
    let org = Sim::with_leads(&[]).await;
    org.fail(json!({ "on": "token", "error": "invalid_app_access" }))
        .await;
    let answer = org.log_in().await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({
            "error": "invalid_app_access",
            "error_description": "user is not admin approved to access this app",
        })
    );
    org.log_in().await.ok();
}

#[tokio::test]
async fn an_expired_session_stays_expired() {
    let org = Sim::with_leads(&[lead(1)]).await;
    org.fail(json!({ "on": "read", "error": "INVALID_SESSION_ID" }))
        .await;
    for _ in 0..2 {
        org.get(&path())
            .await
            .refused(401, "INVALID_SESSION_ID", "Session expired or invalid");
    }
    org.logged_in().await.get(&path()).await.ok();
}

#[tokio::test]
async fn an_api_that_is_switched_off_answers_nothing() {
    let org = Sim::with_leads(&[lead(1)]).await;
    org.order(Method::PUT, "settings", &json!({ "api_enabled": false }))
        .await;
    let message = "The REST API is not enabled for this Organization.";
    org.get(&path())
        .await
        .refused(403, "API_DISABLED_FOR_ORG", message);
}

#[tokio::test]
async fn duplicates_are_saved_for_who_allows_them() {
    let org = Sim::with_leads(&[lead(1)]).await;
    org.fail(json!({ "on": "update", "error": "DUPLICATES_DETECTED", "times": 0 }))
        .await;
    let fax = json!({ "Fax": "1" });
    org.patch(&path(), &fax)
        .await
        .refused(400, "DUPLICATES_DETECTED", "Use one of these records?");
    let request = org.request(Method::PATCH, &path());
    let request = request.header("Sforce-Duplicate-Rule-Header", "allowSave=true");
    assert_eq!(send(with_json(request, &fax)).await.status, 204);
}

#[tokio::test]
async fn a_failure_that_can_not_happen_is_refused() {
    let org = Sim::with_leads(&[]).await;
    for failure in [
        json!({ "on": "update" }),
        json!({ "status": 200 }),
        json!({ "status": 503, "lead": LEAD }),
        json!({ "error": "X", "lead": "x" }),
        json!({ "nonsense": 1 }),
    ] {
        let answer = org.post("/__sim/failures", &failure).await;
        assert_eq!(answer.status, 400, "{failure}");
        assert!(answer.json()["error"].is_string());
    }
}
