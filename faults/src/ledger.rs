//! What was sent, and what was said about it.

use std::collections::{BTreeMap, BTreeSet};

use crate::message::{Kind, Message, Notification};

/// How an attempt to send a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It was acknowledged.
    Acknowledged,
    /// It was answered otherwise.
    Refused,
    /// No answer came.
    Unanswered,
}

/// What was sent, and which of it was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    sent: BTreeMap<u32, Notification>,
    acknowledged: BTreeSet<u32>,
    /// Messages that were begun.
    pub messages: u64,
    /// Messages that were acknowledged at least once.
    pub acknowledged_messages: u64,
    /// Attempts.
    pub posts: u64,
    /// Attempts that were answered by something else than the acknowledgement.
    pub refused: u64,
    /// Attempts without an answer.
    pub unanswered: u64,
}

impl Ledger {
    /// Notes that a message is about to be sent for the first time.
    pub fn begin(&mut self, message: &Message) {
        self.messages += 1;
        let notifications = message.notifications().iter();
        self.sent
            .extend(notifications.map(|one| (one.number, *one)));
    }

    /// Notes how an attempt ended.
    pub fn note(&mut self, message: &Message, posted: Posted) {
        self.posts += 1;
        match posted {
            Posted::Acknowledged => {
                let numbers = message.notifications().iter().map(|one| one.number);
                let known = self.acknowledged.len();
                self.acknowledged.extend(numbers);
                self.acknowledged_messages += u64::from(self.acknowledged.len() > known);
            }
            Posted::Refused => self.refused += 1,
            Posted::Unanswered => self.unanswered += 1,
        }
    }

    /// The notifications that were sent, by number.
    pub fn sent(&self) -> &BTreeMap<u32, Notification> {
        &self.sent
    }

    /// The numbers of those that were acknowledged.
    pub fn acknowledged(&self) -> &BTreeSet<u32> {
        &self.acknowledged
    }

    /// The Leads whose notifications were acknowledged and can be understood.
    pub fn leads(&self) -> BTreeSet<u32> {
        let acknowledged = self.acknowledged.iter();
        acknowledged
            .filter_map(|number| self.sent.get(number))
            .filter(|one| one.kind == Kind::Lead && one.is_good)
            .map(|one| one.record)
            .collect()
    }
}
