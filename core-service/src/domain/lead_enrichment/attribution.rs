//! What a model made of a journey, as it is kept with a job.

use sfbridge_values::Timestamp;
use uuid::Uuid;

use super::attempt::cut;
use crate::domain::{Attribution, AttributionModel};

/// What a model made of a journey, kept with the visits that it came from: so
/// the past can be explained, and another model be asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAttribution {
    /// The model.
    pub attribution_model_id: i32,
    /// Its name at that time.
    pub attribution_model_name: String,
    /// Whether there was no visit up to the as-of time, so that the earliest
    /// later one stood in.
    pub is_late: bool,
    /// The visits with a share, in order of time. Of more than
    /// [`Self::MAX_SHARES`] the greatest shares, and of equal ones the latest.
    pub shares: Vec<KeptShare>,
    /// How many visits had a share, those that are not kept included.
    pub share_count: u32,
}

/// A visit and its share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptShare {
    /// The visit.
    pub visit_id: Uuid,
    /// Its time.
    pub visit_time: Timestamp,
    /// Its channel.
    pub channel_name: String,
    /// The type of its channel.
    pub channel_type: String,
    /// Its share in parts per million.
    pub parts: u32,
    /// Whether Lead fields are filled from it.
    pub is_chosen: bool,
}

const MAX_CHANNEL: usize = 255;

impl KeptAttribution {
    /// The most shares that are kept.
    pub const MAX_SHARES: usize = 1_000;

    /// Takes what is kept from what a model made of a journey.
    pub fn of(model: &AttributionModel, attribution: &Attribution<'_>) -> Self {
        let chosen = attribution.chosen().map(|visit| visit.visit_id);
        let mut shares: Vec<_> = attribution.shares.iter().enumerate().collect();
        if shares.len() > Self::MAX_SHARES {
            shares.sort_by_key(|(place, share)| std::cmp::Reverse((share.parts, *place)));
            shares.truncate(Self::MAX_SHARES);
            shares.sort_by_key(|(place, _)| *place);
        }
        let text = |text: &String| {
            let mut text = text.clone();
            cut(&mut text, MAX_CHANNEL);
            text
        };
        let shares = shares
            .into_iter()
            .map(|(_, share)| KeptShare {
                visit_id: share.visit.visit_id,
                visit_time: share.visit.visit_time,
                channel_name: text(&share.visit.channel_name),
                channel_type: text(&share.visit.channel_type),
                parts: share.parts,
                is_chosen: chosen == Some(share.visit.visit_id),
            })
            .collect();
        Self {
            attribution_model_id: model.id().get(),
            attribution_model_name: model.display_name().as_str().to_owned(),
            is_late: attribution.is_late,
            shares,
            share_count: u32::try_from(attribution.shares.len()).unwrap_or(u32::MAX),
        }
    }
}
