use std::sync::mpsc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{Folder, write};
use crate::store::conformance::given::{
    OTHERS, OURS, batch, event, events, igrp, item, record, seven,
};
use crate::store::conformance::metrics;
use crate::store::{Pace, Store, StoreError, StoreState};

type Work = Box<dyn FnOnce(&Connection) -> Result<(), StoreError> + Send>;

/// Adds an event's row the short way.
fn add(title: &'static str) -> Work {
    Box::new(move |connection| {
        connection
            .execute("INSERT INTO probes VALUES (1, 0)", [])
            .unwrap();
        connection.execute(
            "UPDATE installations SET display_name = display_name || ?1",
            [title],
        )?;
        connection.execute("DELETE FROM probes", [])?;
        Ok(())
    })
}

/// What a future has come to, if it has.
async fn poll_once<F: Future + ?Sized>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

/// A request's answer, some day.
type Answered = std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>>>>;

/// A request that is in the queue once it is polled.
fn request(store: &Store, work: Work) -> Answered {
    let store = store.clone();
    Box::pin(async move { write(&store, work).await })
}

/// Puts work into the queue of a writer that is held.
async fn queue(store: &Store, work: Work) -> Answered {
    let mut answer = request(store, work);
    assert!(poll_once(answer.as_mut()).await.is_none());
    answer
}

