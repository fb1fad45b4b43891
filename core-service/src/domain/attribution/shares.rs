//! Shares in whole parts.

use crate::domain::Visit;

/// All parts of what is shared out.
pub const WHOLE: u32 = 1_000_000;

/// A visit's share.
#[derive(Clone, Copy, Debug)]
pub struct Share<'a> {
    /// The visit.
    pub visit: &'a Visit,
    /// Its parts of [`WHOLE`].
    pub parts: u32,
}

impl PartialEq for Share<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.visit.visit_id == other.visit.visit_id && self.parts == other.parts
    }
}

impl Eq for Share<'_> {}

/// Shares the whole out over visits by their weights. What whole parts can't
/// express goes to the latest visits, one part each.
pub(super) fn share_out<'a>(visits: &[&'a Visit], weight: impl Fn(usize) -> u32) -> Vec<Share<'a>> {
    let weights = || (0..visits.len()).map(|place| u64::from(weight(place)));
    let sum: u64 = weights().sum();
    let mut shares: Vec<_> = visits
        .iter()
        .zip(weights())
        .map(|(visit, weight)| Share {
            visit,
            // A part is at most the whole, and a weight is at least 1.
            parts: u32::try_from(u64::from(WHOLE) * weight / sum.max(1)).unwrap_or(WHOLE),
        })
        .collect();

    let given: u32 = shares.iter().map(|share| share.parts).sum();
    let rest = usize::try_from(WHOLE.saturating_sub(given)).unwrap_or(usize::MAX);
    for share in shares.iter_mut().rev().take(rest) {
        share.parts += 1;
    }
    shares
}
