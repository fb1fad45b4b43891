//! Queries over HTTP.

use serde_json::{Value as Json, json};

use crate::harness::{DATA, Sim, lead, send};

async fn query(org: &Sim, soql: &str) -> crate::harness::Answer {
    org.get(&format!(
        "{DATA}/query?q={}",
        soql.replace(' ', "+").replace('\'', "%27")
    ))
    .await
}

#[tokio::test]
async fn a_query_answers_the_fields_it_selects() {
    let org = Sim::with_leads(&[lead(1), lead(2)]).await;
    let found = query(
        &org,
        "SELECT Id, LastName FROM Lead WHERE LastName = 'Example 2'",
    )
    .await
    .ok();
    let row = json!({
        "attributes": { "type": "Lead", "url": format!("{DATA}/sobjects/Lead/00Q000000000002EAA") },
        "Id": "00Q000000000002EAA",
        "LastName": "Example 2",
    });
    assert_eq!(
        found,
        json!({ "totalSize": 1, "done": true, "records": [row] })
    );
    let counted = query(&org, "SELECT COUNT() FROM Lead").await.ok();
    assert_eq!(
        counted,
        json!({ "totalSize": 2, "done": true, "records": [] })
    );
}

#[tokio::test]
async fn what_does_not_fit_into_a_page_is_on_the_next() {
    let leads: Vec<Json> = (1..=450).map(lead).collect();
    let org = Sim::with_leads(&leads).await;
    let path = format!("{DATA}/query?q=SELECT+Id+FROM+Lead");
    let request = org.request(reqwest::Method::GET, &path);
    let mut page = send(request.header("Sforce-Query-Options", "batchSize=200"))
        .await
        .ok();
    let mut ids = Vec::new();
    loop {
        assert_eq!(page["totalSize"], 450);
        let records = page["records"].as_array().unwrap();
        ids.extend(
            records
                .iter()
                .map(|row| row["Id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["nextRecordsUrl"].as_str().map(str::to_owned) else {
            break;
        };
        assert_eq!(page["done"], json!(false));
        let request = org.request(reqwest::Method::GET, &next);
        page = send(request.header("Sforce-Query-Options", "batchSize=200"))
            .await
            .ok();
    }
    ids.dedup();
    assert_eq!(ids.len(), 450);
}

#[tokio::test]
async fn a_query_that_can_not_be_understood_is_malformed() {
    let org = Sim::with_leads(&[]).await;
    for soql in [
        "SELECT",
        "SELECT Id FROM Lead WHERE (Id = null)",
        "DELETE Lead",
        "SELECT Id FROM Lead OFFSET 1",
    ] {
        let answer = query(&org, soql).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()[0]["errorCode"]),
            (400, &json!("MALFORMED_QUERY"))
        );
    }
    let answer = org.get(&format!("{DATA}/query/01g000000000001-200")).await;
    answer.refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
}
