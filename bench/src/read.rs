//! Reads a message again and again, for counting instructions.

use anyhow::Context as _;
use clap::ValueEnum;
use sfbridge_bench::message::{Kind, Requests};
use sfbridge_bench::reading::{Reader, tokens};
use sfbridge_bench::shape;

use crate::Read;

/// How far a message is read.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Part {
    /// quick-xml's bare tokens
    Tokens,
    /// To the bytes of the core's request
    Request,
}

/// Reads as often as is asked for.
pub(crate) fn read(asked: &Read) -> anyhow::Result<()> {
    let gateway = ([127, 0, 0, 1], 8080).into();
    let igrp = shape::FIRST_IGRP;
    let organization = shape::organization(igrp);
    let mut requests = Requests::new(
        gateway,
        Kind::Full,
        igrp,
        &organization,
        asked.notifications,
    );
    let body = std::str::from_utf8(requests.body(1)).context("a body is UTF-8")?;
    let reader = Reader::new()?;
    for _ in 0..asked.messages {
        let body = std::hint::black_box(body);
        match asked.part {
            Part::Tokens => {
                std::hint::black_box(tokens(body)?);
            }
            Part::Request => {
                std::hint::black_box(reader.encode(body)?);
            }
        }
    }
    Ok(())
}
