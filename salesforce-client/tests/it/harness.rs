//! What the tests have in common: an org on a free port, a client of it, and
//! what the org has seen.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use salesforce_client::{
    Client, ClientConfig, Credentials, ExtraHosts, Login, LoginUrl, Org, PrivateKey,
};
use salesforce_sim::{DemoKey, SimConfig};
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use sfbridge_values::{FieldName, SalesforceId};
use tokio_util::sync::CancellationToken;

pub(crate) const CLIENT: &str = "3MVG9pretended.sfbridge.simulator";
pub(crate) const SECRET: &str = "pretended-secret";
pub(crate) const USER: &str = "integration@acme.example.com";

/// A pretend org that runs for one test.
#[derive(Debug)]
pub(crate) struct Sim {
    address: SocketAddr,
    http: reqwest::Client,
    shutdown: CancellationToken,
}

impl Sim {
    /// An org with these Leads, numbered from 0.
    pub(crate) async fn with_leads(count: usize) -> Self {
        let mut config = config();
        config.org.leads = (0..count).map(lead).collect();
        Self::with(config).await
    }

    pub(crate) async fn with(config: SimConfig) -> Self {
        let sim = salesforce_sim::bind(config).await.unwrap();
        let shutdown = CancellationToken::new();
        let this = Self {
            address: sim.local_addr(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            shutdown: shutdown.clone(),
        };
        tokio::spawn(sim.run(shutdown));
        this
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client of this org, logged in by client credentials when it must be.
    pub(crate) fn org(&self) -> Org {
        self.org_with(SECRET)
    }

    pub(crate) fn org_with(&self, secret: &str) -> Org {
        let client = client(&self.address.to_string());
        client.org(login(&client, &self.url(), client_credentials(secret)))
    }

    /// Tells the org by its control API.
    pub(crate) async fn order(&self, method: Method, path: &str, body: Json) -> String {
        let url = format!("{}/__sim/{path}", self.url());
        let request = self.http.request(method, url);
        let request = request.header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        answer.text().await.unwrap()
    }

    pub(crate) async fn fail(&self, failure: Json) {
        self.order(Method::POST, "failures", failure).await;
    }

    pub(crate) async fn expire_sessions(&self) {
        self.order(Method::POST, "sessions/expire", json!({})).await;
    }

    /// The calls that the org has seen.
    pub(crate) async fn calls(&self) -> Vec<Json> {
        let text = self.order(Method::GET, "calls", json!({})).await;
        serde_json::from_str(&text).unwrap()
    }

    /// How many calls there were to paths that end so.
    pub(crate) async fn count(&self, path: &str) -> usize {
        let calls = self.calls().await;
        let is_there = |call: &&Json| call["path"].as_str().unwrap().ends_with(path);
        calls.iter().filter(is_there).count()
    }

    /// A Lead as the org has it.
    pub(crate) async fn lead(&self, number: usize) -> Json {
        let path = format!("records/Lead/{}", id(number));
        serde_json::from_str(&self.order(Method::GET, &path, json!({})).await).unwrap()
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn config() -> SimConfig {
    SimConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// A client that takes this `host:port` for Salesforce, and has little
/// patience.
pub(crate) fn client(extra_host: &str) -> Client {
    Client::new(ClientConfig {
        extra_hosts: ExtraHosts::parse(extra_host).unwrap(),
        call_time: Duration::from_secs(10),
        ..ClientConfig::default()
    })
    .unwrap()
}

pub(crate) fn login(client: &Client, url: &str, credentials: Credentials) -> Login {
    let url = LoginUrl::parse(url, client.extra_hosts()).unwrap();
    Login::new(url, credentials).unwrap()
}

pub(crate) fn client_credentials(secret: &str) -> Credentials {
    Credentials::ClientCredentials {
        client_id: CLIENT.to_owned(),
        client_secret: SecretString::from(secret.to_owned()),
    }
}

pub(crate) fn jwt_bearer(key: &DemoKey) -> Credentials {
    let pem = SecretString::from(key.private_key().to_owned());
    Credentials::JwtBearer {
        client_id: CLIENT.to_owned(),
        username: USER.to_owned(),
        private_key: PrivateKey::parse(&pem).unwrap(),
    }
}

pub(crate) fn id(number: usize) -> SalesforceId {
    SalesforceId::parse(&format!("00Q{number:012}"))
        .unwrap()
        .to_long()
}

pub(crate) fn name(text: &str) -> FieldName {
    FieldName::parse(text).unwrap()
}

fn lead(number: usize) -> serde_json::Map<String, Json> {
    let lead = json!({
        "Id": id(number).as_str(),
        "LastName": format!("Example {number}"),
        "Company": "Example & Sons",
        "NumberOfEmployees": number,
    });
    lead.as_object().unwrap().clone()
}
