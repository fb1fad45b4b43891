//! Gateways and a core on a simulated network with a simulated clock: messages
//! get lost, links break, hosts crash, everything comes late.
//!
//! The network, its clock, the senders and the gateways are simulated; the
//! core's store is a real file, and its worker calls a real pretend org. Both
//! run in real time while the simulated clock stands still. So a seed
//! reproduces what happens on the network and when, to within a few
//! milliseconds, but neither the order in which the store's own threads run nor
//! what the worker is at.
//!
//! `FAULTS_SEEDS` says how many seeds are tried, `FAULTS_SEED` the first one.

#![expect(clippy::unwrap_used, reason = "what helpers can't do fails the test")]

mod core_life;
mod faults;
mod network;
mod senders;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sfbridge_faults::{LeadFindings, Outcome};

use core_life::Keeper;
use faults::Weather;
use senders::Sent;

/// How many senders, messages of each, and Leads.
const SENDERS: u32 = 4;
const MESSAGES: u32 = 8;
const LEADS: u32 = 20;

/// The most that a message takes on a network that is well.
const LATENCY: Duration = Duration::from_millis(30);

/// How long a simulation may take by its own clock.
const LONGEST: Duration = Duration::from_mins(30);

/// One simulation: what it came to, and how it went.
struct Simulated {
    outcome: Outcome,
    history: String,
    faults: usize,
    time: Duration,
}

fn simulate(seed: u64) -> Simulated {
    let mut random = StdRng::seed_from_u64(seed);
    let keeper = Arc::new(Keeper::start(LEADS, random.random()));
    let sent = Arc::new(Sent::new(LEADS));
    let mut sim = turmoil::Builder::new()
        .rng_seed(random.random())
        .enable_tokio_io()
        .simulation_duration(LONGEST)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(LATENCY)
        .build();
    let for_core = Arc::clone(&keeper);
    sim.host("core", move || network::core(Arc::clone(&for_core)));
    for gateway in network::GATEWAYS {
        sim.host(gateway, network::gateway);
    }
    for sender in 0..SENDERS {
        let random = StdRng::seed_from_u64(random.random());
        let sending = Arc::clone(&sent).send(sender, MESSAGES, random);
        sim.client(format!("sender-{sender}"), sending);
    }
    let mut weather = Weather::new(random);
    while !sim.step().unwrap() {
        weather.pass(&mut sim);
    }
    let time = sim.elapsed();
    let faults = weather.count();
    drop(sim);

    let (ledger, history) = sent.told();
    let (jobs, held, records, calls) = keeper.settled();
    let leads = LeadFindings::of(&ledger.leads(), &jobs, &records, &calls);
    Simulated {
        outcome: Outcome::of(&ledger, &held, &leads),
        history,
        faults,
        time,
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn nothing_is_lost_or_doubled_whatever_the_network_does() {
    const SEEDS: u64 = 2;
    let seeds = number("FAULTS_SEEDS").unwrap_or(SEEDS);
    let first = number("FAULTS_SEED").unwrap_or_else(rand::random);
    println!(
        "simulated: network, clock, senders, gateways. Real: the core's store and worker, so a \
         seed reproduces the network, not the store's threads."
    );
    let (once, again) = (simulate(first), simulate(first));
    let lines = once.history.lines().count();
    // Their times may differ by a millisecond or two.
    let way = |line: &&str| line.split_once(": ").map(|(_, way)| way.to_owned());
    let same = (once.history.lines().zip(again.history.lines()))
        .take_while(|(once, again)| way(once) == way(again))
        .count();
    println!("seed {first} tried twice: the first {same} of {lines} attempts went the same way");

    let begun = Instant::now();
    let mut total = Outcome::default();
    let (mut faults, mut time) = (0, Duration::ZERO);
    for seed in (0..seeds).map(|more| first.wrapping_add(more)) {
        let simulated = simulate(seed);
        let outcome = simulated.outcome;
        assert!(
            outcome.violations.is_empty(),
            "FAULTS_SEED={seed}: {:#?}\n{outcome}\n{}",
            outcome.violations,
            simulated.history
        );
        assert!(outcome.acknowledged > 0, "FAULTS_SEED={seed}");
        total += &outcome;
        faults += simulated.faults;
        time += simulated.time;
    }
    println!(
        "{seeds} seeds from {first}: {faults} faults in {} simulated seconds ({} real ones); \
         {total}",
        time.as_secs(),
        begun.elapsed().as_secs()
    );
}
