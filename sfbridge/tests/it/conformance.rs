//! Every case of `conformance/`, run against the product as it ships.
//!
//! `conformance/README.md` says what the files mean. A case that fails names
//! itself and shows what differs.

mod case;
mod compare;
mod run;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use case::Suite;
use run::Target;

use crate::harness::{Contract, CoreCaller, Role, Server, Start};

#[tokio::test]
async fn every_case_holds_in_one_process() {
    let up = Server::up().await;
    check(Target {
        gateway: up.gateway(),
        core: CoreCaller::of(up.core_address()),
        contract: Contract::new(),
    })
    .await;
}

#[tokio::test]
async fn every_case_holds_with_the_gateway_and_the_core_apart() {
    let core = Server::core().await;
    let gateway = Server::gateway_of(&core).await;
    check(Target {
        gateway: gateway.gateway(),
        core: CoreCaller::of(core.core_address()),
        contract: Contract::new(),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_holds_with_cores_over_one_postgres() {
    let database = test_postgres::Database::create();
    let core = || Start::new(Role::Core).variable("SFBRIDGE_STORE", database.url());
    let (core, other) = (core().start().await, core().start().await);
    let gateway = Server::gateway_of(&core).await;
    check(Target {
        gateway: gateway.gateway(),
        // What one core has recorded, another one knows.
        core: CoreCaller::of(other.core_address()),
        contract: Contract::new(),
    })
    .await;
}

#[test]
fn every_case_has_a_name_and_an_installation_of_its_own() {
    let (mut names, mut installations) = (BTreeSet::new(), BTreeSet::new());
    for (_, suite) in Suite::all() {
        for case in suite.cases {
            assert!(installations.insert(case.igrp), "{} twice", case.igrp);
            assert!(names.insert(case.name.clone()), "{} twice", case.name);
        }
    }
    assert!(!names.is_empty());
}

async fn check(target: Target) {
    let mut failures = String::new();
    let mut count = 0;
    for (file, suite) in Suite::all() {
        for case in &suite.cases {
            count += 1;
            let told = target.run(&suite, case).await;
            if !told.is_empty() {
                let (name, why) = (&case.name, &case.why);
                let _ = writeln!(failures, "\n{file}: {name} (igrp {})\n  {why}", case.igrp);
                for line in told {
                    let _ = writeln!(failures, "    {line}");
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    println!("{count} cases hold");
}
