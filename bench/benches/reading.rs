//! What it costs to read a message: from its body to the bytes of what the core
//! is asked for, in steps, beside what XML alone costs.
//!
//! `cargo bench -p sfbridge-bench --bench reading`

#![expect(
    clippy::panic,
    reason = "a benchmark that can not be set up has nobody to tell but its log"
)]

use divan::Bencher;
use divan::counter::BytesCount;
use mimalloc::MiMalloc;
use prost::Message as _;
use sfbridge_bench::message::{Kind, Requests};
use sfbridge_bench::{reading, shape};

/// That of the product.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    divan::main();
}

/// Notifications in a message.
const SIZES: [u32; 2] = [1, 100];

fn body(notifications: u32) -> String {
    let gateway = ([127, 0, 0, 1], 8080).into();
    let igrp = shape::FIRST_IGRP;
    let organization = shape::organization(igrp);
    let mut requests = Requests::new(gateway, Kind::Full, igrp, &organization, notifications);
    String::from_utf8_lossy(requests.body(1)).into_owned()
}

fn reader() -> reading::Reader {
    reading::Reader::new().unwrap_or_else(|error| panic!("{error}"))
}

fn good<T>(result: anyhow::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// quick-xml's bare tokens: the least that reading costs.
#[divan::bench(args = SIZES)]
fn tokens(bencher: Bencher<'_, '_>, notifications: u32) {
    let body = body(notifications);
    bencher
        .counter(BytesCount::of_str(&body))
        .bench_local(|| reading::tokens(&body).unwrap_or_else(|error| panic!("{error}")));
}

/// The texts of all fields, with nothing checked.
#[divan::bench(args = SIZES)]
fn owned_fields(bencher: Bencher<'_, '_>, notifications: u32) {
    let body = body(notifications);
    bencher
        .counter(BytesCount::of_str(&body))
        .bench_local(|| reading::owned_fields(&body).unwrap_or_else(|error| panic!("{error}")));
}

/// The gateway's reader.
#[divan::bench(args = SIZES)]
fn read(bencher: Bencher<'_, '_>, notifications: u32) {
    let (reader, body) = (reader(), body(notifications));
    bencher
        .counter(BytesCount::of_str(&body))
        .bench_local(|| good(reader.read(&body)));
}

/// The mapping of what was read.
#[divan::bench(args = SIZES)]
fn map(bencher: Bencher<'_, '_>, notifications: u32) {
    let (reader, body) = (reader(), body(notifications));
    bencher
        .with_inputs(|| good(reader.read(&body)))
        .bench_local_values(|message| good(reader.map(message)));
}

/// The bytes of what was mapped.
#[divan::bench(args = SIZES)]
fn encode(bencher: Bencher<'_, '_>, notifications: u32) {
    let (reader, body) = (reader(), body(notifications));
    let request = good(reader.map(good(reader.read(&body))));
    bencher.bench_local(|| request.encode_to_vec());
}

/// All of it.
#[divan::bench(args = SIZES)]
fn body_to_request(bencher: Bencher<'_, '_>, notifications: u32) {
    let (reader, body) = (reader(), body(notifications));
    bencher
        .counter(BytesCount::of_str(&body))
        .bench_local(|| good(reader.encode(&body)));
}
