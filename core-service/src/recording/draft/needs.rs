//! What a group of batches needs to know of the store.

use std::collections::BTreeSet;

use sfbridge_values::Igrp;
use uuid::Uuid;

use super::{Marked, Recordable};
use crate::domain::{LeadEnrichment, LeadToEnrich, identity};
use crate::recording::{Batch, KeyDigest, RecordKind};

/// The lead that a job is for, as far as jobs are told apart by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeadKey {
    /// The installation.
    pub igrp: Igrp,
    /// The first 15 characters of the organisation's id.
    pub organization_key: String,
    /// The first 15 characters of the Lead's id.
    pub record_key: String,
}

impl LeadKey {
    /// The lead of a job.
    pub fn of(job: &LeadEnrichment) -> Self {
        Self {
            igrp: job.igrp,
            organization_key: identity(&job.organization_id).to_owned(),
            record_key: identity(&job.record_id).to_owned(),
        }
    }

    /// The lead of a request.
    pub fn requested(igrp: Igrp, request: &LeadToEnrich) -> Self {
        Self {
            igrp,
            organization_key: request.organization_id.key().to_owned(),
            record_key: request.record_id.key().to_owned(),
        }
    }
}

/// What a group of batches needs to know of the store. Sorted, so that
/// transactions which lock what they read do so in one order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Installations.
    pub igrps: BTreeSet<Igrp>,
    /// Keys of events.
    pub event_keys: BTreeSet<KeyDigest>,
    /// Keys of ratings.
    pub rating_keys: BTreeSet<KeyDigest>,
    /// Keys of lead enrichments. Their jobs are needed too.
    pub lead_keys: BTreeSet<KeyDigest>,
    /// Leads whose open job is needed.
    pub leads: BTreeSet<LeadKey>,
    /// Notifications whose quarantine record is needed, by the key's hash.
    pub held_keys: BTreeSet<[u8; 16]>,
    /// Notifications whose quarantine record is needed, by its id.
    pub replays: BTreeSet<Uuid>,
}

impl Needs {
    /// Adds what a batch of records needs.
    pub(super) fn add<T: Recordable>(&mut self, Marked { batch, marks }: &Marked<T>) {
        for (item, mark) in batch.items.iter().zip(marks) {
            self.igrps.extend(item.igrp);
            let notification = item.notification.as_ref();
            self.replays
                .extend(notification.and_then(|notification| notification.replay_of));
            if let Some(digest) = mark.digest {
                self.keys_mut(T::KIND).insert(digest);
                self.held_keys.insert(*digest.hash());
            }
        }
    }

    /// Adds what a batch of things needs that are known by what they are.
    pub fn add_installations<T>(&mut self, batch: &Batch<T>) {
        self.igrps
            .extend(batch.items.iter().filter_map(|item| item.igrp));
    }

    /// Adds what a batch of leads needs.
    pub(super) fn add_leads(&mut self, leads: &Marked<LeadToEnrich>) {
        self.add(leads);
        for item in &leads.batch.items {
            if let (Some(igrp), Ok(request)) = (item.igrp, &item.content) {
                self.leads.insert(LeadKey::requested(igrp, request));
            }
        }
    }

    /// Adds what notifications need that became no item.
    pub(super) fn add_rejected(&mut self, batch: &Batch<std::convert::Infallible>) {
        for item in &batch.items {
            let notification = item.notification.as_ref();
            let kind = notification
                .and_then(|notification| RecordKind::of_endpoint(&notification.endpoint));
            if let (Some(key), Some(kind)) = (&item.idempotency_key, kind) {
                self.held_keys.insert(*key.digest(kind).hash());
            }
        }
    }

    /// The keys of a kind of record.
    pub fn keys(&self, kind: RecordKind) -> &BTreeSet<KeyDigest> {
        match kind {
            RecordKind::Event => &self.event_keys,
            RecordKind::CallRating => &self.rating_keys,
            RecordKind::LeadEnrichment => &self.lead_keys,
        }
    }

    fn keys_mut(&mut self, kind: RecordKind) -> &mut BTreeSet<KeyDigest> {
        match kind {
            RecordKind::Event => &mut self.event_keys,
            RecordKind::CallRating => &mut self.rating_keys,
            RecordKind::LeadEnrichment => &mut self.lead_keys,
        }
    }
}
