//! What is still to be told.

use std::collections::HashSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sfbridge_values::SalesforceId;
use tokio::time::Instant;

use super::definition::{Change, Definition};
use super::envelope::{Envelope, Origin};
use super::schedule::RetrySchedule;
use crate::id::Ids;
use crate::org::Records;
use crate::schema::ObjectType;
use crate::sim::OutboundCounts;

/// How outbound messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundSettings {
    /// How likely an acknowledged notification is sent again all the same:
    /// 0 never, 1 always, each at most once.
    pub duplicates: f64,
    /// Send in another order than things happened in.
    pub shuffle: bool,
    /// How many times faster than Salesforce's time passes between attempts:
    /// 3600 makes 24 hours of 24 seconds.
    pub time_factor: f64,
}

impl Default for OutboundSettings {
    fn default() -> Self {
        Self {
            duplicates: 0.0,
            shuffle: false,
            time_factor: 1.0,
        }
    }
}

impl OutboundSettings {
    /// Whether the numbers can be used.
    ///
    /// # Errors
    ///
    /// What is wrong, to be read after the word settings.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if !(0.0..=1.0).contains(&self.duplicates) {
            return Err("duplicates must be from 0 to 1");
        }
        if !(0.001..=1e9).contains(&self.time_factor) {
            return Err("time_factor must be from 0.001 to 1000000000");
        }
        Ok(())
    }

    /// How long Salesforce's time takes here.
    fn takes(&self, time: Duration) -> Duration {
        Duration::try_from_secs_f64(time.as_secs_f64() / self.time_factor).unwrap_or(time)
    }
}

/// A notification that waits.
#[derive(Clone, Debug)]
struct Notification {
    id: SalesforceId,
    definition: usize,
    record: SalesforceId,
    due: Instant,
    schedule: RetrySchedule,
    /// Why it was not delivered the last time.
    reason: Option<String>,
    is_on_its_way: bool,
    /// It was acknowledged, and is sent again.
    is_repeated: bool,
}

/// The queue of notifications, and what became of those that left it.
#[derive(Debug)]
pub(crate) struct Outbox {
    definitions: Vec<Definition>,
    waiting: Vec<Notification>,
    failed: Vec<Notification>,
    delivered: u64,
    repeated: u64,
    attempts: u64,
    settings: OutboundSettings,
    random: StdRng,
}

/// A message that is due.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) endpoint: Url,
    pub(crate) body: Vec<u8>,
    pub(crate) notifications: Vec<SalesforceId>,
}

/// Failed notifications that Setup still lists; those before are forgotten.
const MOST_FAILED: usize = 10_000;

