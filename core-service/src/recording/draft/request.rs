//! What stores are asked to record.

use std::convert::Infallible;

use super::{Draft, Needs};
use crate::domain::{LeadToEnrich, NewCallRating, NewEvent};
use crate::recording::{Batch, ItemResult, RecordKind, Sender};

/// A batch that a [`Draft`] decides about, of one kind.
#[derive(Clone, Debug)]
pub enum Request {
    /// Events.
    Events(Batch<NewEvent>),
    /// Ratings.
    Ratings(Batch<NewCallRating>),
    /// Leads to enrich.
    Leads(Batch<LeadToEnrich>),
    /// Notifications that became no item.
    Rejected(Batch<Infallible>),
}

impl Request {
    /// On whose account it is.
    pub fn sender(&self) -> Sender {
        match self {
            Self::Events(batch) => batch.sender(),
            Self::Ratings(batch) => batch.sender(),
            Self::Leads(batch) => batch.sender(),
            Self::Rejected(batch) => batch.sender(),
        }
    }

    /// How many items it has.
    pub fn items(&self) -> usize {
        match self {
            Self::Events(batch) => batch.items.len(),
            Self::Ratings(batch) => batch.items.len(),
            Self::Leads(batch) => batch.items.len(),
            Self::Rejected(batch) => batch.items.len(),
        }
    }

    /// Adds what it needs to know of the store.
    pub fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::Events(batch) => needs.add(batch, RecordKind::Event),
            Self::Ratings(batch) => needs.add(batch, RecordKind::CallRating),
            Self::Leads(batch) => needs.add_leads(batch),
            Self::Rejected(batch) => needs.add_rejected(batch),
        }
    }
}

impl Draft {
    /// Decides about a request, whose needs were read; one result for each item,
    /// in order.
    pub fn decide(&mut self, request: Request) -> Vec<ItemResult> {
        match request {
            Request::Events(batch) => self.record_events(batch),
            Request::Ratings(batch) => self.rate_calls(batch),
            Request::Leads(batch) => self.enrich_leads(batch),
            Request::Rejected(batch) => self.quarantine(batch),
        }
    }
}
