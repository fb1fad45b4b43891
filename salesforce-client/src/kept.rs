//! A value that is had from afar, kept, and fetched by one at a time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;

/// A value that is had from afar. Whoever wants it while another fetches it
/// waits, and takes what comes of that, good or bad.
pub(crate) struct Kept<T> {
    slot: Mutex<Slot<T>>,
    /// How many times it was fetched, to the end.
    fetched: AtomicU64,
}

struct Slot<T> {
    value: Option<(Arc<T>, Instant)>,
    /// Why the last fetch failed, and its number.
    failure: Option<(u64, Error)>,
}

impl<T> Kept<T> {
    /// The value, if it is good enough; else a new one.
    pub(crate) async fn get(
        &self,
        is_good: impl FnOnce(&Arc<T>, Instant) -> bool,
        fetch: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<Arc<T>, Error> {
        let fetched = self.fetched.load(Ordering::Acquire);
        let mut slot = self.slot.lock().await;
        if let Some((value, since)) = &slot.value
            && is_good(value, *since)
        {
            return Ok(Arc::clone(value));
        }
        if let Some((number, failure)) = &slot.failure
            && *number > fetched
        {
            return Err(failure.clone());
        }
        let new = fetch().await;
        let number = self.fetched.fetch_add(1, Ordering::AcqRel) + 1;
        match new {
            Ok(value) => {
                let value = Arc::new(value);
                slot.value = Some((Arc::clone(&value), Instant::now()));
                slot.failure = None;
                Ok(value)
            }
            Err(error) => {
                slot.value = None;
                slot.failure = Some((number, error.clone()));
                Err(error)
            }
        }
    }

    /// Keeps a value that was had otherwise.
    pub(crate) async fn put(&self, value: T) {
        let mut slot = self.slot.lock().await;
        slot.value = Some((Arc::new(value), Instant::now()));
        slot.failure = None;
    }

    /// The value that there is, if any.
    pub(crate) async fn present(&self) -> Option<Arc<T>> {
        let slot = self.slot.lock().await;
        slot.value.as_ref().map(|(value, _)| Arc::clone(value))
    }

    /// Forgets the value, if it still is this one.
    pub(crate) async fn forget(&self, value: &Arc<T>) {
        let mut slot = self.slot.lock().await;
        if slot
            .value
            .as_ref()
            .is_some_and(|(kept, _)| Arc::ptr_eq(kept, value))
        {
            slot.value = None;
        }
    }

    /// Forgets the value.
    pub(crate) async fn clear(&self) {
        self.slot.lock().await.value = None;
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            slot: Mutex::new(Slot {
                value: None,
                failure: None,
            }),
            fetched: AtomicU64::new(0),
        }
    }
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(..)")
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;
    use crate::client::CallKind;
    use crate::error::ErrorClass;

    /// Has several tasks ask while one fetches; what each gets, and how many
    /// fetched.
    async fn together(outcome: Result<u32, Error>) -> (Vec<Result<u32, String>>, u64) {
        let kept = Arc::new(Kept::default());
        let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let ask = || {
            let (kept, outcome) = (Arc::clone(&kept), outcome.clone());
            let (begun, end) = (Arc::clone(&begun), Arc::clone(&end));
            tokio::spawn(async move {
                let fetch = async || {
                    begun.notify_one();
                    end.notified().await;
                    outcome
                };
                let got = kept.get(|_, _| true, fetch).await;
                got.map(|value| *value).map_err(|error| error.to_string())
            })
        };
        let first = ask();
        begun.notified().await;
        let others: Vec<_> = (0..5).map(|_| ask()).collect();
        // They have asked once they have run as far as they can.
        while Arc::strong_count(&kept) < 7 {
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        end.notify_one();
        let mut got = vec![first.await.unwrap()];
        for other in others {
            got.push(other.await.unwrap());
        }
        (got, kept.fetched.load(Ordering::Acquire))
    }

    #[tokio::test]
    async fn one_fetches_for_all_who_wait() {
        let (got, fetched) = together(Ok(7)).await;
        assert_eq!((got, fetched), (vec![Ok(7); 6], 1));
    }

    #[tokio::test]
    async fn one_fails_for_all_who_wait() {
        let error = Error::new(CallKind::LogIn, ErrorClass::Transient, "no");
        let (got, fetched) = together(Err(error)).await;
        assert_eq!((got, fetched), (vec![Err("no".to_owned()); 6], 1));
    }

    #[tokio::test]
    async fn who_asks_after_a_failure_fetches_again() {
        let kept = Kept::default();
        let fail = async || Err(Error::new(CallKind::LogIn, ErrorClass::Transient, "no"));
        assert!(kept.get(|_, _| true, fail).await.is_err());
        assert_eq!(*kept.get(|_, _| true, async || Ok(1)).await.unwrap(), 1);
        assert_eq!(*kept.get(|_, _| true, async || Ok(2)).await.unwrap(), 1);
        let old = kept.get(|_, _| false, async || Ok(3)).await.unwrap();
        assert_eq!(*old, 3);
        kept.forget(&Arc::new(3)).await;
        assert_eq!(*kept.get(|_, _| true, async || Ok(4)).await.unwrap(), 3);
        kept.forget(&old).await;
        assert_eq!(*kept.get(|_, _| true, async || Ok(5)).await.unwrap(), 5);
    }
}
