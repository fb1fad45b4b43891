//! How a process ends when it is told to.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{
    Answer, CoreCaller, EVENTS, Message, Notification, Request, Role, Server, Start, until,
};

const IGRP: i64 = 91;

fn message() -> String {
    let notification = Notification::opportunity(1).field("IGRP__c", &IGRP.to_string());
    Message::new().with(&notification).xml()
}

/// A process in which only the end of the shutdown cuts connections.
fn patient(role: Role, deadline: &str) -> Start {
    let start = Start::new(role).flag("shutdown-deadline", deadline);
    if role == Role::Core {
        return start;
    }
    start
        .flag("gateway-header-time", "1h")
        .flag("gateway-body-time", "1h")
        .flag("gateway-request-time", "1h")
}

/// A connection on which the first part of a message has been sent.
async fn half_sent(gateway: SocketAddr, message: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    let length = message.len();
    let head = format!(
        "POST {EVENTS} HTTP/1.1\r\nHost: {gateway}\r\nContent-Type: text/xml\r\n\
         Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Only a server that is reading the body says that it goes on.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    let half = &message.as_bytes()[..length / 2];
    stream.write_all(half).await.unwrap();
    stream
}

/// Waits until the process says that it is shutting down.
async fn until_ending(server: &Server) {
    until(async || {
        let answer = Request::get("/readyz").send(server.operator()).await;
        (answer.status == 503).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_request_in_flight_is_answered() {
    let start = patient(Role::Up, "1h").on_lasting_ports();
    let mut up = start.start().await;
    let message = message();
    let mut stream = half_sent(up.gateway(), &message).await;
    up.signal("TERM").await;
    until_ending(&up).await;
    until(async || {
        TcpStream::connect(up.gateway())
            .await
            .is_err()
            .then_some(())
    })
    .await;

    let rest = &message.as_bytes()[message.len() / 2..];
    stream.write_all(rest).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Answer::parse(&answer).unwrap().assert_acknowledged();
    assert_eq!(up.exit_code().await, Some(0));

    // What was acknowledged at the last moment is durable like the rest.
    up.restart().await;
    let core = CoreCaller::of(up.core_address());
    assert_eq!(core.events(IGRP).await.len(), 1);
}

#[tokio::test]
async fn mute_and_half_sent_connections_do_not_hold_the_end_beyond_the_deadline() {
    for role in [Role::Up, Role::Core] {
        let mut server = patient(role, "500ms").start().await;
        let mut held = Vec::new();
        held.push(TcpStream::connect(server.operator()).await.unwrap());
        held.push(TcpStream::connect(server.core_address()).await.unwrap());
        let mut preface = TcpStream::connect(server.core_address()).await.unwrap();
        preface
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM")
            .await
            .unwrap();
        held.push(preface);
        if role == Role::Up {
            held.push(TcpStream::connect(server.gateway()).await.unwrap());
            let mut header = TcpStream::connect(server.gateway()).await.unwrap();
            header
                .write_all(b"POST /callback HTTP/1.1\r\nHo")
                .await
                .unwrap();
            held.push(header);
            held.push(half_sent(server.gateway(), &message()).await);
        }
        // An ordinary caller that stays connected.
        let caller = CoreCaller::of(server.core_address());
        assert!(caller.events(IGRP).await.is_empty());

        server.signal("TERM").await;
        assert_eq!(
            server.exit_code().await,
            Some(0),
            "{role:?}: {}",
            server.log()
        );
        assert!(!server.addresses_file().exists());
        drop((held, caller));
    }
}

#[tokio::test]
async fn an_interrupt_ends_it_too() {
    let mut up = Server::up().await;
    up.signal("INT").await;
    assert_eq!(up.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut up = patient(Role::Up, "1h").start().await;
    let held = half_sent(up.gateway(), &message()).await;
    up.signal("TERM").await;
    until_ending(&up).await;
    up.signal("TERM").await;
    assert_eq!(up.exit_code().await, Some(1));
    assert!(up.log().contains("second signal"), "{}", up.log());
    assert!(!up.addresses_file().exists());
    drop(held);
}
