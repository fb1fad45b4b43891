//! `sfbridge send`: posts an outbound message as Salesforce would.

mod answer;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use http::Uri;
use http::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use salesforce_sim::RetrySchedule;
use serde_json::json;

use super::message_file;
use crate::client::block_on;
use crate::config::Length;
use crate::failure::Failure;
use crate::output::{Output, note};
use answer::Answer;

/// Posts one outbound message.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The message; `-` is standard input
    file: PathBuf,
    /// The endpoint URL
    #[arg(long, value_name = "URL")]
    to: String,
    /// Send again until it is acknowledged, as Salesforce's queue does: at
    /// growing intervals of up to 2 hours
    #[arg(long)]
    retry: bool,
    /// How long to send again
    #[arg(long, value_name = "TIME", default_value = "24h", requires = "retry")]
    retry_for: Length,
    /// The media type; Salesforce sends the default
    #[arg(long, value_name = "TYPE", default_value = "text/xml; charset=UTF-8")]
    content_type: String,
}

impl Send {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let post = Post {
            url: url(&self.to)?,
            content_type: HeaderValue::from_str(&self.content_type)
                .map_err(|_| Failure::usage("--content-type is not a media type"))?,
            body: message_file::read(&self.file)?,
        };
        let client = client()?;
        block_on(async {
            let mut schedule = RetrySchedule::new(self.retry.then_some(self.retry_for.0));
            loop {
                let outcome = post.send(&client).await;
                let attempt = schedule.attempts();
                let is_done = matches!(&outcome, Ok(answer) if answer.is_acknowledged());
                let wait = if is_done { None } else { schedule.next_wait() };
                let Some(wait) = wait else {
                    return report(&outcome, attempt, output);
                };
                note(format_args!(
                    "Attempt {attempt}: {} Trying again in {}.",
                    words(&outcome),
                    Length(wait)
                ));
                tokio::time::sleep(wait).await;
            }
        })
    }
}

/// The request.
struct Post {
    url: reqwest::Url,
    content_type: HeaderValue,
    body: Vec<u8>,
}

impl Post {
    /// Sends it once. Salesforce waits for 60 seconds.
    async fn send(&self, client: &reqwest::Client) -> anyhow::Result<Answer> {
        let response = client
            .post(self.url.clone())
            .header(CONTENT_TYPE, self.content_type.clone())
            .header("SOAPAction", "\"\"")
            .body(self.body.clone())
            .send()
            .await
            // The URL may hold a token.
            .map_err(reqwest::Error::without_url)
            .context("no answer came")?;
        Answer::read(response).await
    }
}

fn client() -> anyhow::Result<reqwest::Client> {
    const SALESFORCE_PATIENCE: Duration = Duration::from_mins(1);
    reqwest::Client::builder()
        .timeout(SALESFORCE_PATIENCE)
        // Salesforce does not follow redirects, and what is sent here must
        // not go through a proxy that the shell happens to name.
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("sfbridge/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("the HTTP client can't be started")
}

fn url(text: &str) -> Result<reqwest::Url, Failure> {
    let uri: Uri = text
        .trim()
        .parse()
        .map_err(|_| Failure::usage("--to is not a URL; it begins with http://"))?;
    match uri.scheme_str() {
        Some("http") => reqwest::Url::parse(text.trim())
            .map_err(|_| Failure::usage("--to is not a URL; it begins with http://")),
        Some("https") => Err(Failure::usage(
            "this program sends over http only; for https use curl -H 'Content-Type: text/xml; \
             charset=UTF-8' -H 'SOAPAction: \"\"' --data-binary @FILE URL",
        )),
        _ => Err(Failure::usage("--to is not a URL; it begins with http://")),
    }
}

fn words(outcome: &anyhow::Result<Answer>) -> String {
    match outcome {
        Ok(answer) => answer.to_string(),
        Err(error) => format!("{error:#}."),
    }
}

/// Says how it ended.
fn report(
    outcome: &anyhow::Result<Answer>,
    attempts: u32,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    if output.is_json() {
        let answer = outcome.as_ref().ok();
        output.json(&json!({
            "acknowledged": answer.is_some_and(Answer::is_acknowledged),
            "attempts": attempts,
            "status": answer.map(|answer| answer.status.as_u16()),
            "fault": answer.and_then(|answer| answer.fault.as_deref()),
            "request_id": answer.and_then(|answer| answer.request_id.as_deref()),
            "error": outcome.as_ref().err().map(|error| format!("{error:#}")),
        }))?;
    }
    match outcome {
        Ok(answer) if answer.is_acknowledged() => {
            if !output.is_json() {
                output.line(answer)?;
            }
            Ok(())
        }
        Ok(answer) => Err(Failure::failed(format!(
            "the message was not acknowledged; Salesforce would send it again for 24 hours\n  \
             {answer}"
        ))),
        Err(error) => Err(Failure::failed(format!(
            "{error:#}; is a gateway running there? `sfbridge up` starts one"
        ))),
    }
}
