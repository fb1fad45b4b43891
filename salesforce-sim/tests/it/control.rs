//! The control API.

use reqwest::Method;
use salesforce_sim::{InvalidOrg, OrgDescription, SimConfig, StartError};
use serde_json::json;

use crate::harness::{LEAD, SECRET, Sim, config, lead, object, send};

#[tokio::test]
async fn calls_are_remembered_without_what_logs_in() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let request = org.request(
        Method::GET,
        &format!("/services/data/v66.0/sobjects/Lead/{LEAD}?fields=Id"),
    );
    send(request.header("Sforce-Auto-Assign", "FALSE"))
        .await
        .ok();
    let calls = org.get("/__sim/calls").await.ok();
    let (login, read) = (&calls[0], &calls[1]);
    assert_eq!(login["path"], "/services/oauth2/token");
    assert!(
        login["body"]
            .as_str()
            .unwrap()
            .ends_with("client_secret=hidden")
    );
    assert_eq!(
        (&read["method"], &read["query"], &read["status"]),
        (&json!("GET"), &json!("fields=Id"), &json!(200))
    );
    assert_eq!(read["headers"]["sforce-auto-assign"], "FALSE");
    let text = calls.to_string();
    assert!(
        !text.contains(SECRET) && !text.contains("authorization"),
        "{text}"
    );

    assert_eq!(org.get("/__sim/counters").await.ok()["calls"], 2);
    org.order(Method::DELETE, "calls", &json!({})).await;
    assert_eq!(org.get("/__sim/calls").await.ok(), json!([]));
}

#[tokio::test]
async fn people_set_what_the_api_can_not() {
    let org = Sim::with_leads(&[lead(1)]).await;
    let path = format!("records/Lead/{LEAD}");
    let fields = json!({ "CreatedDate": "2020-01-01T00:00:00Z", "Rating": "Hot" });
    org.order(Method::PATCH, &path, &fields).await;
    let record = org.get(&format!("/__sim/{path}")).await.ok();
    assert_eq!(
        (&record["CreatedDate"], &record["Rating"]),
        (&json!("2020-01-01T00:00:00.000+0000"), &json!("Hot"))
    );
    org.order(Method::DELETE, &path, &json!({})).await;
    assert_eq!(
        org.get(&format!("/__sim/{path}")).await.ok()["IsDeleted"],
        json!(true)
    );
    let state = org.get("/__sim/state").await.ok();
    assert_eq!(state["records"]["Lead"], 1);
    assert_eq!(org.get("/__sim/nonsense").await.status, 404);
}

#[tokio::test]
async fn web_pages_are_not_answered() {
    let org = Sim::with_leads(&[]).await;
    let request = org
        .request(Method::GET, "/__sim/state")
        .header("origin", "http://evil.example");
    assert_eq!(send(request).await.status, 403);
}

#[tokio::test]
async fn only_this_machine_reaches_it_unless_that_is_allowed() {
    let any = "0.0.0.0:0".parse().unwrap();
    let refused = salesforce_sim::bind(SimConfig::new(any)).await;
    assert!(matches!(refused, Err(StartError::Remote(_))), "{refused:?}");
    let allowed = SimConfig {
        allow_remote: true,
        ..SimConfig::new(any)
    };
    assert!(salesforce_sim::bind(allowed).await.is_ok());
}

#[tokio::test]
async fn a_description_that_makes_no_org_is_refused_with_its_place() {
    let mut config = config();
    config.org.leads = vec![object(&lead(1)), object(&json!({ "LastName": "x" }))];
    let Err(StartError::Org(InvalidOrg::Record { number, reason, .. })) =
        salesforce_sim::bind(config.clone()).await
    else {
        panic!("it has started");
    };
    assert_eq!(
        (number, reason.as_str()),
        (2, "Required fields are missing: [Company]")
    );
    config.org = OrgDescription::default();
    config.org.org.id = "00Q000000000001".to_owned();
    let refused = salesforce_sim::bind(config).await;
    assert!(matches!(
        refused,
        Err(StartError::Org(InvalidOrg::OrganizationId(_)))
    ));
}
