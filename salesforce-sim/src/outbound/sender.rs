//! Sends what is due.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::outbox::Due;
use super::reason;
use crate::state::Shared;

/// The part of the org that posts messages.
#[derive(Debug)]
pub(crate) struct Sender {
    shared: Arc<Shared>,
    client: reqwest::Client,
}

/// How messages are posted: Salesforce waits for 60 seconds and follows no
/// redirects. What is sent here goes through no proxy that a shell happens to
/// name.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    const PATIENCE: Duration = Duration::from_mins(1);

    reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(Policy::none())
        .no_proxy()
        .build()
}

impl Sender {
    pub(crate) fn new(shared: Arc<Shared>, client: reqwest::Client) -> Self {
        Self { shared, client }
    }

    /// Sends until `shutdown`; what is on its way then is cut.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        /// Messages on their way at a time.
        const MOST: usize = 8;

        let mut sending = JoinSet::new();
        loop {
            let next = {
                let mut org = self.shared.org();
                let free = MOST - sending.len().min(MOST);
                for due in org.take_due(Instant::now(), free) {
                    sending.spawn(post(self.client.clone(), due));
                }
                if sending.len() < MOST {
                    org.outbox.next_due()
                } else {
                    None
                }
            };
            let due = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.shared.changed.notified() => {}
                () = due => {}
                Some(Ok((notifications, outcome))) = sending.join_next() => {
                    let mut org = self.shared.org();
                    org.outbox.settle(&notifications, &outcome, Instant::now());
                }
            }
        }
    }
}

type Settled = (Vec<sfbridge_values::SalesforceId>, Result<(), String>);

async fn post(client: reqwest::Client, due: Due) -> Settled {
    let outcome = attempt(&client, &due).await;
    if let Err(reason) = &outcome {
        debug!(
            reason,
            notifications = due.notifications.len(),
            "an outbound message was not taken"
        );
    }
    (due.notifications, outcome)
}

async fn attempt(client: &reqwest::Client, due: &Due) -> Result<(), String> {
    /// As much of an answer as is looked at.
    const LARGEST: usize = 64 * 1024;

    let of_error = |error: reqwest::Error| reason::of_error(&error);
    let mut response = client
        .post(due.endpoint.clone())
        .header(
            CONTENT_TYPE,
            HeaderValue::from_static("text/xml; charset=UTF-8"),
        )
        .header("SOAPAction", HeaderValue::from_static("\"\""))
        .body(due.body.clone())
        .send()
        .await
        .map_err(of_error)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(of_error)? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            body.truncate(LARGEST);
            break;
        }
    }
    reason::of_answer(response.status(), &String::from_utf8_lossy(&body))
}
