//! Measures sfbridge from outside.

mod connection;
mod generator;
mod message;
mod overload;
mod report;

use std::net::SocketAddr;

use anyhow::ensure;
use clap::{Args, Parser, Subcommand};

/// Measures sfbridge from outside, with messages at a fixed rate.
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
    let Measurement::Overload(asked) = Cli::parse().measurement;
    for address in &asked.gateway {
        ensure!(
            asked.remote || address.ip().is_loopback(),
            "{address} is beyond this machine; give --remote if it is yours and meant to be flooded"
        );
    }
    overload::measure(&asked).await
}
