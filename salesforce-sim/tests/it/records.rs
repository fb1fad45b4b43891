//! Single records, their description, and the headers of every answer.

use reqwest::Method;
use serde_json::json;

use crate::harness::{DATA, LEAD, Sim, config, lead, send, with_json};

fn path() -> String {
    format!("{DATA}/sobjects/Lead/{LEAD}")
}

#[tokio::test]
async fn versions_are_told_to_everybody() {
    let org = Sim::with(config()).await;
    let versions = org.get("/services/data").await.ok();
    assert_eq!(
        versions[0],
        json!({ "label": "Winter '25", "url": "/services/data/v62.0", "version": "62.0" })
    );
    assert_eq!(versions.as_array().unwrap().len(), 6);
    let org = org.logged_in().await;
    let missing = "The requested resource does not exist";
    org.get("/services/data/v61.0/limits")
        .await
        .refused(404, "NOT_FOUND", missing);
    org.get("/services/data/v66.0/nonsense")
        .await
        .refused(404, "NOT_FOUND", missing);
    let resources = org.get("/services/data/v62.0").await.ok();
    assert_eq!(resources["sobjects"], "/services/data/v62.0/sobjects");
}

#[tokio::test]
async fn a_lead_is_read_by_either_form_of_its_id() {
    let org = Sim::with_leads(&[lead(1)]).await;
    for id in [LEAD, &LEAD[..15]] {
        let row = org
            .get(&format!("{DATA}/sobjects/Lead/{id}?fields=Id,lastname,Fax"))
            .await
            .ok();
        let expected = json!({
            "attributes": { "type": "Lead", "url": format!("{DATA}/sobjects/Lead/{LEAD}") },
            "Id": LEAD,
            "LastName": "Example 1",
            "Fax": null,
        });
        assert_eq!(row, expected);
    }
    let all = org.get(&path()).await.ok();
    assert_eq!(
        (&all["Name"], &all["IsConverted"]),
        (&json!("Example 1"), &json!(false))
    );
    assert!(all["CreatedDate"].as_str().unwrap().ends_with(".000+0000"));
}

#[tokio::test]
async fn a_record_that_is_not_there_is_not_found() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let id = "00Q000000000009";
    let message = format!("Provided external ID field does not exist or is not accessible: {id}");
    let path = format!("{DATA}/sobjects/Lead/{id}");
    org.get(&path).await.refused(404, "NOT_FOUND", &message);
    org.patch(&path, &json!({ "Fax": "1" }))
        .await
        .refused(404, "NOT_FOUND", &message);
}

#[tokio::test]
async fn a_change_is_answered_by_nothing() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let fields = json!({
        "infinity_channel__c": "PPC",
        "Infinity_Visit_Time__c": "2026-05-01T08:00:00Z",
        "Infinity_Visits__c": 3,
        "Company": "Later plc",
    });
    let answer = org.patch(&path(), &fields).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let row = org.get(&path()).await.ok();
    assert_eq!(row["Infinity_Channel__c"], "PPC");
    assert_eq!(
        row["Infinity_Visit_Time__c"],
        "2026-05-01T08:00:00.000+0000"
    );
    assert_eq!(row["Infinity_Visits__c"], json!(3.0));

    org.patch(&path(), &json!({ "Infinity_Channel__c": null }))
        .await;
    assert_eq!(
        org.get(&path()).await.ok()["Infinity_Channel__c"],
        json!(null)
    );
    let request = org.request(Method::POST, &format!("{}?_HttpMethod=PATCH", path()));
    let answer = send(with_json(request, &json!({ "Fax": "1" }))).await;
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn values_that_break_a_rule_are_refused_in_salesforces_words() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let long = "x".repeat(41);
    for (fields, code, message) in [
        (
            json!({ "Nonsense__c": 1 }),
            "INVALID_FIELD",
            "No such column 'Nonsense__c' on sobject of type Lead".to_owned(),
        ),
        (
            json!({ "Name": "x" }),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: Name. Please check the security settings of this \
             field and verify that it is read/write for your profile or permission set."
                .to_owned(),
        ),
        (
            json!({ "Id": LEAD }),
            "INVALID_FIELD",
            "The Id field should not be specified in the sobject data.".to_owned(),
        ),
        (
            json!({ "FirstName": long }),
            "STRING_TOO_LONG",
            format!("First Name: data value too large: {long} (max length=40)"),
        ),
        (
            json!({ "LastName": null }),
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]".to_owned(),
        ),
        (
            json!({ "AnnualRevenue": "many" }),
            "JSON_PARSER_ERROR",
            "Cannot deserialize instance of currency from VALUE_STRING value many or request may \
             be missing a required field at [line:1, column:18]"
                .to_owned(),
        ),
    ] {
        org.patch(&path(), &fields)
            .await
            .refused(400, code, &message);
    }
    let answer = org.patch(&path(), &json!({ "FirstName": long })).await;
    assert_eq!(answer.json()[0]["fields"], json!(["FirstName"]));
    let request = org.request(Method::PATCH, &path());
    let answer = send(request.header("content-type", "application/json").body("{")).await;
    assert_eq!(answer.json()[0]["errorCode"], "JSON_PARSER_ERROR");
}

