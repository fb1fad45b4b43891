//! Salesforce's side of the simulated network.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rand::Rng as _;
use rand::rngs::StdRng;
use sfbridge_faults::message::{is_acknowledgement, size};
use sfbridge_faults::{Kind, Ledger, Message, Posted};
use tokio::time::{sleep, timeout};
use turmoil::net::TcpStream;

use crate::network::{GATEWAY_PORT, GATEWAYS};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was sent, and how that went.
pub(crate) struct Sent {
    next_lead: AtomicU32,
    leads: u32,
    noted: Mutex<(Ledger, String)>,
}

impl Sent {
    pub(crate) fn new(leads: u32) -> Self {
        Self {
            next_lead: AtomicU32::new(0),
            leads,
            noted: Mutex::default(),
        }
    }

    /// The ledger, and a line for each attempt.
    pub(crate) fn told(&self) -> (Ledger, String) {
        self.noted.lock().unwrap().clone()
    }

    /// Sends so many messages, each until it is acknowledged.
    pub(crate) async fn send(
        self: Arc<Self>,
        sender: u32,
        messages: u32,
        mut random: StdRng,
    ) -> turmoil::Result {
        let mut next = sender * 1_000_000 + 1;
        for _ in 0..messages {
            let message = self.message(next, &mut random);
            next = message.notifications().last().unwrap().number + 1;
            self.noted.lock().unwrap().0.begin(&message);
            let is_doubled = random.random_bool(0.3);
            let mut turn = random.random_range(0..GATEWAYS.len());
            loop {
                let is_done = if is_doubled {
                    let (one, other) =
                        tokio::join!(self.post(&message, turn), self.post(&message, turn + 1));
                    one || other
                } else {
                    self.post(&message, turn).await
                };
                if is_done {
                    break;
                }
                turn += 1;
                sleep(Duration::from_millis(random.random_range(50..3_000))).await;
            }
            sleep(Duration::from_millis(random.random_range(0..2_000))).await;
        }
        Ok(())
    }

    fn message(&self, first: u32, random: &mut StdRng) -> Message {
        let numbers = first..first + size(random);
        match random.random_range(0..10) {
            0..=2 => {
                let lead = self.next_lead.fetch_add(1, Ordering::Relaxed);
                if lead < self.leads {
                    Message::of_leads(first, [lead])
                } else {
                    Message::new(Kind::Lead, [first.next_multiple_of(5)])
                }
            }
            3 | 4 => Message::new(Kind::Rating, numbers),
            _ => Message::new(Kind::Event, numbers),
        }
    }

    async fn post(&self, message: &Message, turn: usize) -> bool {
        let gateway = GATEWAYS[turn % GATEWAYS.len()];
        let begun = turmoil::sim_elapsed().unwrap_or_default();
        let posted = match timeout(PATIENCE, exchange(gateway, message)).await {
            Err(_) | Ok(Err(_)) => Posted::Unanswered,
            Ok(Ok((status, body))) if is_acknowledgement(status, &body) => Posted::Acknowledged,
            Ok(Ok(_)) => Posted::Refused,
        };
        let ended = turmoil::sim_elapsed().unwrap_or_default();
        let first = message.notifications()[0].id();
        let mut noted = self.noted.lock().unwrap();
        let (ledger, history) = &mut *noted;
        ledger.note(message, posted);
        let _ = writeln!(
            history,
            "{} to {} ms: {first} by {gateway}: {posted:?}",
            begun.as_millis(),
            ended.as_millis()
        );
        posted == Posted::Acknowledged
    }
}

async fn exchange(
    gateway: &'static str,
    message: &Message,
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect((gateway, GATEWAY_PORT)).await?;
    let http = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let (mut sender, connection) = http;
    let connection = tokio::spawn(connection);
    let request = Request::post(message.target())
        .header("Host", gateway)
        .header("Content-Type", "text/xml; charset=UTF-8")
        .body(Full::new(bytes::Bytes::from(message.xml())))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok((status, String::from_utf8(body.to_vec())?))
}
