//! What is to be written for each item of a batch.
//!
//! Everything here is a pure function of the item, of what the store knows
//! about it, and of `now`. A store runs these inside its transaction, so both
//! backends decide alike.

mod admission;
mod call_ratings;
mod draft;
mod events;
mod item;
mod key_digest;
mod lead_enrichments;
mod sender;
mod verdict;

pub use admission::{Admission, admit};
pub use call_ratings::canonical_rating;
pub use draft::{
    ChangedInstallation, Changes, Draft, Held, Hold, LeadKey, Marked, Needs, PlacedRating, Release,
    Request, Seen, UsedKey,
};
pub use events::complete_event;
pub use item::{
    Batch, IdempotencyKey, Item, ItemResult, RecordKind, UnknownInstallations, new_record_id,
};
pub use key_digest::KeyDigest;
pub use lead_enrichments::{for_installation, new_enrichment, rejected_repeat_warning};
pub use sender::Sender;
pub use verdict::{Prospect, Verdict};
