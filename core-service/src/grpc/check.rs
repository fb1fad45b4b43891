//! What the core would say of an item without looking at its store.

use sfbridge_proto::v1 as pb;

use super::notification_message::write_rejection;
use super::{call_rating_message, event_message, lead_enrichment_message};
use crate::recording::Item;

/// What the core would say of an item.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Why it would be rejected, if that shows without the store.
    pub rejection: Option<pb::Rejection>,
    /// What is doubtful about it, one sentence each.
    pub warnings: Vec<String>,
}

/// Checks an event: its values, not its installation.
pub fn event(event: pb::Event) -> Checked {
    checked(event_message::read(event, None), |event| event.warnings)
}

/// Checks a rating: its values, not its installation or rating items.
pub fn rating(rating: pb::CallRating) -> Checked {
    checked(call_rating_message::read(rating, None), |rating| {
        rating.warnings
    })
}

/// Checks a lead to enrich: its values, not its installation.
pub fn lead(lead: pb::LeadToEnrich) -> Checked {
    checked(lead_enrichment_message::read(lead, None), |lead| {
        lead.warnings
    })
}

fn checked<T>(item: Item<T>, warnings: impl FnOnce(T) -> Vec<String>) -> Checked {
    match item.content {
        Ok(content) => Checked {
            rejection: None,
            warnings: warnings(content),
        },
        Err(rejection) => Checked {
            rejection: Some(write_rejection(rejection)),
            warnings: Vec::new(),
        },
    }
}
