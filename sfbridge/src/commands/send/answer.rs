//! What comes back for an outbound message.

use std::fmt;

use anyhow::Context as _;
use http::StatusCode;
use salesforce_sim::SoapAnswer;

use crate::output::printable;

/// The answer as Salesforce would take it.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// What `Ack` said, if there was one.
    ack: Option<bool>,
    /// The fault's text, if there was one.
    pub(super) fault: Option<String>,
    /// By which it is found in the gateway's log.
    pub(super) request_id: Option<String>,
}

impl Answer {
    /// Reads a response, as much of it as an answer may have.
    pub(super) async fn read(mut response: reqwest::Response) -> anyhow::Result<Self> {
        const LARGEST: usize = 64 * 1024;

        let status = response.status();
        let request_id = response
            .headers()
            .get("x-request-id")
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(reqwest::Error::without_url)
            .context("the answer broke off")?
        {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                body.truncate(LARGEST);
                break;
            }
        }
        let SoapAnswer { ack, fault } = SoapAnswer::read(&String::from_utf8_lossy(&body));
        Ok(Self {
            status,
            ack,
            fault,
            request_id,
        })
    }

    /// Whether Salesforce would take the message from its queue.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.status == StatusCode::OK && self.ack == Some(true)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.status)?;
        match (&self.fault, self.ack) {
            _ if self.is_acknowledged() => f.write_str("acknowledged.")?,
            (Some(fault), _) => write!(f, "{}", printable(fault))?,
            (None, Some(false)) => f.write_str("refused by an Ack that is false.")?,
            (None, _) => f.write_str("no acknowledgement and no SOAP fault.")?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {})", printable(id)),
            None => Ok(()),
        }
    }
}
