//! What a run has come to.

use std::fmt;
use std::ops::AddAssign;

use crate::findings::{Findings, Held};
use crate::leads::LeadFindings;
use crate::ledger::Ledger;

/// What a run, or several together, have come to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Messages that were sent, and how many of them were acknowledged.
    pub messages: u64,
    /// Attempts to send them.
    pub posts: u64,
    /// Attempts that were not acknowledged.
    pub failed_posts: u64,
    /// Notifications that were sent.
    pub sent: usize,
    /// Notifications that were acknowledged.
    pub acknowledged: usize,
    /// Of those, how many are there.
    pub present: usize,
    /// Notifications that are there and were not acknowledged.
    pub unacknowledged: usize,
    /// How many are in the quarantine.
    pub quarantined: usize,
    /// Notifications that are there more than once.
    pub doubled: usize,
    /// Acknowledged notifications that are not there.
    pub lost: usize,
    /// Lead enrichments that are done.
    pub jobs: usize,
    /// How many times a Lead was written to.
    pub writes: usize,
    /// Of those, how many wrote once more what the Lead had already.
    pub repeated: usize,
    /// Jobs that were interrupted.
    pub interrupted: usize,
    /// What is wrong, a sentence each.
    pub violations: Vec<String>,
}

impl Outcome {
    /// Of one run.
    pub fn of(ledger: &Ledger, held: &Held, leads: &LeadFindings) -> Self {
        let findings = Findings::of(ledger, held);
        let mut violations = findings.violations();
        violations.extend(leads.violations.iter().cloned());
        Self {
            messages: ledger.messages,
            posts: ledger.posts,
            failed_posts: ledger.refused + ledger.unanswered,
            sent: ledger.sent().len(),
            acknowledged: ledger.acknowledged().len(),
            present: findings.present,
            unacknowledged: findings.unacknowledged,
            quarantined: held.quarantined.len(),
            doubled: findings.doubled.len(),
            lost: findings.lost.len(),
            jobs: leads.jobs,
            writes: leads.writes,
            repeated: leads.repeated,
            interrupted: leads.interrupted,
            violations,
        }
    }
}

impl AddAssign<&Self> for Outcome {
    fn add_assign(&mut self, other: &Self) {
        self.messages += other.messages;
        self.posts += other.posts;
        self.failed_posts += other.failed_posts;
        self.sent += other.sent;
        self.acknowledged += other.acknowledged;
        self.present += other.present;
        self.unacknowledged += other.unacknowledged;
        self.quarantined += other.quarantined;
        self.doubled += other.doubled;
        self.lost += other.lost;
        self.jobs += other.jobs;
        self.writes += other.writes;
        self.repeated += other.repeated;
        self.interrupted += other.interrupted;
        self.violations.extend(other.violations.iter().cloned());
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages in {} posts ({} not acknowledged); {} notifications, {} acknowledged, {} \
             of them present ({} quarantined in all, {} there unacknowledged); duplicates {}, lost \
             {}; {} jobs done by {} writes ({} jobs interrupted, {} writes of the same again)",
            self.messages,
            self.posts,
            self.failed_posts,
            self.sent,
            self.acknowledged,
            self.present,
            self.quarantined,
            self.unacknowledged,
            self.doubled,
            self.lost,
            self.jobs,
            self.writes,
            self.interrupted,
            self.repeated,
        )
    }
}
