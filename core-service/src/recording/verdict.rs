//! What would become of items that are only tried.

use uuid::Uuid;

use crate::domain::{Match, Rejection};

/// What would become of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would be recorded.
    Recordable(Prospect),
    /// It was seen before: this is the first record's id, unless that would be
    /// an item before it in the same batch.
    Duplicate(Option<Uuid>),
    /// It breaks this rule.
    Rejected(Rejection),
}

/// What a record would be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prospect {
    /// What would be doubtful about it, one sentence each.
    pub warnings: Vec<String>,
    /// What it would be tied to, if it is an event.
    pub tie: Option<Match>,
}
