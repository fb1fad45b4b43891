//! Nothing that was acknowledged is lost and nothing is doubled, however often
//! the process is killed.
//!
//! Senders behave like Salesforce: each sends a message again and again until
//! it is acknowledged, then the next. Meanwhile the process that holds the data
//! is killed at random points and started again. The seed is printed; with
//! `DURABILITY_SEED` it can be given.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::sleep;

use crate::harness::{
    CoreCaller, EVENTS, Message, Notification, Request, Role, Server, Start, VISITOR,
    notification_id, until,
};

const IGRP: i64 = 4242;
const SENDERS: u32 = 6;
const KILLS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_notification_is_there_once_however_often_it_is_killed() {
    let mut up = Start::new(Role::Up).on_lasting_ports().start().await;
    let (gateway, core) = (up.gateway(), up.core_address());
    let posted = bombard(gateway, &mut up, KILLS).await;
    compare(&posted, CoreCaller::of(core)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_outlives_its_core_and_what_it_acknowledged_is_there_once() {
    let mut core = Start::new(Role::Core).on_lasting_ports().start().await;
    let gateway = Server::gateway_of(&core).await;
    let posted = bombard(gateway.gateway(), &mut core, KILLS / 2).await;
    compare(&posted, CoreCaller::of(core.core_address())).await;
}

/// What was posted, by the notifications' numbers.
#[derive(Debug, Default)]
struct Posted {
    sent: BTreeSet<u32>,
    acknowledged: BTreeSet<u32>,
    attempts: usize,
}

/// Kills a process again and again while messages come, and starts it a last
/// time when the senders have gone.
async fn bombard(gateway: SocketAddr, killed: &mut Server, kills: usize) -> Posted {
    let seed = std::env::var("DURABILITY_SEED")
        .map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("DURABILITY_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let posted = Arc::new(Mutex::new(Posted::default()));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(send_for_ever(gateway, sender, Arc::clone(&posted))))
        .collect();
    for kill in 1..=kills {
        let before = posted.lock().unwrap().acknowledged.len();
        let more = random.random_range(1..40);
        until(async || (posted.lock().unwrap().acknowledged.len() >= before + more).then_some(()))
            .await;
        // Anywhere in the work on the next messages.
        sleep(Duration::from_micros(random.random_range(0..30_000))).await;
        killed.kill().await;
        if kill < kills {
            killed.restart().await;
        }
    }
    for sender in senders {
        sender.abort();
        assert!(sender.await.unwrap_err().is_cancelled(), "a sender failed");
    }
    killed.restart().await;
    Arc::into_inner(posted).unwrap().into_inner().unwrap()
}

/// Sends one message after the other, each until it is acknowledged.
async fn send_for_ever(gateway: SocketAddr, sender: u32, posted: Arc<Mutex<Posted>>) {
    const SIZE: u32 = 4;
    for first in (sender * 1_000_000..).step_by(SIZE as usize) {
        let numbers = first..first + SIZE;
        let message = numbers.clone().fold(Message::new(), |message, number| {
            message.with(&notification(number))
        });
        let request = Request::post(&format!("{EVENTS}?igrp={IGRP}"), message.xml());
        posted.lock().unwrap().sent.extend(numbers.clone());
        loop {
            posted.lock().unwrap().attempts += 1;
            let answer = request.try_send(gateway).await;
            if answer.is_ok_and(|answer| answer.is_acknowledgement()) {
                posted.lock().unwrap().acknowledged.extend(numbers);
                break;
            }
            // Salesforce waits longer.
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Every fourth has a visitor id that is none.
fn is_good(number: u32) -> bool {
    !number.is_multiple_of(4)
}

fn notification(number: u32) -> Notification {
    let visitor = if is_good(number) { VISITOR } else { "nobody" };
    Notification::opportunity(number)
        .field("Infinity_VID__c", visitor)
        .field("Name", &format!("Deal {number}"))
}

async fn compare(posted: &Posted, core: CoreCaller) {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let events = core.events(IGRP).await;
    let quarantined = core.quarantined("").await;
    let ids = events
        .iter()
        .map(|event| event.salesforce.clone().unwrap().notification_id)
        .chain(quarantined.iter().map(|held| held.notification_id.clone()));
    for id in ids {
        *found.entry(id).or_default() += 1;
    }
    let Posted {
        sent,
        acknowledged,
        attempts,
    } = posted;
    println!(
        "{attempts} posts, {} notifications sent, {} acknowledged, {} events and {} quarantine \
         records found",
        sent.len(),
        acknowledged.len(),
        events.len(),
        quarantined.len(),
    );

    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|number| !found.contains_key(&notification_id(**number)))
        .collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let doubled: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "there more than once: {doubled:?}");
    let known: BTreeSet<_> = sent.iter().map(|number| notification_id(*number)).collect();
    let unknown: Vec<_> = found.keys().filter(|id| !known.contains(*id)).collect();
    assert!(unknown.is_empty(), "never sent: {unknown:?}");
    for event in &events {
        let id = event.salesforce.clone().unwrap().notification_id;
        let title = id.trim_start_matches("04l5g").trim_start_matches('0');
        assert!(event.title.ends_with(title), "{event:?}");
    }
    assert!(!acknowledged.is_empty());
}
