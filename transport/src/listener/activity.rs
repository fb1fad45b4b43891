//! Whether anything goes on on a connection, and its place among others.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
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
    requests: Arc<watch::Sender<usize>>,
    id: Id,
    places: Places,
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
            activity: Activity {
                requests: Arc::new(watch::Sender::new(0)),
                id,
                places: self.clone(),
            },
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
    /// Counts a request. While there is one, the connection is not closed to
    /// make room for others.
    pub fn begin(&self) -> Active {
        self.requests.send_modify(|requests| {
            *requests += 1;
            if *requests == 1 {
                self.places.lock().set_busy(self.id);
            }
        });
        Active {
            activity: self.clone(),
        }
    }

    /// Waits until there has been no request for so long.
    pub async fn idle(&self, time: Duration) {
        let mut requests = self.requests.subscribe();
        loop {
            // The sender lives in `self`, so that waiting can't fail.
            let _ = requests.wait_for(|requests| *requests == 0).await;
            if timeout(time, requests.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let Activity {
            requests,
            id,
            places,
        } = &self.activity;
        requests.send_modify(|requests| {
            *requests -= 1;
            if *requests == 0 {
                places.lock().set_idle(*id);
            }
        });
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
