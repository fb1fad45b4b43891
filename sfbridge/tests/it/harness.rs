//! What the tests have in common.
//!
//! Every test starts the product's own binary: [`Server::up`] runs all in one
//! process, [`Server::core`] and [`Server::gateway_of`] run two, [`Start`]
//! takes flags. Each process has a temporary data directory and listens on
//! ports that were free; where, it says itself in `addresses.json`, and a
//! server is there for a test as soon as that file is. A process is killed when
//! its [`Server`] goes; when its test has failed, the end of its log is shown.
//!
//! Tests speak with it as its users do: [`Request`] sends exact HTTP,
//! [`CoreCaller`] asks the core over gRPC, [`Server::run`] runs a command.
//! [`until`] waits for conditions; there are no other waits.

mod command;
mod core;
mod http;
mod message;
mod pretend_org;
mod server;
mod until;

use tokio::process::Command;

pub(crate) use command::{Ran, run, run_with};
pub(crate) use core::{Contract, CoreCaller};
pub(crate) use http::{Answer, CALL_RATING, EVENTS, Request, gzip};
pub(crate) use message::{Message, Notification, VISITOR, notification_id};
pub(crate) use pretend_org::PretendOrg;
pub(crate) use server::{Role, Server, Start};
pub(crate) use until::{PATIENCE, until};

/// Settings of whoever runs the tests must not reach the product.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SFBRIDGE_") {
            command.env_remove(name);
        }
    }
}
