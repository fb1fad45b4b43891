//! Messages that come as Salesforce sends them: each again and again until it
//! is acknowledged.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use sfbridge_faults::message::{is_acknowledgement, size};
use sfbridge_faults::{Kind, Ledger, Message, Posted};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How many send at once.
const SENDERS: u32 = 6;

/// The most messages of one sender in a run.
const MOST_MESSAGES: u32 = 5_000;

/// How many messages are sent once more in the end.
const SENT_AGAIN: usize = 40;

/// How long an answer is waited for. Salesforce waits for 60 seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// What all senders share.
#[derive(Debug)]
pub(crate) struct Senders {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    gateways: Vec<SocketAddr>,
    http: reqwest::Client,
    /// The next Lead of which nothing was told yet, and how many there are.
    next_lead: AtomicU32,
    leads: u32,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    ledger: Ledger,
    acknowledged: Vec<Message>,
}

impl Senders {
    /// Begins to send to these gateways, about Leads too, of which there are so
    /// many.
    pub(crate) fn start(
        gateways: Vec<SocketAddr>,
        leads: u32,
        random: &mut StdRng,
    ) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let shared = Arc::new(Shared {
            gateways,
            http: http.build()?,
            next_lead: AtomicU32::new(0),
            leads,
            noted: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        for sender in 0..SENDERS {
            let random = StdRng::seed_from_u64(random.random());
            tasks.spawn(Arc::clone(&shared).send_for_ever(sender, random));
        }
        Ok(Self { shared, tasks })
    }

    /// How many notifications were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.shared.noted().ledger.acknowledged().len()
    }

    /// How many attempts have failed so far.
    pub(crate) fn failed(&self) -> u64 {
        let noted = self.shared.noted();
        noted.ledger.refused + noted.ledger.unanswered
    }

    /// Ends all of them, wherever they are.
    pub(crate) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Sends some of what was acknowledged once more, as Salesforce does when
    /// the acknowledgement got lost. Whether all of it was acknowledged again.
    pub(crate) async fn send_again(&self, random: &mut StdRng) -> bool {
        const LIMIT: Duration = Duration::from_secs(90);
        let acknowledged = self.shared.noted().acknowledged.clone();
        let some: Vec<_> = acknowledged
            .choose_multiple(random, SENT_AGAIN)
            .cloned()
            .collect();
        let all = async {
            for message in &some {
                let mut turn = 0;
                while !self.shared.post(message, turn).await {
                    turn += 1;
                    sleep(Duration::from_millis(50)).await;
                }
            }
        };
        timeout(LIMIT, all).await.is_ok()
    }

    /// What was sent and acknowledged.
    pub(crate) fn ledger(&self) -> Ledger {
        self.shared.noted().ledger.clone()
    }
}

impl Shared {
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one message after the other, each until it is acknowledged; a few
    /// are given up.
    async fn send_for_ever(self: Arc<Self>, sender: u32, mut random: StdRng) {
        let mut next = sender * 10_000_000 + 1;
        for _ in 0..MOST_MESSAGES {
            let message = self.message(next, &mut random);
            let last = message.notifications().last();
            next = last.map_or(next, |last| last.number) + 1;
            self.noted().ledger.begin(&message);
            let is_doubled = random.random_bool(0.25);
            let is_given_up = random.random_bool(0.05);
            let mut turn = random.random_range(0..self.gateways.len());
            loop {
                let is_done = if is_doubled {
                    // The same through two gateways at the same time.
                    let (one, other) =
                        tokio::join!(self.post(&message, turn), self.post(&message, turn + 1));
                    one || other
                } else {
                    self.post(&message, turn).await
                };
                if is_done {
                    self.noted().acknowledged.push(message);
                    break;
                }
                if is_given_up {
                    break;
                }
                turn += 1;
                // Salesforce waits longer.
                sleep(Duration::from_millis(random.random_range(5..60))).await;
            }
            sleep(Duration::from_millis(random.random_range(0..20))).await;
        }
    }

    /// The next message, with notifications that are numbered from `first`.
    fn message(&self, first: u32, random: &mut StdRng) -> Message {
        const MOST_LEADS: u32 = 4;
        let size = size(random);
        let numbers = first..first + size;
        match random.random_range(0..10) {
            0 | 1 => {
                let wanted = size.min(MOST_LEADS);
                let from = self.next_lead.fetch_add(wanted, Ordering::Relaxed);
                if from + wanted <= self.leads {
                    Message::of_leads(first, from..from + wanted)
                } else {
                    Message::new(Kind::Event, numbers)
                }
            }
            // A Lead that nobody can understand, if there is a number for one.
            2 => match numbers.clone().find(|number| number.is_multiple_of(5)) {
                Some(bad) => Message::new(Kind::Lead, [bad]),
                None => Message::new(Kind::Rating, numbers),
            },
            3..=5 => Message::new(Kind::Rating, numbers),
            _ => Message::new(Kind::Event, numbers),
        }
    }

    /// Sends a message once; whether it is acknowledged.
    async fn post(&self, message: &Message, turn: usize) -> bool {
        let gateway = self.gateways[turn % self.gateways.len()];
        let request = self
            .http
            .post(format!("http://{gateway}{}", message.target()))
            .header("Content-Type", "text/xml; charset=UTF-8")
            .header("SOAPAction", "\"\"")
            .body(message.xml());
        let posted = match request.send().await {
            Err(_) => Posted::Unanswered,
            Ok(answer) => {
                let status = answer.status().as_u16();
                match answer.text().await {
                    Err(_) => Posted::Unanswered,
                    Ok(body) if is_acknowledgement(status, &body) => Posted::Acknowledged,
                    Ok(_) => Posted::Refused,
                }
            }
        };
        self.noted().ledger.note(message, posted);
        posted == Posted::Acknowledged
    }
}
