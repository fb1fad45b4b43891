//! `sfbridge send`: posts an outbound message as Salesforce would.

mod answer;
mod tls;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use http::Uri;
use http::header::{CONTENT_TYPE, HeaderValue};
use salesforce_sim::RetrySchedule;
use serde_json::json;
use sfbridge_transport::tls::Trouble;

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
    /// The authorities to trust for https, as PEM, instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The client certificate to show, as PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// The private key of that certificate, as PEM, not encrypted
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

impl Send {
    pub(crate) fn run(self, output: &mut Output<'_>) -> Result<(), Failure> {
        let post = Post {
            url: url(&self.to)?,
            content_type: HeaderValue::from_str(&self.content_type)
                .map_err(|_| Failure::usage("--content-type is not a media type"))?,
            body: message_file::read(&self.file)?,
        };
        let client = tls::client(post.is_https(), self.ca, self.certificate.zip(self.key))?;
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
    fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

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

const NOT_A_URL: &str = "--to is not a URL; it begins with https:// or http://";

fn url(text: &str) -> Result<reqwest::Url, Failure> {
    let uri: Uri = text.trim().parse().map_err(|_| Failure::usage(NOT_A_URL))?;
    match uri.scheme_str() {
        Some("http" | "https") => {
            reqwest::Url::parse(text.trim()).map_err(|_| Failure::usage(NOT_A_URL))
        }
        _ => Err(Failure::usage(NOT_A_URL)),
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
        Err(error) if let Some(trouble) = Trouble::of(error.as_ref()) => Err(Failure::failed(
            format!("no TLS with the gateway: {trouble}{}", tls::advice(trouble)),
        )),
        Err(error) => Err(Failure::failed(format!(
            "{error:#}; is a gateway running there? `sfbridge up` starts one"
        ))),
    }
}