impl Outbox {
    pub(crate) fn new(settings: OutboundSettings, seed: u64) -> Self {
        Self {
            definitions: Vec::new(),
            waiting: Vec::new(),
            failed: Vec::new(),
            delivered: 0,
            repeated: 0,
            attempts: 0,
            settings,
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// Changes fire this one too from now on.
    pub(crate) fn add(&mut self, definition: Definition) {
        self.definitions.push(definition);
    }

    pub(crate) fn settings(&self) -> OutboundSettings {
        self.settings
    }

    pub(crate) fn set(&mut self, settings: OutboundSettings) {
        self.settings = settings;
    }

    /// Queues what a change fires.
    pub(crate) fn fire(
        &mut self,
        object: ObjectType,
        record: &SalesforceId,
        change: Change,
        now: Instant,
        ids: &mut Ids,
    ) {
        /// How far apart in time the order of changes gets lost.
        const SHUFFLED: f64 = 2.0;

        for (index, definition) in self.definitions.iter().enumerate() {
            if !definition.is_fired_by(object, change) {
                continue;
            }
            // The prefix is right, so there is an id.
            let Ok(id) = ids.next("04l") else { continue };
            let wait = if self.settings.shuffle {
                self.random.random_range(0.0..SHUFFLED)
            } else {
                0.0
            };
            self.waiting.push(Notification {
                id,
                definition: index,
                record: record.clone(),
                due: now + self.settings.takes(Duration::from_secs_f64(wait)),
                schedule: RetrySchedule::new(Some(RetrySchedule::PATIENCE)),
                reason: None,
                is_on_its_way: false,
                is_repeated: false,
            });
        }
    }

    /// The messages that are due, with the records as they are now, at most so
    /// many.
    pub(crate) fn take_due(
        &mut self,
        records: &Records,
        origin: &Origin,
        now: Instant,
        most: usize,
    ) -> Vec<Due> {
        const MOST_NOTIFICATIONS: usize = 100;

        let mut due = Vec::new();
        for (index, definition) in self.definitions.iter().enumerate() {
            let mut ready: Vec<usize> = (0..self.waiting.len())
                .filter(|&place| {
                    let waiting = &self.waiting[place];
                    waiting.definition == index && !waiting.is_on_its_way && waiting.due <= now
                })
                .collect();
            if self.settings.shuffle {
                ready.shuffle(&mut self.random);
            }
            for places in ready.chunks(MOST_NOTIFICATIONS) {
                if due.len() == most {
                    return due;
                }
                let notifications: Vec<_> = places
                    .iter()
                    .map(|&place| {
                        let waiting = &self.waiting[place];
                        let record = records.get(&waiting.record);
                        (&waiting.id, record.filter(|record| !record.is_deleted()))
                    })
                    .collect();
                let ids = notifications.iter().map(|&(id, _)| id.clone()).collect();
                let envelope = Envelope {
                    origin,
                    definition,
                    notifications,
                };
                // Memory takes what is written.
                let Ok(body) = envelope.write() else { continue };
                due.push(Due {
                    endpoint: definition.endpoint.clone(),
                    body,
                    notifications: ids,
                });
                for &place in places {
                    self.waiting[place].is_on_its_way = true;
                }
            }
        }
        due
    }

    /// When the next notification is due that is not on its way.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let waiting = self.waiting.iter().filter(|waiting| !waiting.is_on_its_way);
        waiting.map(|waiting| waiting.due).min()
    }

    /// Takes note of how a message ended.
    pub(crate) fn settle(
        &mut self,
        notifications: &[SalesforceId],
        outcome: &Result<(), String>,
        now: Instant,
    ) {
        /// How long after its acknowledgement a duplicate comes.
        const REPEAT: Duration = Duration::from_secs(3);

        self.attempts += 1;
        let settled: HashSet<&SalesforceId> = notifications.iter().collect();
        let mut left = Vec::with_capacity(self.waiting.len());
        for mut waiting in std::mem::take(&mut self.waiting) {
            if !waiting.is_on_its_way || !settled.contains(&waiting.id) {
                left.push(waiting);
                continue;
            }
            waiting.is_on_its_way = false;
            match outcome {
                Ok(()) if waiting.is_repeated => self.repeated += 1,
                Ok(()) => {
                    self.delivered += 1;
                    if self.random.random_bool(self.settings.duplicates) {
                        waiting.is_repeated = true;
                        waiting.due = now + self.settings.takes(REPEAT);
                        left.push(waiting);
                    }
                }
                Err(reason) => {
                    waiting.reason = Some(reason.clone());
                    match waiting.schedule.next_wait() {
                        Some(wait) => {
                            waiting.due = now + self.settings.takes(wait);
                            left.push(waiting);
                        }
                        None => self.give_up(waiting),
                    }
                }
            }
        }
        self.waiting = left;
    }

    fn give_up(&mut self, notification: Notification) {
        if self.failed.len() == MOST_FAILED {
            self.failed.remove(0);
        }
        self.failed.push(notification);
    }

    /// Sends again what was given up, as an admin can; how many there were.
    pub(crate) fn retry_failed(&mut self, now: Instant) -> usize {
        let definitions = &self.definitions;
        let (kept, lost): (Vec<_>, Vec<_>) = std::mem::take(&mut self.failed)
            .into_iter()
            .partition(|failed| definitions[failed.definition].keeps_failures);
        self.failed = lost;
        let count = kept.len();
        self.waiting
            .extend(kept.into_iter().map(|failed| Notification {
                due: now,
                schedule: RetrySchedule::new(Some(RetrySchedule::PATIENCE)),
                ..failed
            }));
        count
    }

    /// Makes everything that waits due.
    pub(crate) fn hurry(&mut self, now: Instant) {
        for waiting in &mut self.waiting {
            waiting.due = waiting.due.min(now);
        }
    }

    /// How many wait, were delivered, and were given up.
    pub(crate) fn numbers(&self) -> OutboundCounts {
        OutboundCounts {
            waiting: self.waiting.len(),
            delivered: self.delivered,
            failed: self.failed.len(),
        }
    }

    /// The same for the control API, with how it came to that.
    pub(crate) fn counts(&self) -> Json {
        json!({
            "waiting": self.waiting.len(),
            "delivered": self.delivered,
            "repeated": self.repeated,
            "failed": self.failed.len(),
            "messages": self.attempts,
        })
    }

    /// What Setup shows of the queue.
    pub(crate) fn json(&self, now: Instant) -> Json {
        let one = |notification: &Notification| {
            let definition = &self.definitions[notification.definition];
            json!({
                "id": notification.id.as_str(),
                "outbound_message": definition.name,
                "record": notification.record.as_str(),
                "attempts": notification.schedule.attempts() - u32::from(notification.reason.is_none()),
                "next_attempt_in_ms": notification
                    .due
                    .saturating_duration_since(now)
                    .as_millis()
                    .to_string()
                    .parse::<u64>()
                    .unwrap_or(u64::MAX),
                "delivery_failure_reason": notification.reason,
            })
        };
        json!({
            "counts": self.counts(),
            "settings": self.settings,
            "waiting": self.waiting.iter().map(one).collect::<Vec<_>>(),
            "failed": self.failed.iter().map(one).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use sfbridge_values::OrganizationId;

    use super::*;
    use crate::org::Record;
    use crate::outbound::{DefinitionDescription, Trigger};
    use crate::schema::Schema;

    struct Given {
        outbox: Outbox,
        records: Records,
        origin: Origin,
        ids: Ids,
        now: Instant,
    }

    impl Given {
        fn new(settings: OutboundSettings) -> Self {
            let description = DefinitionDescription {
                name: "Leads".to_owned(),
                object: "Lead".to_owned(),
                endpoint: "http://127.0.0.1:1/".to_owned(),
                fields: vec!["Company".to_owned()],
                on: Trigger::CreateOrUpdate,
                keep_failures: true,
            };
            let mut ids = Ids::default();
            let action = ids.next("04k").unwrap();
            let schema = Schema::new(&[], &[]).unwrap();
            let definition = Definition::new(&description, action, &schema).unwrap();
            Self {
                outbox: {
                    let mut outbox = Outbox::new(settings, 1);
                    outbox.add(definition);
                    outbox
                },
                records: Records::default(),
                origin: Origin {
                    organization: OrganizationId::parse("00D000000000062").unwrap(),
                    host: "acme.my.salesforce.com".to_owned(),
                },
                ids,
                now: Instant::now(),
            }
        }

        fn create(&mut self, count: usize) {
            for _ in 0..count {
                let id = self.ids.next("00Q").unwrap();
                self.records.add(Record::new(id.clone(), ObjectType::Lead));
                let object = ObjectType::Lead;
                self.outbox
                    .fire(object, &id, Change::Created, self.now, &mut self.ids);
            }
        }

        fn due(&mut self) -> Vec<Due> {
            self.outbox
                .take_due(&self.records, &self.origin, self.now, usize::MAX)
        }

        /// Time passes until something is due; what is due then.
        fn later(&mut self) -> Vec<Due> {
            self.now = self.outbox.next_due().unwrap().max(self.now);
            self.due()
        }

        fn settle(&mut self, due: &[Due], outcome: &Result<(), String>) {
            for due in due {
                self.outbox.settle(&due.notifications, outcome, self.now);
            }
        }
    }

    fn failed() -> Result<(), String> {
        Err("SOAP response was a nack".to_owned())
    }

    #[test]
    fn a_message_has_up_to_100_notifications() {
        let mut given = Given::new(OutboundSettings::default());
        given.create(250);
        let sizes: Vec<usize> = given
            .due()
            .iter()
            .map(|due| due.notifications.len())
            .collect();
        assert_eq!(sizes, [100, 100, 50]);
        assert!(given.due().is_empty(), "nothing is sent twice at a time");
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_for_24_hours() {
        let mut given = Given::new(OutboundSettings::default());
        given.create(1);
        let start = given.now;
        let mut due = given.due();
        let id = due[0].notifications.clone();
        let mut attempts = 1;
        loop {
            given.settle(&due, &failed());
            if given.outbox.next_due().is_none() {
                break;
            }
            due = given.later();
            attempts += 1;
            assert_eq!(due[0].notifications, id);
        }
        assert_eq!(given.now - start, RetrySchedule::PATIENCE);
        assert!(attempts > 20, "{attempts}");
        let json = given.outbox.json(given.now);
        assert_eq!(json["counts"]["failed"], 1);
        assert_eq!(
            json["failed"][0]["delivery_failure_reason"],
            "SOAP response was a nack"
        );

        assert_eq!(given.outbox.retry_failed(given.now), 1);
        assert_eq!(given.due()[0].notifications, id);
    }

    #[test]
    fn a_factor_makes_days_of_seconds() {
        let settings = OutboundSettings {
            time_factor: 86_400.0,
            ..OutboundSettings::default()
        };
        let mut given = Given::new(settings);
        given.create(1);
        let start = given.now;
        let mut due = given.due();
        while !due.is_empty() {
            given.settle(&due, &failed());
            due = if given.outbox.next_due().is_some() {
                given.later()
            } else {
                Vec::new()
            };
        }
        let day = given.now - start;
        assert!(
            day.abs_diff(Duration::from_secs(1)) < Duration::from_millis(1),
            "{day:?}"
        );
    }

    #[test]
    fn duplicates_keep_their_id_and_come_once() {
        let settings = OutboundSettings {
            duplicates: 1.0,
            ..OutboundSettings::default()
        };
        let mut given = Given::new(settings);
        given.create(3);
        let first = given.due();
        given.settle(&first, &Ok(()));
        let second = given.later();
        assert_eq!(second[0].notifications, first[0].notifications);
        given.settle(&second, &Ok(()));
        assert_eq!(given.outbox.next_due(), None);
        assert_eq!(given.outbox.counts()["repeated"], 3);
    }

    #[test]
    fn a_record_is_told_as_it_is_when_it_is_sent() {
        let mut given = Given::new(OutboundSettings::default());
        given.create(1);
        let due = given.due();
        assert!(!String::from_utf8_lossy(&due[0].body).contains("Later plc"));
        given.settle(&due, &failed());
        let id = given
            .records
            .of(ObjectType::Lead)
            .next()
            .unwrap()
            .id
            .clone();
        let record = given.records.get_mut(&id).unwrap();
        record.set("Company", Some(crate::value::Value::text("Later plc")));
        let body = String::from_utf8(given.later()[0].body.clone()).unwrap();
        assert!(
            body.contains("<sf:Company>Later plc</sf:Company>"),
            "{body}"
        );
    }

    #[test]
    fn shuffling_loses_the_order_and_nothing_else() {
        let settings = OutboundSettings {
            shuffle: true,
            ..OutboundSettings::default()
        };
        let mut given = Given::new(settings);
        given.create(100);
        given.now += Duration::from_secs(2);
        let mut ids: Vec<String> = given.due()[0]
            .notifications
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(!ids.is_sorted());
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 100);
    }
}
