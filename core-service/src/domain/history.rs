//! What is known of a visitor.

use sfbridge_values::{Timestamp, VisitorId};

use super::{Attribution, Call, CallRating, Journey, MarketingData};

/// The visits and calls of one visitor, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct VisitorHistory {
    /// The visitor. `None` when only a call is known, and it has none.
    pub visitor_id: Option<VisitorId>,
    /// The visits.
    pub journey: Journey,
    /// How many calls there were up to the as-of time.
    pub call_count: usize,
    /// The last of them.
    pub last_call: Option<Call>,
    /// The present rating of that call.
    pub call_rating: Option<CallRating>,
}

impl VisitorHistory {
    /// The most visits of one visitor that are looked at, beside the first.
    pub const MAX_VISITS: u32 = 10_000;

    /// What is known as of a time, with the visit that a model chose.
    pub fn marketing_data<'a>(
        &'a self,
        attribution: Option<&Attribution<'a>>,
        as_of: Timestamp,
    ) -> MarketingData<'a> {
        MarketingData {
            considered: self.journey.as_of(as_of),
            chosen: attribution.and_then(Attribution::chosen),
            call_count: self.call_count,
            last_call: self.last_call.as_ref(),
            call_rating: self.call_rating.as_ref(),
        }
    }
}
