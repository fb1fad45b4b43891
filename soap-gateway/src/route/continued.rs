//! Work that goes on when nobody waits for it any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tracing::Instrument;

/// Work that is done where it is waited for and, once nobody waits any more, to
/// its end in a task of its own.
///
/// A task from the beginning would do as well, but nearly all work is waited for
/// to its end, and would go to another thread and come back for nothing.
pub(super) struct Continued<F: Future<Output: Send> + Send + 'static> {
    /// None once it has ended.
    work: Option<Pin<Box<F>>>,
    runtime: Handle,
}

/// The work has a defect. What a panic says is not repeated: it may hold what
/// was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work on the message panicked")]
pub(super) struct Panicked;

impl<F: Future<Output: Send> + Send + 'static> Continued<F> {
    /// Work that has not begun. Has to be called in a runtime, which is the one
    /// that it goes on in.
    pub(super) fn new(work: F) -> Self {
        Self {
            work: Some(Box::pin(work)),
            runtime: Handle::current(),
        }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Continued<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        // As in a task: a defect costs the message its answer, and not the
        // connection.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(_) => Err(Panicked),
        };
        self.work = None;
        Poll::Ready(ended)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Continued<F> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            // What drops it is within the message's span.
            self.runtime.spawn(work.in_current_span());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_goes_on() {
        let (go_on, told) = oneshot::channel();
        let (done, seen) = oneshot::channel();
        let mut work = Continued::new(async move {
            let told: u8 = told.await.unwrap();
            done.send(told).unwrap();
        });
        tokio::select! {
            biased;
            _ = &mut work => panic!("it has nothing to go on with"),
            () = std::future::ready(()) => {}
        }
        drop(work);
        go_on.send(7).unwrap();
        assert_eq!(seen.await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_was_never_waited_for_is_done() {
        let (done, seen) = oneshot::channel();
        drop(Continued::new(async move { done.send(7).unwrap() }));
        assert_eq!(seen.await, Ok(7));
    }

    #[tokio::test]
    async fn what_goes_on_is_logged_as_its_messages() {
        let _log = tracing::subscriber::set_default(tracing_subscriber::registry());
        let span = tracing::info_span!("message");
        let (done, seen) = oneshot::channel();
        let work = Continued::new(async move { done.send(tracing::Span::current()).unwrap() });
        span.in_scope(|| drop(work));
        assert_eq!(seen.await.unwrap().id(), span.id());
        assert!(span.id().is_some());
    }

    #[tokio::test]
    async fn what_has_ended_is_not_done_again() {
        let (done, mut seen) = tokio::sync::mpsc::channel(2);
        let work = Continued::new(async move { done.send(7).await.unwrap() });
        assert_eq!(work.await, Ok(()));
        assert_eq!(seen.recv().await, Some(7));
        assert_eq!(seen.recv().await, None);
    }

    #[tokio::test]
    async fn a_panic_is_the_works_alone() {
        let work = Continued::new(async { assert!(std::hint::black_box(false), "a defect") });
        assert_eq!(work.await, Err(Panicked));
    }
}
