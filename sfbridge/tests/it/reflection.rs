//! What a client sees that knows nothing but an address.
//!
//! Everything here comes through server reflection: which services there are,
//! what their comments say, and the descriptors to call them with. The whole
//! conversation is kept in `snapshots/`, ids and times masked, so that a change
//! of the contract is seen by whoever makes it.

mod client;
mod manual;

use std::fmt::Write as _;

use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use crate::harness::{Server, VISITOR};
use client::{Client, Version};

const PACKAGE: &str = "infinity.core.v1";

#[tokio::test]
async fn a_reflection_client_finds_everything_and_calls_it() {
    let core = Server::core().await;
    let client = Client::discover(core.core_url(), Version::V1).await;
    let (mut told, mut masks) = (String::new(), Masks::default());

    told.push_str("== list\n");
    for service in client.services() {
        let _ = writeln!(told, "{service}");
    }
    told.push_str("\n== describe infinity.core.v1.EventService\n");
    told.push_str(&manual::of_service(&client.service("EventService")));

    let events = json!({"events": [
        {"igrp": 11, "visitor_id": VISITOR, "title": "Acme deal", "transaction_value": "1250.50",
         "currency": "gbp", "event_time": "2026-05-04T09:08:07Z", "idempotency_key": "one"},
        {"igrp": 11, "visitor_id": VISITOR, "title": "Acme deal", "transaction_value": "1250.50",
         "currency": "gbp", "event_time": "2026-05-04T09:08:07Z", "idempotency_key": "one"},
        {"igrp": 11, "visitor_id": "nobody"},
    ]});
    call(&client, &mut masks, &mut told, "RecordEvents", events).await;
    call(
        &client,
        &mut masks,
        &mut told,
        "ListEvents",
        json!({"igrp": 11, "action": "SALE"}),
    )
    .await;
    call(
        &client,
        &mut masks,
        &mut told,
        "ListEvents",
        json!({"igrp": 11, "page_size": -1}),
    )
    .await;
    call(
        &client,
        &mut masks,
        &mut told,
        "GetEvent",
        json!({"event_id": "01890000-0000-7000-8000-000000000000"}),
    )
    .await;

    insta::with_settings!({omit_expression => true}, {
        insta::assert_snapshot!(told);
    });
}

#[tokio::test]
async fn older_reflection_clients_find_the_same() {
    let core = Server::core().await;
    let new = Client::discover(core.core_url(), Version::V1).await;
    let old = Client::discover(core.core_url(), Version::V1Alpha).await;
    let ours = |client: &Client| {
        let names = client.services().iter();
        let ours = names.filter(|name| name.starts_with(PACKAGE));
        ours.cloned().collect::<Vec<_>>()
    };
    assert_eq!(ours(&new), ours(&old));
    let describe = |client: &Client| manual::of_service(&client.service("EventService"));
    assert_eq!(describe(&new), describe(&old));
    let listed = old
        .call("EventService", "ListEvents", json!({"igrp": 11}))
        .await;
    assert!(listed.is_ok(), "{listed:?}");
}

#[tokio::test]
async fn every_message_field_and_call_has_a_comment() {
    let core = Server::core().await;
    let client = Client::discover(core.core_url(), Version::V1).await;
    let silent = manual::without_comment(client.pool(), PACKAGE);
    assert!(silent.is_empty(), "without a comment: {silent:#?}");
}

#[tokio::test]
async fn every_service_is_served_and_says_that_it_is_well() {
    let core = Server::core().await;
    let client = Client::discover(core.core_url(), Version::V1).await;
    let services = client.services();
    let ours = services.iter().filter(|name| name.starts_with(PACKAGE));
    for service in ours.map(String::as_str).chain([""]) {
        let request = json!({ "service": service });
        let health = client
            .call_full("grpc.health.v1.Health", "Check", request)
            .await;
        let health = json_of(&health.unwrap());
        assert_eq!(health["status"], "SERVING", "{service}");
    }
}

/// Calls an RPC and writes down what was sent and what came back.
async fn call(client: &Client, masks: &mut Masks, told: &mut String, method: &str, request: Value) {
    let _ = writeln!(told, "\n== EventService/{method} {request:#}");
    match client.call("EventService", method, request).await {
        Ok(answer) => {
            let _ = writeln!(told, "{:#}", masks.masked(json_of(&answer)));
        }
        Err(status) => {
            let _ = writeln!(told, "{:?}: {}", status.code(), status.message());
            let details = status.get_error_details();
            if let Some(info) = details.error_info() {
                let _ = writeln!(told, "ErrorInfo {} {}", info.domain, info.reason);
            }
            let violations = details.bad_request().map(|bad| &bad.field_violations);
            for violation in violations.into_iter().flatten() {
                let _ = writeln!(
                    told,
                    "BadRequest {}: {}",
                    violation.field, violation.description
                );
            }
        }
    }
}

fn json_of(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .unwrap()
}

/// Ids and times by names that do not differ from run to run: each value has
/// its own.
#[derive(Debug, Default)]
struct Masks {
    seen: Vec<Value>,
}

impl Masks {
    fn masked(&mut self, mut value: Value) -> Value {
        match &mut value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let field_value = field.take();
                    let is_volatile = name == "event_id" || name == "receive_time";
                    *field = if is_volatile {
                        self.mask(name, field_value)
                    } else {
                        self.masked(field_value)
                    };
                }
            }
            Value::Array(items) => {
                for item in items {
                    *item = self.masked(item.take());
                }
            }
            _ => {}
        }
        value
    }

    fn mask(&mut self, name: &str, value: Value) -> Value {
        let known = self.seen.iter().position(|seen| *seen == value);
        let index = known.unwrap_or_else(|| {
            self.seen.push(value);
            self.seen.len() - 1
        });
        json!(format!("<{name} #{}>", index + 1))
    }
}
