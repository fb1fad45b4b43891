//! Whether anything goes on on a connection, and its place among others.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::origin::Origin;
use super::slots::{Admission, Id, Slots};
use crate::metrics::ConnectionMetrics;

/// All connections of a listener.
#[derive(Clone, Debug)]
pub(super) struct Places {
    slots: Arc<Mutex<Slots<CancellationToken>>>,
    metrics: ConnectionMetrics,
    /// Closes all of them.
    cut: CancellationToken,
}

/// A connection's place, for as long as it lives.
#[derive(Debug)]
pub(super) struct Place {
    activity: Activity,
    /// The connection is to close.
    closed: CancellationToken,
    id: Id,
    places: Places,
}

/// Counts the requests that a connection is at.
#[derive(Clone, Debug)]
pub struct Activity {
    counted: Arc<Counted>,
}

#[derive(Debug)]
struct Counted {
    requests: Mutex<Requests>,
    id: Id,
    places: Places,
}

#[derive(Debug)]
struct Requests {
    now: usize,
    /// When there was none any more.
    ended: Instant,
}

/// One request more, for as long as it lives.
#[derive(Debug)]
pub struct Active {
    activity: Activity,
}

impl Places {
    pub(super) fn new(limits: &Limits, metrics: ConnectionMetrics, cut: CancellationToken) -> Self {
        let slots = Slots::new(limits.connections, limits.connections_per_address);
        Self {
            slots: Arc::new(Mutex::new(slots)),
            metrics,
            cut,
        }
    }

    /// A place for a connection from there. None when there is no room, and
    /// none can be made.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let closed = self.cut.child_token();
        let admission = self.lock().admit(Origin::of(address), closed.clone());
        let Admission::In { id, displaced } = admission else {
            self.metrics.refused.inc();
            return None;
        };
        if let Some(displaced) = displaced {
            displaced.cancel();
            self.metrics.displaced.inc();
        }
        self.metrics.open.inc();
        Some(Place {
            activity: Activity::new(id, self.clone()),
            closed,
            id,
            places: self.clone(),
        })
    }

    /// Closes the connection that has been idle longest, if one is idle.
    pub(super) fn make_room(&self) {
        if let Some(displaced) = self.lock().displace() {
            displaced.cancel();
            self.metrics.displaced.inc();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots<CancellationToken>> {
        // Nothing that is done under the lock can leave it half done.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    pub(super) fn closed(&self) -> &CancellationToken {
        &self.closed
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(self.id);
        self.places.metrics.open.dec();
    }
}

impl Activity {
    fn new(id: Id, places: Places) -> Self {
        let requests = Requests {
            now: 0,
            ended: Instant::now(),
        };
        Self {
            counted: Arc::new(Counted {
                requests: Mutex::new(requests),
                id,
                places,
            }),
        }
    }

    /// Counts a request. While there is one, the connection is not closed to
    /// make room for others.
    pub fn begin(&self) -> Active {
        let counted = &self.counted;
        let mut requests = counted.lock();
        requests.now += 1;
        if requests.now == 1 {
            counted.places.lock().set_busy(counted.id);
        }
        drop(requests);
        Active {
            activity: self.clone(),
        }
    }

    /// Waits until there has been no request for so long.
    ///
    /// Requests wake nobody who waits: it looks again when the time may be
    /// over, however many came in between.
    pub async fn idle(&self, time: Duration) {
        /// Of a timer.
        const SHORTEST: Duration = Duration::from_millis(1);

        let began = Instant::now();
        loop {
            let left = {
                let requests = self.counted.lock();
                match requests.now {
                    0 => time.saturating_sub(requests.ended.max(began).elapsed()),
                    // None of them has ended yet.
                    _ => time.max(SHORTEST),
                }
            };
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }
}

impl Counted {
    fn lock(&self) -> MutexGuard<'_, Requests> {
        // Nothing that is done under the lock can leave it half done.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let counted = &self.activity.counted;
        let mut requests = counted.lock();
        requests.now -= 1;
        if requests.now == 0 {
            requests.ended = Instant::now();
            counted.places.lock().set_idle(counted.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const TIME: Duration = Duration::from_secs(20);
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn places(connections: usize) -> Places {
        let limits = Limits {
            connections,
            connections_per_address: connections,
            handshake_time: TIME,
            first_words_time: TIME,
        };
        Places::new(
            &limits,
            ConnectionMetrics::default(),
            CancellationToken::new(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_idle_after_the_time() {
        let place = places(1).take(HERE).unwrap();
        let started = tokio::time::Instant::now();
        place.activity().idle(TIME).await;
        assert_eq!(started.elapsed(), TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_starts_anew_after_each_request() {
        let place = places(1).take(HERE).unwrap();
        let activity = place.activity();
        let started = tokio::time::Instant::now();
        let requests = async {
            let first = activity.begin();
            tokio::time::sleep(2 * TIME).await;
            let second = activity.begin();
            drop(first);
            tokio::time::sleep(TIME).await;
            drop(second);
            tokio::time::sleep(TIME / 2).await;
            drop(activity.begin());
        };
        tokio::join!(activity.idle(TIME), requests);
        assert_eq!(started.elapsed(), 3 * TIME + TIME / 2 + TIME);
    }

    #[test]
    fn a_connection_with_a_request_keeps_its_place_and_one_without_does_not() {
        let places = places(2);
        let (busy, idle) = (places.take(HERE).unwrap(), places.take(HERE).unwrap());
        let active = [busy.activity().begin(), busy.activity().begin()];
        let third = places.take(HERE).unwrap();
        assert!(idle.closed().is_cancelled());
        let third_is_busy = third.activity().begin();
        assert!(places.take(HERE).is_none());
        drop(active);
        assert!(places.take(HERE).is_some());
        assert!(busy.closed().is_cancelled());

        drop((busy, idle, third_is_busy));
        assert_eq!(places.metrics.open.get(), 1);
        assert_eq!(places.metrics.refused.get(), 1);
        assert_eq!(places.metrics.displaced.get(), 2);
    }

    #[test]
    fn all_can_be_cut_at_once() {
        let places = places(2);
        let place = places.take(HERE).unwrap();
        places.cut.cancel();
        assert!(place.closed().is_cancelled());
    }
}
