//! Which installations are worked on, and when.
//!
//! Nobody looks while nothing is due: the next time that something is, a write
//! that makes something due sooner, and the end of a lane are waited for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sfbridge_values::{Igrp, Timestamp};
use tokio::task::{Id, JoinError, JoinSet};
use tracing::{error, warn};

use super::lane::{LaneEnd, Lanes};
use super::orgs::after;
use crate::clock;
use crate::domain::retry_delay;
use crate::salesforce::Connections;
use crate::store::StoreError;

/// Starts lanes, at most one for each installation.
#[derive(Debug)]
pub(super) struct Dispatcher {
    lanes: Arc<Lanes>,
    running: JoinSet<(Igrp, LaneEnd)>,
    /// The installations that are worked on, by task.
    active: HashMap<Id, Igrp>,
    pauses: HashMap<Igrp, Pause>,
}

/// An installation that is left alone for a while.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    /// How many times in a row its calls failed.
    failures: u32,
    until: Option<Timestamp>,
}

/// The most installations that are worked on at once.
const MOST_LANES: usize = 16;

/// The longest that an installation is left alone because calls fail.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

impl Dispatcher {
    pub(super) fn new(lanes: Arc<Lanes>) -> Self {
        Self {
            lanes,
            running: JoinSet::new(),
            active: HashMap::new(),
            pauses: HashMap::new(),
        }
    }

    /// Works until told to stop; then lets lanes come to the end of a job.
    pub(super) async fn run(mut self, connections: &Connections) {
        let stop = self.lanes.stop.clone();
        let mut alarm = self.lanes.store.enrichment_alarm();
        let mut changes = connections.changes();
        // What waited for a connection when the process ended looks again.
        let mut looks_again = true;
        while !stop.is_cancelled() {
            alarm.mark_unchanged();
            let next = match self.start(looks_again).await {
                Ok(next) => {
                    looks_again = false;
                    next
                }
                Err(StoreError::Closed) => break,
                Err(error) => {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "it can't be seen which lead enrichments are due"
                    );
                    Some(after(clock::now(), Duration::from_secs(1)))
                }
            };
            let longest = self.lanes.store.longest_silence();
            tokio::select! {
                () = stop.cancelled() => {}
                rung = alarm.changed() => {
                    if rung.is_err() {
                        break;
                    }
                }
                told = changes.changed() => {
                    if told.is_err() {
                        break;
                    }
                    looks_again = true;
                }
                Some(ended) = self.running.join_next_with_id() => self.end(ended),
                () = tokio::time::sleep(until(next, longest)) => {}
            }
        }
        while self.running.join_next().await.is_some() {}
    }

    /// Starts what is due; when to look again.
    async fn start(&mut self, looks_again: bool) -> Result<Option<Timestamp>, StoreError> {
        let Self { lanes, .. } = &*self;
        if looks_again {
            lanes.orgs.look_again().await?;
        }
        let now = clock::now();
        let due = lanes.store.due_enrichments(now).await?;
        let (retries, next_retry) = lanes.orgs.retries(now);
        let mut next = [due.next_time, next_retry].into_iter().flatten().min();
        for igrp in retries.into_iter().chain(due.installations) {
            let paused = self.pauses.get(&igrp).and_then(|pause| pause.until);
            if let Some(until) = paused.filter(|until| *until > now) {
                next = Some(next.map_or(until, |next| next.min(until)));
                continue;
            }
            let is_active = self.active.values().any(|active| *active == igrp);
            // The end of a lane makes room for others.
            if !is_active && self.active.len() < MOST_LANES {
                self.spawn(igrp);
            }
        }
        Ok(next)
    }

    fn spawn(&mut self, igrp: Igrp) {
        let lanes = Arc::clone(&self.lanes);
        let task = self
            .running
            .spawn(async move { (igrp, lanes.run(igrp).await) });
        self.active.insert(task.id(), igrp);
        self.show();
    }

    fn end(&mut self, ended: Result<(Id, (Igrp, LaneEnd)), JoinError>) {
        let (id, end) = match ended {
            Ok((id, (_, end))) => (id, end),
            Err(error) => {
                error!(
                    error = &error as &dyn std::error::Error,
                    "the work on lead enrichments ran into a defect; its jobs are taken up again \
                     when their leases end"
                );
                (error.id(), LaneEnd::Failing(Some(LONGEST_PAUSE)))
            }
        };
        let Some(igrp) = self.active.remove(&id) else {
            return;
        };
        self.show();
        let now = clock::now();
        match end {
            LaneEnd::Done => {
                self.pauses.remove(&igrp);
            }
            LaneEnd::Failing(retry_after) => {
                let pause = self.pauses.entry(igrp).or_default();
                let delay = retry_delay(pause.failures, retry_after, rand::random());
                let least = retry_after.unwrap_or_default();
                pause.failures = pause.failures.saturating_add(1);
                pause.until = Some(after(now, delay.min(LONGEST_PAUSE.max(least))));
            }
            LaneEnd::OverQuota(wait) => {
                let pause = self.pauses.entry(igrp).or_default();
                pause.until = Some(after(now, wait));
            }
        }
    }

    fn show(&self) {
        let count = i64::try_from(self.active.len()).unwrap_or(i64::MAX);
        self.lanes.metrics.lanes.set(count);
    }
}

/// How long it is until a time, at most so long. Clocks are set, and then times
/// mean something else.
fn until(time: Option<Timestamp>, longest: Duration) -> Duration {
    let Some(time) = time else {
        return longest;
    };
    let micros = time.micros().saturating_sub(clock::now().micros());
    let wait = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
    wait.min(longest)
}
