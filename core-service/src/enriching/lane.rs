//! The work on the lead enrichments of one installation, up to 200 at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sfbridge_values::Igrp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use super::EnrichingConfig;
use super::lookup::{self, Found, LookedUp};
use super::metrics::EnrichingMetrics;
use super::orgs::{Orgs, after};
use super::push::{Push, Pushed};
use crate::clock;
use crate::domain::{Installation, RunResult, Settlement};
use crate::store::{ClaimedEnrichment, EnrichmentClaim, Store, StoreError};

/// What all lanes share.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) store: Store,
    pub(super) orgs: Orgs,
    pub(super) config: EnrichingConfig,
    pub(super) metrics: EnrichingMetrics,
    /// Who works; unique to this life of the process.
    pub(super) owner: Uuid,
    pub(super) stop: CancellationToken,
}

/// How a lane's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneEnd {
    /// Nothing is due any more, or a bit of what is due was done.
    Done,
    /// A call failed; the lane is left alone for a while, for at least as long.
    Failing(Option<Duration>),
    /// The organisation has no API calls to spare; the lane is left alone for so
    /// long.
    OverQuota(Duration),
}

/// Jobs that were taken up, and looked up.
#[derive(Debug, Default)]
struct Batch {
    found: Vec<Found>,
    settled: Vec<Settlement>,
    /// Whether there may be more.
    is_full: bool,
}

/// The most jobs in a batch: as many as Salesforce takes in a call.
const BATCH: usize = 200;

/// The most batches in a run, so that other installations have their turn.
const BATCHES: usize = 5;

impl Lanes {
    /// Works on what is due of an installation.
    pub(super) async fn run(&self, igrp: Igrp) -> LaneEnd {
        match self.work(igrp).await {
            Ok(end) => end,
            Err(StoreError::Closed) => LaneEnd::Done,
            Err(error) => {
                warn!(
                    igrp = igrp.get(),
                    error = &error as &dyn std::error::Error,
                    "the store could not do what the work on lead enrichments needs"
                );
                LaneEnd::Failing(None)
            }
        }
    }

    async fn work(&self, igrp: Igrp) -> Result<LaneEnd, StoreError> {
        let Some(installation) = self.store.installation(igrp).await? else {
            self.orgs.forget(igrp);
            return Ok(LaneEnd::Done);
        };
        self.orgs.revive(&installation).await?;
        let mut batch = self.take_up(&installation).await?;
        for number in 1..=BATCHES {
            if batch.is_empty() {
                break;
            }
            // The next batch is looked up while this one is written.
            let looks_ahead = batch.is_full && number < BATCHES && !self.stop.is_cancelled();
            let (end, next) = tokio::join!(self.finish(&installation, batch), async {
                if looks_ahead {
                    self.take_up(&installation).await
                } else {
                    Ok(Batch::default())
                }
            });
            let next = next?;
            match end? {
                LaneEnd::Done => batch = next,
                end => {
                    self.give_back(next, "Salesforce asks for a pause.").await?;
                    return Ok(end);
                }
            }
        }
        Ok(LaneEnd::Done)
    }

    /// Takes up jobs that are due, and looks up how their leads came.
    async fn take_up(&self, installation: &Installation) -> Result<Batch, StoreError> {
        if self.stop.is_cancelled() {
            return Ok(Batch::default());
        }
        let now = clock::now();
        let claim = EnrichmentClaim {
            igrp: installation.igrp,
            owner: self.owner,
            now,
            lease_until: after(now, self.config.lease),
            limit: BATCH,
        };
        let claimed = patiently(|| self.store.claim_enrichments(claim)).await?;
        let mut batch = Batch {
            is_full: claimed.len() == BATCH,
            ..Batch::default()
        };
        let mut seen = HashSet::new();
        for looked_up in self.look_up(installation, claimed).await? {
            match looked_up {
                LookedUp::Settled(settled) => batch.settled.push(*settled),
                LookedUp::Found(found) if seen.insert(found.record_id.clone()) => {
                    batch.found.push(*found);
                }
                // One call takes a Lead once; the other job's turn comes next.
                LookedUp::Found(found) => {
                    let why = "The same Lead is being written for another job.".to_owned();
                    let result = RunResult::Postponed(now, why);
                    batch.settled.push(found.settle(result, Vec::new()));
                }
            }
        }
        Ok(batch)
    }

    /// Looks up several at once, as many as there are readers.
    async fn look_up(
        &self,
        installation: &Installation,
        claimed: Vec<ClaimedEnrichment>,
    ) -> Result<Vec<LookedUp>, StoreError> {
        const AT_ONCE: usize = 4;

        let share = claimed.len().div_ceil(AT_ONCE).max(1);
        let installation = Arc::new(installation.clone());
        let mut claimed = claimed.into_iter();
        let mut tasks = JoinSet::new();
        loop {
            let some: Vec<_> = claimed.by_ref().take(share).collect();
            if some.is_empty() {
                break;
            }
            let (store, installation) = (self.store.clone(), Arc::clone(&installation));
            tasks.spawn(async move {
                let mut looked_up = Vec::with_capacity(some.len());
                for one in some {
                    looked_up.push(lookup::look_up(&store, &installation, one).await?);
                }
                Ok::<_, StoreError>(looked_up)
            });
        }
        let mut looked_up = Vec::new();
        while let Some(done) = tasks.join_next().await {
            looked_up.extend(done.map_err(|_| StoreError::Defect)??);
        }
        Ok(looked_up)
    }

    /// Writes a batch, and keeps what came of it.
    async fn finish(
        &self,
        installation: &Installation,
        batch: Batch,
    ) -> Result<LaneEnd, StoreError> {
        let Batch {
            found, mut settled, ..
        } = batch;
        let mut end = LaneEnd::Done;
        if !found.is_empty() {
            let pushed = Push::new(self, installation).run(found).await?;
            let Pushed { settlements, pause } = pushed;
            settled.extend(settlements);
            end = pause.unwrap_or(LaneEnd::Done);
        }
        self.settle(settled).await?;
        Ok(end)
    }

    /// Lets jobs be taken up again that were looked up and no more.
    async fn give_back(&self, batch: Batch, why: &str) -> Result<(), StoreError> {
        let Batch {
            found, mut settled, ..
        } = batch;
        let now = clock::now();
        settled.extend(
            found
                .iter()
                .map(|found| found.settle(RunResult::Postponed(now, why.to_owned()), Vec::new())),
        );
        self.settle(settled).await
    }

    pub(super) async fn settle(&self, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        if settlements.is_empty() {
            return Ok(());
        }
        let now = clock::now();
        patiently(|| self.store.settle_enrichments(settlements.clone(), now)).await?;
        Ok(())
    }
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.found.is_empty() && self.settled.is_empty()
    }
}

/// Does something with the store again and again as long as it has too much to
/// do, or can't be reached for a moment.
pub(super) async fn patiently<T, F>(work: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    const TRIES: usize = 100;
    const PAUSE: Duration = Duration::from_millis(100);

    for _ in 1..TRIES {
        match work().await {
            Err(StoreError::Overloaded | StoreError::Contended(_) | StoreError::Unreachable(_)) => {
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
    work().await
}
