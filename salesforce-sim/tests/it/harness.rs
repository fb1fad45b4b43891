//! What the tests have in common: an org on a free port, and a client.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use salesforce_sim::{OrgDescription, SimConfig};
use serde_json::{Map, Value as Json, json};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

pub(crate) const CLIENT: &str = "3MVG9pretended.sfbridge.simulator";
pub(crate) const SECRET: &str = "pretended-secret";
pub(crate) const DATA: &str = "/services/data/v66.0";
pub(crate) const LEAD: &str = "00Q000000000001EAA";

/// An org that runs for one test.
#[derive(Debug)]
pub(crate) struct Sim {
    address: SocketAddr,
    client: reqwest::Client,
    token: Option<String>,
    shutdown: CancellationToken,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Sim {
    /// An org with these, before anybody has logged in.
    pub(crate) async fn with(config: SimConfig) -> Self {
        let sim = salesforce_sim::bind(config).await.unwrap();
        let shutdown = CancellationToken::new();
        let this = Self {
            address: sim.local_addr(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            token: None,
            shutdown: shutdown.clone(),
        };
        tokio::spawn(sim.run(shutdown));
        this
    }

    /// An org with these Leads, and a session.
    pub(crate) async fn with_leads(leads: &[Json]) -> Self {
        let mut config = config();
        config.org.leads = leads.iter().map(object).collect();
        Self::with(config).await.logged_in().await
    }

    /// The same org with a session.
    pub(crate) async fn logged_in(mut self) -> Self {
        let answer = self.log_in().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.token = Some(answer.json()["access_token"].as_str().unwrap().to_owned());
        self
    }

    pub(crate) async fn log_in(&self) -> Answer {
        let form =
            format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
        self.token_request(&form).await
    }

    pub(crate) async fn token_request(&self, form: &str) -> Answer {
        let request = self
            .request(Method::POST, "/services/oauth2/token")
            .header("content-type", "application/x-www-form-urlencoded");
        send(request.body(form.to_owned())).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request with the session, if there is one.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, self.url(path));
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Json) -> Answer {
        send(with_json(self.request(Method::PATCH, path), body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Answer {
        send(with_json(self.request(Method::POST, path), body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Json) -> Answer {
        send(with_json(self.request(Method::PUT, path), body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Tells the org by its control API.
    pub(crate) async fn order(&self, method: Method, path: &str, body: &Json) {
        let path = format!("/__sim/{path}");
        let answer = send(with_json(self.request(method, &path), body)).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }

    /// A failure that is to come.
    pub(crate) async fn fail(&self, failure: Json) {
        self.order(Method::POST, "failures", &failure).await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> Json {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// Checks the status and the one error of an answer.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str, message: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        assert_eq!(json.as_array().unwrap().len(), 1, "{json}");
        assert_eq!(
            (&json[0]["errorCode"], &json[0]["message"]),
            (&json!(code), &json!(message))
        );
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A config on a free port.
pub(crate) fn config() -> SimConfig {
    SimConfig {
        org: OrgDescription::default(),
        ..SimConfig::new(SocketAddr::from(([127, 0, 0, 1], 0)))
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

pub(crate) fn with_json(request: RequestBuilder, body: &Json) -> RequestBuilder {
    request
        .header("content-type", "application/json")
        .body(body.to_string())
}

pub(crate) fn object(json: &Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

/// A Lead of this number.
pub(crate) fn lead(number: u32) -> Json {
    json!({
        "Id": format!("00Q{number:012}"),
        "LastName": format!("Example {number}"),
        "Company": "Example & Sons",
    })
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    const PATIENCE: Duration = Duration::from_mins(2);
    const PAUSE: Duration = Duration::from_millis(5);

    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap()
}