#[tokio::test]
async fn a_lead_is_made_and_deleted() {
    let org = Sim::with_leads(&[]).await;
    let path = format!("{DATA}/sobjects/Lead");
    let missing = "Required fields are missing: [LastName, Company]";
    org.post(&path, &json!({}))
        .await
        .refused(400, "REQUIRED_FIELD_MISSING", missing);
    let answer = org
        .post(&path, &json!({ "LastName": "New", "Company": "C" }))
        .await;
    assert_eq!(answer.status, 201);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(
        answer.json(),
        json!({ "id": id, "success": true, "errors": [] })
    );
    let path = format!("{path}/{id}");
    assert_eq!(org.get(&path).await.ok()["Status"], "Open - Not Contacted");
    assert_eq!(org.delete(&path).await.status, 204);
    org.patch(&path, &json!({ "Fax": "1" })).await.refused(
        404,
        "ENTITY_IS_DELETED",
        "entity is deleted",
    );
}

#[tokio::test]
async fn a_converted_lead_is_not_changed() {
    let org = Sim::with_leads(&[lead(1)]).await;
    org.order(
        Method::POST,
        &format!("records/Lead/{LEAD}/convert"),
        &json!({}),
    )
    .await;
    let answer = org.patch(&path(), &json!({ "Fax": "1" })).await;
    answer.refused(
        400,
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "cannot reference converted lead",
    );
    assert_eq!(org.get(&path()).await.ok()["IsConverted"], json!(true));
}

#[tokio::test]
async fn assignment_rules_run_unless_they_are_told_not_to() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let owner = async || {
        org.get(&path()).await.ok()["OwnerId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let before = owner().await;
    let request = org
        .request(Method::PATCH, &path())
        .header("Sforce-Auto-Assign", "FALSE");
    send(with_json(request, &json!({ "Fax": "1" }))).await;
    assert_eq!(owner().await, before);
    org.patch(&path(), &json!({ "Fax": "2" })).await;
    assert!(owner().await.starts_with("00G"), "the queue owns it");
}

#[tokio::test]
async fn who_asks_not_to_overwrite_does_not() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let change = async |since: &str| {
        let request = org
            .request(Method::PATCH, &path())
            .header("If-Unmodified-Since", since);
        send(with_json(request, &json!({ "Fax": "1" })))
            .await
            .status
            .as_u16()
    };
    assert_eq!(change("Wed, 21 Oct 2015 07:28:00 GMT").await, 412);
    assert_eq!(change("Wed, 21 Oct 2150 07:28:00 GMT").await, 204);
}

#[tokio::test]
async fn a_description_says_what_fields_take() {
    let org = Sim::with_leads(&[]).await;
    let lead = org
        .get(&format!("{DATA}/sobjects/Lead/describe"))
        .await
        .ok();
    assert_eq!(
        (&lead["name"], &lead["keyPrefix"]),
        (&json!("Lead"), &json!("00Q"))
    );
    let field = |name: &str| {
        let fields = lead["fields"].as_array().unwrap();
        fields
            .iter()
            .find(|field| field["name"] == name)
            .unwrap()
            .clone()
    };
    let email = field("Email");
    assert_eq!(
        (&email["type"], &email["length"]),
        (&json!("email"), &json!(80))
    );
    assert_eq!(field("Name")["updateable"], json!(false));
    assert_eq!(field("LastName")["nillable"], json!(false));
    assert_eq!(field("Infinity_Visit_Time__c")["type"], "datetime");
    assert_eq!(field("Infinity_Visit_Time__c")["custom"], json!(true));
    assert_eq!(field("CleanStatus")["restrictedPicklist"], json!(true));
    assert_eq!(
        field("CleanStatus")["picklistValues"][0]["value"],
        "Matched"
    );
    let list = org.get(&format!("{DATA}/sobjects")).await.ok();
    assert_eq!(list["sobjects"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn every_answer_says_how_many_calls_were_used() {
    let org = Sim::with_leads(&[lead(1)]).await;
    assert_eq!(
        org.get(&path()).await.header("sforce-limit-info"),
        "api-usage=1/15000"
    );
    org.order(Method::PUT, "quota", &json!({ "limit": 3, "used": 2 }))
        .await;
    let limits = org.get(&format!("{DATA}/limits")).await.ok();
    assert_eq!(
        limits["DailyApiRequests"],
        json!({ "Max": 3, "Remaining": 0 })
    );
    let answer = org.get(&path()).await;
    answer.refused(
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "TotalRequests Limit exceeded.",
    );
    assert_eq!(answer.header("sforce-limit-info"), "api-usage=3/3");
}

#[tokio::test]
async fn answers_are_compressed_for_who_asks() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let request = org
        .request(Method::GET, &path())
        .header("accept-encoding", "deflate, gzip");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let bytes = response.bytes().await.unwrap();
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&bytes[..]);
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    assert!(text.contains(LEAD));
}
