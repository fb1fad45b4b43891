//! What the pretend org does not do: a server that answers as it is told, and
//! knows what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use salesforce_client::{
    Client, ClientConfig, ErrorClass, ExtraHosts, FieldValue, LeadUpdate, Org, UpdateBatch,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::harness::{client_credentials, id, login, name};

/// A server whose answers are a function of the request line.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// What to answer; without a body the connection stays open in silence.
struct Scripted {
    status: &'static str,
    headers: String,
    body: Option<String>,
}

fn ok(body: impl Into<String>) -> Scripted {
    Scripted {
        status: "200 OK",
        headers: String::new(),
        body: Some(body.into()),
    }
}

impl Server {
    async fn start(answer: impl Fn(&str, &str) -> Scripted + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, own) = (Arc::clone(&requests), address.clone());
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (kept, own, answer) = (Arc::clone(&kept), own.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    answer_one(stream, &kept, &own, &*answer).await;
                });
            }
        });
        Self {
            address,
            requests,
            task,
        }
    }

    fn org(&self) -> Org {
        let client = Client::new(ClientConfig {
            extra_hosts: ExtraHosts::parse(&self.address).unwrap(),
            call_time: Duration::from_millis(500),
            ..ClientConfig::default()
        })
        .unwrap();
        let url = format!("http://{}", self.address);
        client.org(login(&client, &url, client_credentials("hush")))
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request, and closes.
async fn answer_one(
    mut stream: TcpStream,
    kept: &Mutex<Vec<String>>,
    own: &str,
    answer: &(dyn Fn(&str, &str) -> Scripted + Send + Sync),
) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.ok()?;
        head.extend_from_slice(buffer.get(..count).filter(|read| !read.is_empty())?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let line = text.lines().next()?.to_owned();
    kept.lock().unwrap().push(line.clone());
    let Scripted {
        status,
        headers,
        body,
    } = answer(&line, own);
    let Some(body) = body else {
        // The client gives up first.
        let _ = stream.read(&mut [0; 1]).await;
        std::future::pending::<()>().await;
        return None;
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// The answers to a log-in, for an instance at this URL.
fn granted(instance: &str) -> Scripted {
    ok(format!(
        r#"{{"access_token":"00D!hush","instance_url":"{instance}",
            "id":"https://login.salesforce.com/id/00D000000000062EAA/005000000000001AAA"}}"#
    ))
}

/// What a log-in asks; the rest is the test's.
fn with_log_in(
    answer: impl Fn(&str, &str) -> Scripted + Send + Sync + 'static,
) -> impl Fn(&str, &str) -> Scripted + Send + Sync + 'static {
    move |line, own| {
        if line.starts_with("POST /services/oauth2/token ") {
            granted(&format!("http://{own}"))
        } else if line.starts_with("GET /services/data ") {
            ok(r#"[{"version":"62.0"},{"version":"64.0"},{"version":"70.0"}]"#)
        } else {
            answer(line, own)
        }
    }
}

#[tokio::test]
async fn an_instance_elsewhere_is_never_called() {
    for instance in [
        "https://evil.example",
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com.evil.example",
        "nonsense",
    ] {
        let server = Server::start(move |_, _| granted(instance)).await;
        let error = server.org().connect().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Connection, "{instance}");
        assert!(
            error.to_string().contains("none of Salesforce's"),
            "{error}"
        );
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_newest_version_that_both_know_is_spoken() {
    let server = Server::start(with_log_in(|_, _| ok(r#"{"fields":[]}"#))).await;
    let org = server.org();
    assert_eq!(org.connect().await.unwrap().api_version.to_string(), "64.0");
    org.describe_leads().await.unwrap();
    let last = server.requests().pop().unwrap();
    assert_eq!(
        last,
        "GET /services/data/v64.0/sobjects/Lead/describe HTTP/1.1"
    );
}

#[tokio::test]
async fn a_list_of_versions_that_can_not_be_read_stops_nobody() {
    let server = Server::start(|line, own| {
        if line.starts_with("POST ") {
            granted(&format!("http://{own}"))
        } else {
            ok("<html>")
        }
    })
    .await;
    let connection = server.org().connect().await.unwrap();
    assert_eq!(connection.api_version.to_string(), "66.0");

    let old = Server::start(|line, own| {
        if line.starts_with("POST ") {
            granted(&format!("http://{own}"))
        } else {
            ok(r#"[{"version":"58.0"}]"#)
        }
    })
    .await;
    let error = old.org().connect().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Connection);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::start(with_log_in(|_, own| Scripted {
        status: "302 Found",
        headers: format!("Location: http://{own}/elsewhere\r\n"),
        body: Some(String::new()),
    }))
    .await;
    let error = server.org().describe_leads().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Connection);
    assert_eq!(error.status(), Some(302));
    assert!(
        !server
            .requests()
            .iter()
            .any(|line| line.contains("elsewhere"))
    );
}

#[tokio::test]
async fn a_result_of_several_pages_is_read_to_its_end_and_at_one_place() {
    fn page(number: usize, next: &str) -> Scripted {
        ok(format!(
            r#"{{"done":false,"records":[{{"Id":"{}"}}]{next}}}"#,
            id(number)
        ))
    }
    let server = Server::start(with_log_in(|line, own| {
        if line.contains("/query?q=") {
            let next = "/services/data/v64.0/query/01g-1";
            page(0, &format!(r#","nextRecordsUrl":"{next}""#))
        } else if line.contains("/query/01g-1 ") {
            let next = format!("http://{own}/services/data/v64.0/query/01g-2");
            page(1, &format!(r#","nextRecordsUrl":"{next}""#))
        } else {
            page(2, "")
        }
    }))
    .await;
    let ids = [id(0), id(1), id(2)];
    assert_eq!(server.org().read_leads(&ids, &[]).await.unwrap().len(), 3);

    let lured = Server::start(with_log_in(|_, _| {
        page(
            0,
            r#","nextRecordsUrl":"https://evil.example/services/data/x""#,
        )
    }))
    .await;
    let error = lured.org().read_leads(&ids, &[]).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unknown);
    assert!(error.to_string().contains("another host"), "{error}");

    let endless = Server::start(with_log_in(|_, _| {
        page(0, r#","nextRecordsUrl":"/services/data/v64.0/query/01g-1""#)
    }))
    .await;
    let error = endless.org().read_leads(&ids, &[]).await.unwrap_err();
    assert!(error.to_string().contains("no end"), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_leaves_the_outcome_unknown() {
    let server = Server::start(with_log_in(|_, _| Scripted {
        status: "",
        headers: String::new(),
        body: None,
    }))
    .await;
    let fields = vec![(name("Title"), FieldValue::Text("a".to_owned()))];
    let update = LeadUpdate::new(id(0), fields).unwrap();
    let batch = UpdateBatch::new(vec![update]).unwrap();
    let error = server.org().update_leads(&batch).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.is_outcome_unknown());
    assert_eq!(error.to_string(), "the answer did not come in time");
}

#[tokio::test]
async fn answers_that_are_none_of_salesforces_are_no_answers() {
    let server = Server::start(with_log_in(|_, _| ok("<html>Welcome</html>"))).await;
    let org = server.org();
    let fields = vec![(name("Title"), FieldValue::Text("a".to_owned()))];
    let update = LeadUpdate::new(id(0), fields).unwrap();
    let batch = UpdateBatch::new(vec![update]).unwrap();
    for error in [
        org.describe_leads().await.unwrap_err(),
        org.read_leads(&[id(0)], &[]).await.unwrap_err(),
        org.update_leads(&batch).await.unwrap_err(),
    ] {
        assert_eq!(error.class(), ErrorClass::Unknown, "{error}");
    }
    let nameless = Server::start(|_, own| {
        ok(format!(
            r#"{{"access_token":"t","instance_url":"http://{own}"}}"#
        ))
    })
    .await;
    let error = nameless.org().connect().await.unwrap_err();
    assert!(error.to_string().contains("which organisation"), "{error}");
}