/// Work that holds the writer until it is told to end. A writer that is not idle
/// yet may refuse it.
async fn hold(store: &Store) -> (mpsc::Sender<()>, Answered) {
    loop {
        let (release, held) = mpsc::channel();
        let (begin, begun) = mpsc::channel();
        let work: Work = Box::new(move |_| {
            begin.send(()).unwrap();
            held.recv().unwrap();
            Ok(())
        });
        let mut answer = request(store, work);
        while poll_once(answer.as_mut()).await.is_none() {
            if begun.try_recv().is_ok() {
                return (release, answer);
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Runs works in one group: something holds the writer until all wait.
async fn in_one_group(store: &Store, works: Vec<Work>) -> Vec<Result<(), StoreError>> {
    let (release, held) = hold(store).await;
    let mut queued = Vec::new();
    for work in works {
        queued.push(queue(store, work).await);
    }
    release.send(()).unwrap();
    let _ = held.await;
    let mut answers = Vec::new();
    for answer in queued {
        answers.push(answer.await);
    }
    answers
}

/// What of the works was kept.
async fn kept(store: &Store) -> String {
    let installation = store.installation(seven()).await.unwrap();
    installation.unwrap().display_name.to_string()
}

async fn opened() -> (Folder, Store) {
    let folder = Folder::new();
    // One group is one transaction, however slow the machine is.
    let pace = Pace {
        transaction_time: Duration::from_mins(1),
        ..Pace::default()
    };
    let store = folder.open_at(pace).await;
    record(&store, 1, item(event(""))).await.recorded();
    (folder, store)
}

#[tokio::test]
async fn a_failed_request_of_a_group_is_rolled_back_alone() {
    let (_folder, store) = opened().await;
    let failing: Work = Box::new(|connection| {
        add("half ")(connection)?;
        Err(connection
            .execute("INSERT INTO nowhere VALUES (1)", [])
            .unwrap_err()
            .into())
    });
    let answers = in_one_group(&store, vec![add("a"), failing, add("b")]).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(
        matches!(answers[1], Err(StoreError::Refused(_))),
        "{answers:?}"
    );
    assert_eq!(kept(&store).await, "ab");
    store.close().await;
}

#[tokio::test]
async fn after_a_batch_has_failed_with_its_group_the_next_try_fails_alone() {
    let (_folder, store) = opened().await;
    let make: Work = Box::new(|connection| {
        connection.execute_batch(
            "CREATE TRIGGER defect BEFORE INSERT ON events WHEN new.title = 'defect' BEGIN
                 SELECT RAISE(ABORT, 'as the test wants it');
             END",
        )?;
        Ok(())
    });
    write(&store, make).await.unwrap();
    let batches = || ["a", "defect", "b"].map(|title| batch(2, [item(event(title))]));
    for is_careful in [false, true] {
        let (release, held) = mpsc::channel();
        let hold: Work = Box::new(move |_| {
            held.recv().unwrap();
            Ok(())
        });
        let held = write(&store, hold);
        let [first, second, third] = batches().map(|batch| store.record_events(batch));
        let released = async { release.send(()).unwrap() };
        // Each is in the queue before the one that holds the writer lets it go.
        let (held, first, second, third, ()) =
            tokio::join!(biased; held, first, second, third, released);
        held.unwrap_or_else(|error| assert!(!is_careful, "{error}"));
        assert!(matches!(second, Err(StoreError::Refused(_))), "{second:?}");
        assert_eq!([first.is_ok(), third.is_ok()], [is_careful; 2]);
        assert_eq!(*store.state().borrow(), StoreState::Ready);
    }
    let titles: Vec<_> = events(&store, seven()).await;
    assert_eq!(titles.len(), 3, "the first one, and those without a defect");
    store.close().await;
}

#[tokio::test]
async fn a_request_that_panics_is_rolled_back_alone() {
    let (_folder, store) = opened().await;
    let panicking: Work = Box::new(|connection| {
        add("half ")(connection)?;
        panic!("as the test wants it");
    });
    let answers = in_one_group(&store, vec![add("a"), panicking, add("b")]).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(matches!(answers[1], Err(StoreError::Defect)), "{answers:?}");
    assert_eq!(kept(&store).await, "ab");
    assert_eq!(*store.state().borrow(), StoreState::Ready);
    store.close().await;
}

#[tokio::test]
async fn a_commit_that_fails_acknowledges_nothing_of_its_group() {
    let (_folder, store) = opened().await;
    // A deferred constraint is looked at by the commit.
    let make: Work = Box::new(|connection| {
        connection.execute_batch(
            "CREATE TABLE parents (id INTEGER PRIMARY KEY);
             CREATE TABLE children (parent REFERENCES parents DEFERRABLE INITIALLY DEFERRED)",
        )?;
        Ok(())
    });
    write(&store, make).await.unwrap();
    let orphan: Work = Box::new(|connection| {
        connection.execute("INSERT INTO children VALUES (1)", [])?;
        Ok(())
    });
    let answers = in_one_group(&store, vec![add("a"), orphan, add("b")]).await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert_eq!(kept(&store).await, "");
    // It was the group's fault, not the disk's.
    write(&store, add("c")).await.unwrap();
    assert_eq!(kept(&store).await, "c");
    store.close().await;
}

#[tokio::test]
async fn after_the_disk_failed_nothing_is_acknowledged() {
    let (folder, store) = opened().await;
    let failing: Work = Box::new(|_| Err(StoreError::Failed("disk I/O error".to_owned())));
    let answers = in_one_group(&store, vec![add("a"), failing, add("b")]).await;
    for answer in &answers {
        assert!(matches!(answer, Err(StoreError::Failed(_))), "{answers:?}");
    }
    let later = store.record_events(batch(2, [item(event(""))])).await;
    assert!(matches!(later, Err(StoreError::Failed(_))), "{later:?}");
    assert!(matches!(*store.state().borrow(), StoreState::Failed(_)));
    // What was there before can be read still.
    assert_eq!(events(&store, seven()).await.len(), 1);
    assert_eq!(kept(&store).await, "");
    store.close().await;
    let store = folder.open().await.unwrap();
    assert_eq!(kept(&store).await, "");
    store.close().await;
}

#[tokio::test]
async fn work_whose_caller_has_gone_before_it_began_is_not_done() {
    let (_folder, store) = opened().await;
    let (release, held) = mpsc::channel::<()>();
    let hold: Work = Box::new(move |_| {
        held.recv().unwrap();
        Ok(())
    });
    let mut holding = Box::pin(write(&store, hold));
    let mut abandoned = Box::pin(write(&store, add("abandoned")));
    std::future::poll_fn(|context| {
        assert!(holding.as_mut().poll(context).is_pending());
        assert!(abandoned.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    drop(abandoned);
    release.send(()).unwrap();
    holding.await.unwrap();
    write(&store, add("done")).await.unwrap();
    assert_eq!(kept(&store).await, "done");
    store.close().await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (_folder, store) = opened().await;
    let (release, held) = mpsc::channel::<()>();
    let hold: Work = Box::new(move |_| {
        held.recv().unwrap();
        Ok(())
    });
    let mut queued = vec![Box::pin(write(&store, hold))];
    let refused = loop {
        let mut next = Box::pin(write(&store, add("")));
        let polled = std::future::poll_fn(|context| {
            for answer in queued.iter_mut().take(1) {
                let _ = answer.as_mut().poll(context);
            }
            std::task::Poll::Ready(next.as_mut().poll(context))
        })
        .await;
        match polled {
            std::task::Poll::Ready(refused) => break refused,
            std::task::Poll::Pending => queued.push(next),
        }
        assert!(queued.len() < 10_000);
    };
    assert!(
        matches!(refused, Err(StoreError::Overloaded)),
        "{refused:?}"
    );
    release.send(()).unwrap();
    drop(queued);
    store.close().await;
}

#[tokio::test]
async fn a_request_that_has_waited_too_long_is_refused_and_not_done() {
    let folder = Folder::new();
    let store = folder.open().await.unwrap();
    record(&store, 1, item(event(""))).await.recorded();
    store.close().await;
    let pace = Pace {
        longest_wait: Duration::ZERO,
        ..Pace::default()
    };
    let store = folder.open_at(pace).await;
    let answers = in_one_group(&store, vec![add("a"), add("b")]).await;
    for answer in &answers {
        assert!(matches!(answer, Err(StoreError::Overloaded)), "{answers:?}");
    }
    assert_eq!(kept(&store).await, "");
    // What finds the writer idle does not wait, and idle it is in a moment.
    while write(&store, add("c")).await.is_err() {}
    assert_eq!(kept(&store).await, "c");
    store.close().await;
}

#[tokio::test]
async fn a_store_that_is_slow_on_purpose_takes_its_time_for_each_item() {
    let folder = Folder::new();
    let write_delay = Duration::from_millis(20);
    let pace = Pace {
        write_delay,
        ..Pace::default()
    };
    let store = folder.open_at(pace).await;
    let start = Instant::now();
    let items = std::iter::repeat_with(|| item(event(""))).take(3);
    store.record_events(batch(1, items)).await.unwrap();
    assert!(start.elapsed() >= 3 * write_delay);
    store.close().await;
}

#[tokio::test]
async fn a_transaction_that_has_worked_long_enough_takes_no_more_requests() {
    let folder = Folder::new();
    let metrics = metrics();
    let opened = Store::open_at(&folder.config(), Pace::default(), metrics.clone()).await;
    let (store, _) = opened.unwrap();
    record(&store, 1, item(event(""))).await.recorded();
    let before = metrics.commits.get();
    let slow = |title| -> Work {
        Box::new(move |connection| {
            // Longer than a transaction may go on.
            std::thread::sleep(Duration::from_millis(110));
            add(title)(connection)
        })
    };
    in_one_group(&store, vec![slow("a"), slow("b")]).await;
    assert!(metrics.commits.get() - before >= 2);
    store.close().await;
}

#[tokio::test]
async fn on_a_slow_disk_a_sender_does_not_wait_for_much_of_anothers_flood() {
    const FLOOD: usize = 400;

    let folder = Folder::new();
    let pace = Pace {
        write_delay: Duration::from_millis(5),
        longest_wait: Duration::from_mins(1),
        ..Pace::default()
    };
    let store = folder.open_at(pace).await;
    // Now it is known how slow the disk is.
    record(&store, 1, item(event("First")).from(OURS))
        .await
        .recorded();
    let mut flood = Vec::new();
    for _ in 0..FLOOD {
        let mut one = Box::pin(record(&store, 1, item(event("Flood")).from(OURS)));
        // Polled once, it is in the queue.
        assert!(poll_once(one.as_mut()).await.is_none());
        flood.push(one);
    }
    record(&store, 1, item(event("Quiet")).of(igrp(8)).from(OTHERS))
        .await
        .recorded();
    let mut before = 0;
    let mut rest = Vec::new();
    for mut one in flood {
        match poll_once(one.as_mut()).await {
            Some(_) => before += 1,
            None => rest.push(one),
        }
    }
    assert!(before < FLOOD / 4, "{before} of the flood went first");
    for one in rest {
        one.await.recorded();
    }
    store.close().await;
}
