//! Trying a batch: the same steps as recording it, in work that the writer
//! undoes.

use std::collections::HashSet;

use tracing::Dispatch;
use tracing::dispatcher;
use uuid::Uuid;

use super::super::StoreError;
use crate::recording::{ItemResult, Prospect, Verdict};

/// Runs the steps of a batch and says what they come to. `look` sees a record
/// before it is undone.
pub(super) fn verdicts(
    record: impl FnOnce() -> Result<Vec<ItemResult>, StoreError>,
    look: impl Fn(Uuid) -> Result<Option<Prospect>, StoreError>,
) -> Result<Vec<Verdict>, StoreError> {
    // The log tells what has happened, and nothing of this will have.
    let results = dispatcher::with_default(&Dispatch::none(), record)?;
    let mut undone = HashSet::new();
    results
        .into_iter()
        .map(|result| {
            Ok(match result {
                ItemResult::Recorded(id) => {
                    undone.insert(id);
                    Verdict::Recordable(look(id)?.unwrap_or_default())
                }
                ItemResult::Duplicate(id) => {
                    Verdict::Duplicate(Some(id).filter(|id| !undone.contains(id)))
                }
                ItemResult::Rejected {
                    rejection,
                    quarantined: _,
                } => Verdict::Rejected(rejection),
            })
        })
        .collect()
}
