//! A receiver that does as little as can be done with what the gateway is built
//! of: the ceiling of what the gateway can reach.
//!
//! `warp-receiver PORT` reads each body and acknowledges it.
//! `warp-receiver PORT --xml` reads the notifications in it first, into fields
//! that it owns. Nothing is checked and nothing is kept.

use std::net::SocketAddr;

use bytes::Bytes;
use clap::Parser;
use sfbridge_bench::reading;
use warp::Filter as _;
use warp::http::{Response, StatusCode};

/// What is answered.
const ANSWER: &str = include_str!("../answer.xml");

/// Acknowledges outbound messages, and keeps nothing.
#[derive(Debug, Parser)]
struct Cli {
    /// The port of the loopback address
    port: u16,
    /// Read the notifications, with quick-xml, into owned fields
    #[arg(long)]
    xml: bool,
}

#[tokio::main]
async fn main() {
    let Cli { port, xml } = Cli::parse();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let bodies = warp::post().and(warp::body::bytes());
    if xml {
        let read = bodies.map(|body: Bytes| {
            let text = std::str::from_utf8(&body).ok();
            let notifications = text.and_then(|text| reading::owned_fields(text).ok());
            match std::hint::black_box(notifications) {
                Some(_) => answer(StatusCode::OK, ANSWER),
                None => answer(StatusCode::BAD_REQUEST, ""),
            }
        });
        warp::serve(read).run(address).await;
    } else {
        let taken = bodies.map(|_| answer(StatusCode::OK, ANSWER));
        warp::serve(taken).run(address).await;
    }
}

fn answer(status: StatusCode, body: &'static str) -> Response<&'static str> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let media_type = warp::http::HeaderValue::from_static("text/xml; charset=utf-8");
    answer.headers_mut().insert("content-type", media_type);
    answer
}
