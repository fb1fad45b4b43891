//! Trying a batch: the same steps as recording it, in a transaction that is
//! undone.

use std::collections::HashSet;

use deadpool_postgres::Transaction;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;
use uuid::Uuid;

use super::super::StoreError;
use super::database::{Database, Tries};
use super::recording::{self, Work};
use super::{events, lead_enrichments, ratings};
use crate::recording::{ItemResult, Prospect, RecordKind, Request, Verdict};

/// Runs the steps of a batch and says what they come to.
pub(super) async fn verdicts(
    database: &Database,
    request: Request,
) -> Result<Vec<Verdict>, StoreError> {
    let kind = match request {
        Request::Events(_) => RecordKind::Event,
        Request::Ratings(_) => RecordKind::CallRating,
        Request::Leads(_) | Request::Rejected(_) => RecordKind::LeadEnrichment,
    };
    let requests = [Work::Recorded(request)];
    let mut tries = database.tries();
    loop {
        let tried = try_once(&tries, kind, &requests).await;
        if let Some(tried) = tries.end(tried).await {
            return tried;
        }
    }
}

async fn try_once(
    tries: &Tries<'_>,
    kind: RecordKind,
    requests: &[Work],
) -> Result<Vec<Verdict>, StoreError> {
    let mut client = tries.client().await?;
    let transaction = client.transaction().await?;
    // The log tells what has happened, and nothing of this will have.
    let recorded = recording::record_in(&transaction, requests)
        .with_subscriber(Dispatch::none())
        .await?;
    let mut undone = HashSet::new();
    let mut verdicts = Vec::new();
    for result in recorded.results.into_iter().flatten() {
        verdicts.push(match result {
            ItemResult::Recorded(id) => {
                undone.insert(id);
                Verdict::Recordable(look(&transaction, kind, id).await?)
            }
            ItemResult::Duplicate(id) => {
                Verdict::Duplicate(Some(id).filter(|id| !undone.contains(id)))
            }
            ItemResult::Rejected {
                rejection,
                quarantined: _,
            } => Verdict::Rejected(rejection),
        });
    }
    transaction.rollback().await?;
    Ok(verdicts)
}

/// What a record is like that will be undone.
async fn look(
    transaction: &Transaction<'_>,
    kind: RecordKind,
    id: Uuid,
) -> Result<Prospect, StoreError> {
    let prospect = match kind {
        RecordKind::Event => {
            let event = events::find(transaction, id).await?;
            event.map(|event| Prospect {
                warnings: event.warnings,
                tie: Some(event.tie),
            })
        }
        RecordKind::CallRating => {
            let rating = ratings::find(transaction, id).await?;
            rating.map(|rating| Prospect {
                warnings: rating.warnings,
                tie: None,
            })
        }
        RecordKind::LeadEnrichment => {
            let job = lead_enrichments::find(transaction, id).await?;
            job.map(|job| Prospect {
                warnings: job.warnings,
                tie: None,
            })
        }
    };
    Ok(prospect.unwrap_or_default())
}
