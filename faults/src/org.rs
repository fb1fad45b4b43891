//! A pretend Salesforce org, which tells what was written into its Leads.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value as Json, json};
use sfbridge_faults::leads_toml;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A pretend org in a process of its own, which is not broken.
#[derive(Debug)]
pub(crate) struct Org {
    host: String,
    http: reqwest::Client,
    _child: Child,
}

impl Org {
    /// Starts an org with so many Leads.
    pub(crate) async fn start(binary: &Path, folder: &Path, leads: u32) -> anyhow::Result<Self> {
        let data = folder.join("org.toml");
        fs::write(&data, leads_toml(leads))?;
        let mut command = Command::new(binary);
        command
            .args(["simulate", "--listen", "127.0.0.1:0", "--json", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.join("org.log"))?)
            .kill_on_drop(true);
        let mut child = command.spawn().context("no pretend org can be started")?;
        let stdout = child.stdout.take().context("it has no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut greeting = String::new();
        while !greeting.ends_with("}\n") {
            let line = lines.next_line().await?;
            greeting += &line.context("the pretend org did not start; see org.log")?;
            greeting.push('\n');
        }
        let greeting: Json = serde_json::from_str(&greeting)?;
        let host = greeting["address"].as_str().context("it has no address")?;
        Ok(Self {
            host: host.to_owned(),
            http: reqwest::Client::builder().no_proxy().build()?,
            _child: child,
        })
    }

    /// Its `host:port`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Where to log in.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    /// Has every write take a while, so that kills come in the middle of them,
    /// and the answers to some get lost.
    pub(crate) async fn misbehave(&self) -> anyhow::Result<()> {
        let slow = json!({"on": "update", "delay_ms": 60, "times": 0});
        let lost = json!({"on": "update", "drop": "after", "delay_ms": 60, "times": 2});
        let busy = json!({"on": "update", "status": 503, "times": 1});
        // The first that fits befalls a call.
        for failure in [lost, busy, slow] {
            self.ask(Method::POST, "failures", failure.to_string())
                .await?;
        }
        Ok(())
    }

    /// All Leads.
    pub(crate) async fn records(&self) -> anyhow::Result<Json> {
        self.ask(Method::GET, "records/Lead", String::new()).await
    }

    /// The latest 1,000 calls. A run stays below that.
    pub(crate) async fn calls(&self) -> anyhow::Result<Json> {
        self.ask(Method::GET, "calls", String::new()).await
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> anyhow::Result<Json> {
        const PATIENCE: Duration = Duration::from_secs(20);
        let url = format!("http://{}/__sim/{path}", self.host);
        let request = self.http.request(method, url).timeout(PATIENCE);
        let answer = request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(
            status.is_success(),
            "the pretend org refuses {path}: {text}"
        );
        Ok(serde_json::from_str(&text).unwrap_or(Json::Null))
    }
}
