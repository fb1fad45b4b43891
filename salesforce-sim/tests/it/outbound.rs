//! Outbound messages to an endpoint that answers as it likes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use salesforce_sim::{DefinitionDescription, OutboundSettings, SimConfig, Trigger};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{DATA, LEAD, Sim, config, lead, object, until};

/// An endpoint that remembers what it gets.
#[derive(Clone, Debug)]
struct Endpoint {
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
}

const NACK: &str = "<notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>false</Ack></notificationsResponse>";
const ACK: &str = "<notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse>";

impl Endpoint {
    /// Answers these bodies in turn, the last one for ever.
    async fn answering(bodies: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
        };
        let endpoint = this.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = endpoint.received.lock().unwrap().len();
                let body = bodies.get(count).or(bodies.last()).unwrap();
                let request = exchange(stream, body).await;
                endpoint.received.lock().unwrap().push(request);
            }
        });
        this
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

/// Reads one request and answers it.
async fn exchange(mut stream: TcpStream, body: &str) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&bytes).contains("</soapenv:Envelope>") {
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "the request breaks off");
        bytes.extend_from_slice(&buffer[..length]);
    }
    let length = body.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// An org that tells of its Leads.
async fn org(endpoint: &Endpoint, change: impl FnOnce(&mut SimConfig)) -> Sim {
    let mut config = config();
    config.org.leads = vec![object(&lead(1))];
    config.org.outbound_messages = vec![DefinitionDescription {
        name: "Leads".to_owned(),
        object: "Lead".to_owned(),
        endpoint: format!("http://{}/leads?token=secret", endpoint.address),
        fields: vec!["LastName".to_owned(), "Fax".to_owned()],
        on: Trigger::CreateOrUpdate,
        keep_failures: true,
    }];
    config.outbound.time_factor = 1_000.0;
    change(&mut config);
    Sim::with(config).await.logged_in().await
}

async fn outbound(org: &Sim) -> Json {
    org.get("/__sim/outbound").await.ok()
}

#[tokio::test]
async fn a_change_is_told_as_salesforce_tells_it() {
    let endpoint = Endpoint::answering(&[ACK]).await;
    let org = org(&endpoint, |_| {}).await;
    org.patch(
        &format!("{DATA}/sobjects/Lead/{LEAD}"),
        &json!({ "Fax": "1" }),
    )
    .await;
    until(async || (outbound(&org).await["counts"]["delivered"] == 1).then_some(())).await;
    let request = &endpoint.received()[0];
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /leads?token=secret HTTP/1.1\r\n"),
        "{head}"
    );
    let head = head.to_lowercase();
    for header in ["content-type: text/xml; charset=utf-8", "soapaction: \"\""] {
        assert!(head.contains(header), "{head}");
    }
    assert!(
        body.contains("<sf:Fax>1</sf:Fax>\n     <sf:LastName>Example 1</sf:LastName>"),
        "{body}"
    );
    assert_eq!(outbound(&org).await["counts"]["waiting"], 0);
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_with_the_latest_values() {
    let endpoint = Endpoint::answering(&[NACK, "{}", ACK]).await;
    let org = org(&endpoint, |_| {}).await;
    org.order(
        Method::POST,
        "records/Lead",
        &json!({ "LastName": "New", "Company": "C" }),
    )
    .await;
    until(async || (outbound(&org).await["counts"]["delivered"] == 1).then_some(())).await;
    let received = endpoint.received();
    let id = |request: &String| {
        let (_, rest) = request.split_once("<Id>04l").unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    assert_eq!(received.len(), 3);
    assert!(
        received
            .iter()
            .all(|request| id(request) == id(&received[0]))
    );
}

#[tokio::test]
async fn what_is_given_up_is_listed_with_its_reason_and_can_be_sent_again() {
    let endpoint = Endpoint::answering(&[NACK]).await;
    let org = org(&endpoint, |config| config.outbound.time_factor = 1e7).await;
    org.order(
        Method::POST,
        "records/Lead",
        &json!({ "LastName": "New", "Company": "C" }),
    )
    .await;
    until(async || (outbound(&org).await["counts"]["failed"] == 1).then_some(())).await;
    let failed = outbound(&org).await["failed"][0].clone();
    assert_eq!(
        failed["delivery_failure_reason"],
        "SOAP response was a nack"
    );
    let tries = endpoint.received().len();
    org.order(Method::POST, "outbound/retry", &json!({})).await;
    until(async || (endpoint.received().len() > tries).then_some(())).await;
}

#[tokio::test]
async fn a_user_without_the_permission_fires_nothing() {
    let endpoint = Endpoint::answering(&[ACK]).await;
    let org = org(&endpoint, |config| {
        config.org.user.sends_outbound_messages = false;
    })
    .await;
    org.patch(
        &format!("{DATA}/sobjects/Lead/{LEAD}"),
        &json!({ "Fax": "1" }),
    )
    .await;
    assert_eq!(outbound(&org).await["waiting"], json!([]));
    org.order(
        Method::PATCH,
        &format!("records/Lead/{LEAD}"),
        &json!({ "Fax": "2" }),
    )
    .await;
    until(async || (outbound(&org).await["counts"]["delivered"] == 1).then_some(())).await;
    assert_eq!(endpoint.received().len(), 1);
}

#[tokio::test]
async fn settings_change_while_it_runs() {
    let endpoint = Endpoint::answering(&[ACK]).await;
    let org = org(&endpoint, |_| {}).await;
    org.order(Method::PUT, "outbound", &json!({ "duplicates": 1.0 }))
        .await;
    org.order(
        Method::PATCH,
        &format!("records/Lead/{LEAD}"),
        &json!({ "Fax": "2" }),
    )
    .await;
    until(async || (outbound(&org).await["counts"]["repeated"] == 1).then_some(())).await;
    assert_eq!(endpoint.received().len(), 2);
    let answer = org
        .put("/__sim/outbound", &json!({ "duplicates": 2 }))
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(OutboundSettings::default().duplicates.to_bits(), 0);
}
