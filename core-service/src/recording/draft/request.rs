//! What stores are asked to record.

use std::convert::Infallible;

use super::marked::mark;
use super::{Draft, Marked, Needs};
use crate::domain::{LeadToEnrich, NewCallRating, NewEvent};
use crate::recording::{Batch, ItemResult, Sender};

/// A batch that a [`Draft`] decides about, of one kind.
#[derive(Clone, Debug)]
pub enum Request {
    /// Events.
    Events(Marked<NewEvent>),
    /// Ratings.
    Ratings(Marked<NewCallRating>),
    /// Leads to enrich.
    Leads(Marked<LeadToEnrich>),
    /// Notifications that became no item.
    Rejected(Batch<Infallible>),
}

impl From<Batch<NewEvent>> for Request {
    fn from(batch: Batch<NewEvent>) -> Self {
        Self::Events(mark(batch))
    }
}

impl From<Batch<NewCallRating>> for Request {
    fn from(batch: Batch<NewCallRating>) -> Self {
        Self::Ratings(mark(batch))
    }
}

impl From<Batch<LeadToEnrich>> for Request {
    fn from(batch: Batch<LeadToEnrich>) -> Self {
        Self::Leads(mark(batch))
    }
}

impl From<Batch<Infallible>> for Request {
    fn from(batch: Batch<Infallible>) -> Self {
        Self::Rejected(batch)
    }
}

impl Request {
    /// On whose account it is.
    pub fn sender(&self) -> Sender {
        match self {
            Self::Events(marked) => marked.batch.sender(),
            Self::Ratings(marked) => marked.batch.sender(),
            Self::Leads(marked) => marked.batch.sender(),
            Self::Rejected(batch) => batch.sender(),
        }
    }

    /// How many items it has.
    pub fn items(&self) -> usize {
        match self {
            Self::Events(marked) => marked.batch.items.len(),
            Self::Ratings(marked) => marked.batch.items.len(),
            Self::Leads(marked) => marked.batch.items.len(),
            Self::Rejected(batch) => batch.items.len(),
        }
    }

    /// Adds what it needs to know of the store.
    pub fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::Events(events) => needs.add(events),
            Self::Ratings(ratings) => needs.add(ratings),
            Self::Leads(leads) => needs.add_leads(leads),
            Self::Rejected(batch) => needs.add_rejected(batch),
        }
    }
}

impl Draft {
    /// Decides about a request, whose needs were read; one result for each item,
    /// in order.
    pub fn decide(&mut self, request: Request) -> Vec<ItemResult> {
        match request {
            Request::Events(events) => self.record(events),
            Request::Ratings(ratings) => self.record(ratings),
            Request::Leads(leads) => self.record(leads),
            Request::Rejected(batch) => self.quarantine(batch),
        }
    }
}
