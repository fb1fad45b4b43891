//! Measures sfbridge from outside.

mod closed_loop;
mod connection;
mod cost;
mod fill;
mod generator;
mod instance;
mod overload;
mod postgres;
mod process;
mod product;
mod read;
mod recorded;
mod report;
mod round;
mod soak;
mod table;
mod throughput;
mod usage;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, Parser, Subcommand};
use mimalloc::MiMalloc;

/// That of the product, of which parts are measured in this process.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures sfbridge from outside, and compares it with other receivers.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Debug, Subcommand)]
enum Measurement {
    /// One organisation floods while another sends a few messages
    Overload(Overload),
    /// Fill a store with events of the past
    Fill(Fill),
    /// What it costs to accept one more event, and to list a page, in each store
    Cost(Cost),
    /// How many messages setups acknowledge when connections never rest
    Throughput(Throughput),
    /// sfbridge beside other receivers, all started for it
    Table(Table),
    /// Lead enrichments, an import, and what is needed while nothing happens
    Product(Product),
    /// The same load for a long time: memory must not grow
    Soak(Soak),
    /// Read a message again and again, for counting instructions
    Read(Read),
}

#[derive(Debug, Args)]
struct Read {
    /// How far it is read
    #[arg(long, value_enum, default_value = "request")]
    part: read::Part,
    /// Notifications in the message
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    notifications: u32,
    /// How often
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    messages: u32,
}

#[derive(Debug, Args)]
struct Product {
    /// The sfbridge that is measured [default: the one beside this program]
    #[arg(long, value_name = "PROGRAM")]
    sfbridge: Option<PathBuf>,
    /// How many Leads are looked up and written to
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    leads: u32,
    /// How many visits are imported
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    visits: u32,
    /// How long nothing happens, in seconds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    idle_seconds: u32,
    /// Where data is kept meanwhile: on a real disk
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    folder: PathBuf,
    /// Add the result to this file
    #[arg(long, value_name = "FILE")]
    append: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Soak {
    /// The sfbridge that is measured [default: the one beside this program]
    #[arg(long, value_name = "PROGRAM")]
    sfbridge: Option<PathBuf>,
    /// How long; caches have filled after some minutes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(4..=1_440))]
    minutes: u32,
    /// Messages a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Notifications in each message
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    notifications: u32,
    /// How many connections
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Where data is kept meanwhile: on a real disk
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct Table {
    /// The sfbridge that is measured [default: the one beside this program]
    #[arg(long, value_name = "PROGRAM")]
    sfbridge: Option<PathBuf>,
    /// What to measure, comma-separated
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = <table::Setup as clap::ValueEnum>::value_variants().to_vec())]
    setup: Vec<table::Setup>,
    /// With which loads, as `NOTIFICATIONSxCONNECTIONS`, comma-separated; with
    /// `@RATE` so many messages a second, without it connections never rest
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1x1,1x64,100x16,100x64,1x64@1000"
    )]
    load: Vec<table::Load>,
    /// How often each setup is measured with each load, all in turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long each of these takes, in seconds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Where receivers are installed and data is kept meanwhile: on a real disk
    #[arg(long, default_value = "target/bench", value_name = "DIR")]
    folder: PathBuf,
    /// Write the tables to this file too, in place of what is there
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Add the tables to this file too
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    append: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Fill {
    /// The store, as the core's setting has it; no core may have it open if it
    /// is a file
    #[arg(long, value_name = "URL")]
    store: core_service::StoreConfig,
    /// How many events
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    events: u64,
    /// Over how many days up to now
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// How many installations have them, from 1001 on
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    installations: u32,
}

#[derive(Debug, Args)]
struct Cost {
    /// The gateways in front of the stores; the first is what the others are
    /// compared with
    #[arg(long, required = true, value_delimiter = ',', value_name = "ADDRESS")]
    gateway: Vec<SocketAddr>,
    /// The cores behind these gateways, in the same order
    #[arg(long, required = true, value_delimiter = ',', value_name = "ADDRESS")]
    core: Vec<SocketAddr>,
    /// Messages of each size to each store
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    rounds: u32,
    /// Take addresses beyond this machine: only for machines that are yours
    #[arg(long)]
    remote: bool,
}

#[derive(Debug, Args)]
struct Throughput {
    /// What to measure, as NAME=GATEWAY,GATEWAY@CORE, several times; the first
    /// is what the others are compared with
    #[arg(long, required = true, value_name = "SETUP")]
    setup: Vec<throughput::Setup>,
    /// How many connections each setup gets, spread over its gateways
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Notifications in each message
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    notifications: u32,
    /// How often each setup is measured, one after the other
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long each round takes, in seconds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// The installation
    #[arg(long, default_value_t = 1_001, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    igrp: u32,
    /// Take addresses beyond this machine: only for machines that are yours
    #[arg(long)]
    remote: bool,
}

#[derive(Debug, Args)]
struct Overload {
    /// Where the gateways are; several share the load
    #[arg(long, required = true, value_delimiter = ',', value_name = "ADDRESS")]
    gateway: Vec<SocketAddr>,
    /// Messages a second of the organisation that floods
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    flood: u32,
    /// Messages a second of the other organisation
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    quiet: u32,
    /// How long the flood takes, in seconds
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// How many connections the flood may use
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// Notifications in each message of the flood
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    notifications: u32,
    /// The installation of the one that floods; the other's is the next one
    #[arg(long, default_value_t = 1_001, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    igrp: u32,
    /// Take addresses beyond this machine: only for machines that are yours
    #[arg(long)]
    remote: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().measurement {
        Measurement::Overload(asked) => {
            check(&asked.gateway, asked.remote)?;
            overload::measure(&asked).await
        }
        Measurement::Fill(asked) => fill::fill(&asked).await,
        Measurement::Cost(asked) => {
            check(&asked.gateway, asked.remote)?;
            check(&asked.core, asked.remote)?;
            cost::measure(&asked).await
        }
        Measurement::Throughput(asked) => {
            for setup in &asked.setup {
                check(&setup.gateways, asked.remote)?;
                check(&[setup.core], asked.remote)?;
            }
            throughput::measure(&asked).await
        }
        Measurement::Table(asked) => table::measure(&asked).await,
        Measurement::Product(asked) => product::measure(&asked).await,
        Measurement::Soak(asked) => soak::measure(&asked).await,
        Measurement::Read(asked) => read::read(&asked),
    }
}

/// Nothing beyond this machine is loaded by mistake.
fn check(addresses: &[SocketAddr], remote: bool) -> anyhow::Result<()> {
    for address in addresses {
        ensure!(
            remote || address.ip().is_loopback(),
            "{address} is beyond this machine; give --remote if it is yours and meant to be flooded"
        );
    }
    Ok(())
}
