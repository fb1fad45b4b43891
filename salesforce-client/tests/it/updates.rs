//! Changing Leads.

use reqwest::Method;
use salesforce_client::{Error, ErrorClass, FieldValue, LeadUpdate, UpdateBatch};
use serde_json::{Value as Json, json};
use sfbridge_values::Decimal;

use crate::harness::{Sim, id, name};

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.to_owned())
}

fn update(number: usize, fields: &[(&str, FieldValue)]) -> LeadUpdate {
    let fields = fields
        .iter()
        .map(|(field, value)| (name(field), value.clone()));
    LeadUpdate::new(id(number), fields.collect()).unwrap()
}

fn batch(updates: Vec<LeadUpdate>) -> UpdateBatch {
    UpdateBatch::new(updates).unwrap()
}

#[track_caller]
fn refused(result: &Result<(), Error>, class: ErrorClass, code: &str) {
    let error = result.as_ref().unwrap_err();
    assert_eq!((error.class(), error.code()), (class, Some(code)));
}

#[tokio::test]
async fn two_hundred_leads_are_changed_by_one_call_and_keep_their_owners() {
    let sim = Sim::with_leads(200).await;
    let owner = sim.lead(7).await["OwnerId"].clone();
    let employees = FieldValue::Number(Decimal::read("4.0").unwrap().decimal);
    let updates = (0..200).map(|number| {
        let title = text(&format!("Ünïcode \"{number}\""));
        update(
            number,
            &[("Title", title), ("NumberOfEmployees", employees.clone())],
        )
    });
    let results = sim
        .org()
        .update_leads(&batch(updates.collect()))
        .await
        .unwrap();
    assert_eq!(results.len(), 200);
    assert!(results.iter().all(Result::is_ok));
    let lead = sim.lead(7).await;
    assert_eq!(
        (&lead["Title"], &lead["NumberOfEmployees"]),
        (&json!("Ünïcode \"7\""), &json!(4))
    );
    assert_eq!(lead["OwnerId"], owner);
    let calls = sim.calls().await;
    let patches: Vec<&Json> = calls
        .iter()
        .filter(|call| call["method"] == "PATCH")
        .collect();
    assert_eq!(patches.len(), 1);
    assert_eq!(
        patches[0]["path"],
        "/services/data/v66.0/composite/sobjects"
    );
    assert_eq!(patches[0]["headers"]["sforce-auto-assign"], "FALSE");
}

#[tokio::test]
async fn each_lead_has_its_own_result() {
    let sim = Sim::with_leads(6).await;
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
    let lock = json!({ "on": "update", "error": "UNABLE_TO_LOCK_ROW", "lead": id(3).as_str() });
    sim.fail(lock).await;
    let long = text(&"x".repeat(129));
    let results = sim
        .org()
        .update_leads(&batch(vec![
            update(0, &[("Title", text("a"))]),
            update(1, &[("Title", text("a"))]),
            update(2, &[("Title", text("a"))]),
            update(3, &[("Title", text("a"))]),
            update(4, &[("Title", long), ("City", text("Ulm"))]),
            update(5, &[("Title", text("b"))]),
        ]))
        .await
        .unwrap();
    assert!(results[0].is_ok() && results[5].is_ok());
    refused(&results[1], ErrorClass::RecordGone, "ENTITY_IS_DELETED");
    refused(
        &results[2],
        ErrorClass::RecordConverted,
        "CANNOT_UPDATE_CONVERTED_LEAD",
    );
    refused(&results[3], ErrorClass::Transient, "UNABLE_TO_LOCK_ROW");
    refused(&results[4], ErrorClass::Field, "STRING_TOO_LONG");
    assert_eq!(results[4].as_ref().unwrap_err().fields(), ["Title"]);
    assert_eq!(sim.lead(4).await["City"], Json::Null);
    assert_eq!(sim.lead(5).await["Title"], "b");
}

#[tokio::test]
async fn a_lost_answer_leaves_the_outcome_unknown_and_a_repeat_is_harmless() {
    let sim = Sim::with_leads(1).await;
    let org = sim.org();
    sim.fail(json!({ "on": "update", "drop": "after" })).await;
    let change = batch(vec![update(0, &[("Title", text("a"))])]);
    let error = org.update_leads(&change).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.is_outcome_unknown());
    assert_eq!(sim.lead(0).await["Title"], "a");
    assert!(org.update_leads(&change).await.unwrap()[0].is_ok());
}

#[tokio::test]
async fn a_session_that_ends_before_an_update_costs_nothing() {
    let sim = Sim::with_leads(1).await;
    let org = sim.org();
    org.connect().await.unwrap();
    sim.expire_sessions().await;
    let results = org
        .update_leads(&batch(vec![update(0, &[("Title", text("a"))])]))
        .await;
    assert!(results.unwrap()[0].is_ok());
    assert_eq!(sim.count("/composite/sobjects").await, 2);
}

#[tokio::test]
async fn nothing_to_change_calls_nobody() {
    let sim = Sim::with_leads(0).await;
    assert!(
        sim.org()
            .update_leads(&UpdateBatch::default())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(sim.calls().await.is_empty());
}
