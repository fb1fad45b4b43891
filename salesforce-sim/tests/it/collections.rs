//! Up to 200 records at once.

use serde_json::{Value as Json, json};

use crate::harness::{DATA, Sim, lead};

fn path() -> String {
    format!("{DATA}/composite/sobjects")
}

fn change(number: u32, fields: &Json) -> Json {
    let mut record = json!({ "attributes": { "type": "Lead" }, "id": format!("00Q{number:012}") });
    for (name, value) in fields.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

#[tokio::test]
async fn each_record_stands_alone_and_results_keep_the_order() {
    let org = Sim::with_leads(&[lead(1), lead(2)]).await;
    let records = json!([
        change(1, &json!({ "Fax": "1" })),
        change(9, &json!({ "Fax": "1" })),
        change(2, &json!({ "Fax": "x".repeat(41) })),
        change(2, &json!({ "Fax": "2" })),
        { "attributes": { "type": "Lead" }, "id": "001000000000001", "Fax": "1" },
    ]);
    let results = org
        .patch(&path(), &json!({ "allOrNone": false, "records": records }))
        .await
        .ok();
    let codes: Vec<&Json> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["errors"][0]["statusCode"])
        .collect();
    assert_eq!(
        codes,
        [
            &json!(null),
            &json!("INVALID_CROSS_REFERENCE_KEY"),
            &json!("STRING_TOO_LONG"),
            &json!("DUPLICATE_VALUE"),
            &json!("MALFORMED_ID"),
        ]
    );
    let done = json!({ "id": "00Q000000000001EAA", "success": true, "errors": [] });
    assert_eq!(results[0], done);
    assert_eq!(results[1]["success"], json!(false));
    let row = org
        .get(&format!("{DATA}/sobjects/Lead/00Q000000000001"))
        .await
        .ok();
    assert_eq!(row["Fax"], "1");
}

#[tokio::test]
async fn all_or_none_keeps_nothing_when_one_is_bad() {
    let org = Sim::with_leads(&[lead(1), lead(2)]).await;
    let records = json!([
        change(1, &json!({ "Fax": "1" })),
        change(2, &json!({ "AnnualRevenue": "many" })),
    ]);
    let results = org
        .patch(&path(), &json!({ "allOrNone": true, "records": records }))
        .await
        .ok();
    let code = |index: usize| results[index]["errors"][0]["statusCode"].clone();
    assert_eq!(code(0), "ALL_OR_NONE_OPERATION_ROLLED_BACK");
    assert_eq!(code(1), "INVALID_TYPE_ON_FIELD_IN_RECORD");
    let row = org
        .get(&format!("{DATA}/sobjects/Lead/00Q000000000001"))
        .await
        .ok();
    assert_eq!(row["Fax"], json!(null));
}

#[tokio::test]
async fn a_request_that_is_not_well_formed_is_refused_as_a_whole() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let too_many: Vec<Json> = (0..201).map(|_| change(1, &json!({}))).collect();
    for (body, code) in [
        (json!({ "records": too_many }), "EXCEEDED_ID_LIMIT"),
        (json!({}), "INVALID_INPUT"),
        (
            json!({ "records": [{ "id": "00Q000000000001" }] }),
            "INVALID_INPUT",
        ),
        (
            json!({ "records": [{ "attributes": { "type": "Nonsense" } }] }),
            "INVALID_TYPE",
        ),
        (json!({ "records": [1] }), "JSON_PARSER_ERROR"),
        (json!([]), "JSON_PARSER_ERROR"),
    ] {
        let answer = org.patch(&path(), &body).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.json()[0]["errorCode"], code);
    }
}

#[tokio::test]
async fn many_records_are_made_at_once() {
    let org = Sim::with_leads(&[]).await;
    let good = json!({ "attributes": { "type": "Lead" }, "LastName": "A", "Company": "B" });
    let bad = json!({ "attributes": { "type": "Lead" }, "LastName": "A" });
    let results = org
        .post(&path(), &json!({ "records": [good, bad] }))
        .await
        .ok();
    assert_eq!(results[0]["success"], json!(true));
    assert_eq!(
        results[1]["errors"][0]["statusCode"],
        "REQUIRED_FIELD_MISSING"
    );
    let results = org
        .post(
            &path(),
            &json!({ "allOrNone": true, "records": [good, bad] }),
        )
        .await
        .ok();
    assert_eq!(
        results[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
}

#[tokio::test]
async fn many_records_are_read_with_null_for_those_that_are_not_there() {
    let org = Sim::with_leads(&[lead(1), lead(2)]).await;
    let ids = ["00Q000000000002", "00Q000000000009", "00Q000000000001EAA"];
    let path = format!("{}/Lead", path());
    let by_get = org
        .get(&format!("{path}?ids={}&fields=Id,LastName", ids.join(",")))
        .await
        .ok();
    let by_post = org
        .post(&path, &json!({ "ids": ids, "fields": ["id", "lastName"] }))
        .await
        .ok();
    assert_eq!(by_get, by_post);
    assert_eq!(by_get[0]["LastName"], "Example 2");
    assert_eq!(by_get[1], json!(null));
    assert_eq!(by_get[2]["Id"], "00Q000000000001EAA");
    let answer = org.get(&format!("{path}?ids=x&fields=Id")).await;
    assert_eq!(answer.json()[0]["errorCode"], "MALFORMED_ID");
}
