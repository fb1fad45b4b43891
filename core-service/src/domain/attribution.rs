//! Attribution: which of a visitor's visits a lead, an event or a call is owed
//! to.
//!
//! Nothing depends on the order in which visits were recorded: a journey is
//! put in order first, and all arithmetic is in whole numbers.

mod custom;
mod id;
mod journey;
mod model;
mod shares;

pub use custom::{AttributionModels, CustomModel, InvalidAttributionModels};
pub use id::{AttributionModelId, InvalidAttributionModelId};
pub use journey::{Considered, Journey};
pub use model::{
    AttributionModel, Channels, InvalidAttributionModel, ModelKind, NewAttributionModel,
};
pub use shares::{Share, WHOLE};

use sfbridge_values::Timestamp;

use super::Visit;

/// What a model makes of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution<'a> {
    /// The visits that have a share, in order of time. The shares add up to
    /// [`WHOLE`].
    pub shares: Vec<Share<'a>>,
    /// Whether there was no visit up to the as-of time, so that the earliest
    /// later one stands in.
    pub is_late: bool,
}

impl<'a> Attribution<'a> {
    /// The one visit that a lead is owed to: the one with the greatest share,
    /// the latest among equals.
    pub fn chosen(&self) -> Option<&'a Visit> {
        let chosen = self.shares.iter().max_by_key(|share| share.parts)?;
        Some(chosen.visit)
    }
}

impl AttributionModel {
    /// Shares a journey out, as seen at a time. `None` when the model selects
    /// no visit of it.
    pub fn attribute<'a>(&self, journey: &'a Journey, as_of: Timestamp) -> Option<Attribution<'a>> {
        let considered = journey.as_of(as_of);
        let selected = self.select(&considered, as_of);
        if selected.is_empty() {
            return None;
        }
        Some(Attribution {
            shares: shares::share_out(&selected, |place| self.weight(place, selected.len())),
            is_late: considered.is_late(),
        })
    }
}

#[cfg(test)]
mod tests;
