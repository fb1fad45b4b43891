//! A large message is one transaction, and takes little memory on its way.

use std::fs;

use crate::harness::{
    CoreCaller, EVENTS, Message, Notification, Request, Server, VISITOR, notification_id,
};

const IGRP: i64 = 55;

/// 100 notifications and at least 250 KB, one of them bad.
fn message(number: u32) -> Vec<u8> {
    let padding = "x".repeat(2_300);
    let message = (0..100)
        .fold(Message::new(), |message, index| {
            let visitor = if index == 41 { "nobody" } else { VISITOR };
            let notification = Notification::opportunity(number * 100 + index)
                .field("Infinity_VID__c", visitor)
                .field("Description", &padding);
            message.with(&notification)
        })
        .xml();
    assert!(message.len() >= 250_000, "{}", message.len());
    message.into_bytes()
}

fn request(number: u32) -> Request {
    Request::post(&format!("{EVENTS}?igrp={IGRP}"), message(number))
}

async fn commits(server: &Server) -> u64 {
    let metrics = Request::get("/metrics").send(server.operator()).await;
    let line = metrics
        .body
        .lines()
        .find_map(|line| line.strip_prefix("sfbridge_store_commits_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_message_is_one_transaction_its_bad_notifications_too() {
    let up = Server::up().await;
    // The first one creates its installation as well.
    for number in 1..=2 {
        let before = commits(&up).await;
        request(number)
            .send(up.gateway())
            .await
            .assert_acknowledged();
        assert_eq!(commits(&up).await, before + 1);
    }
    let core = CoreCaller::of(up.core_address());
    assert_eq!(core.events(IGRP).await.len(), 198);
    assert_eq!(core.quarantined(&notification_id(141)).await.len(), 1);
}

#[tokio::test]
async fn a_gateway_takes_little_memory() {
    const MESSAGES: u32 = 50;
    let core = Server::core().await;
    let gateway = Server::gateway_of(&core).await;
    let idle = peak_memory(&gateway);
    for number in 1..=MESSAGES {
        let answer = request(number).send(gateway.gateway()).await;
        answer.assert_acknowledged();
    }
    let peak = peak_memory(&gateway);
    println!("peak memory of the gateway: {idle} KiB idle, {peak} KiB after {MESSAGES} messages");
    let allowed = 16 * 1024 + 4 * message(1).len() / 1024;
    assert!(peak <= allowed, "{peak} KiB are more than {allowed}");
}

/// The most memory that a process has ever held at once, in KiB, without the
/// pages of its own program, which are many in a debug build.
fn peak_memory(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let kilobytes = |name: &str| -> usize {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse().unwrap()
    };
    kilobytes("VmHWM:") - kilobytes("RssFile:")
}
