//! The same message many times at once gives one record.

use crate::harness::{CoreCaller, EVENTS, Message, Notification, Request, Server};

const IGRP: i64 = 77;
const POSTS: usize = 50;

#[tokio::test]
async fn one_message_posted_many_times_at_once_is_one_record() {
    let up = Server::up().await;
    check(&[&up], &CoreCaller::of(up.core_address())).await;
}

#[tokio::test]
async fn one_message_posted_at_two_gateways_at_once_is_one_record() {
    let core = Server::core().await;
    let one = Server::gateway_of(&core).await;
    let other = Server::gateway_of(&core).await;
    check(&[&one, &other], &CoreCaller::of(core.core_address())).await;
}

async fn check(gateways: &[&Server], core: &CoreCaller) {
    let bad = Notification::opportunity(2).field("VID__c", "nobody");
    let message = Message::new()
        .with(&Notification::opportunity(1).field("Name", "once"))
        .with(&bad)
        .xml();
    let request = Request::post(&format!("{EVENTS}?igrp={IGRP}"), message);
    let posts: Vec<_> = gateways
        .iter()
        .cycle()
        .take(POSTS)
        .map(|gateway| {
            let (request, address) = (request.clone(), gateway.gateway());
            tokio::spawn(async move { request.send(address).await })
        })
        .collect();
    for post in posts {
        post.await.unwrap().assert_acknowledged();
    }
    assert_eq!(core.events(IGRP).await.len(), 1);
    let quarantined = core.quarantined("").await;
    assert_eq!(quarantined.len(), 1);
    assert_eq!(quarantined[0].delivery_count, i32::try_from(POSTS).unwrap());
}
