//! Replays what fuzzers found worth keeping, and what another reader agreed to.

mod changes;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::*;

/// The root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The files of a target's corpus and their names.
fn corpus(target: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    let folder = fs::read_dir(format!("{ROOT}/fuzz/corpus/{target}")).unwrap();
    folder.map(|entry| {
        let path = entry.unwrap().path();
        (path.display().to_string(), fs::read(path).unwrap())
    })
}

/// Runs a rule over its corpus.
#[track_caller]
fn replay(target: &str, rule: fn(&[u8])) {
    let mut count = 0;
    for (name, data) in corpus(target) {
        println!("{name}");
        rule(&data);
        count += 1;
    }
    assert!(count > 0, "the corpus of {target} is empty");
}

#[test]
fn the_rules_of_messages_hold_for_the_corpus() {
    replay("message", message);
}

#[test]
fn the_rules_of_tokens_hold_for_the_corpus() {
    replay("tokens", tokens);
}

#[test]
fn the_rules_of_queries_hold_for_the_corpus() {
    replay("query", query);
}

#[test]
fn the_rules_of_encodings_hold_for_the_corpus() {
    replay("encoding", encoding);
}

#[test]
fn the_rules_of_gzip_hold_for_the_corpus() {
    replay("gzip", gzip);
}

#[test]
fn the_rules_of_media_types_hold_for_the_corpus() {
    replay("media_type", media_type);
}

#[test]
fn the_rules_of_hosts_hold_for_the_corpus() {
    replay("host", host);
}

#[test]
fn messages_mean_what_libxml2_reads_too() {
    let expected = fs::read(format!("{ROOT}/fuzz/differential/expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_slice(&expected).unwrap();
    assert!(!expected.is_empty(), "nothing is recorded");
    for (path, expected) in expected {
        let message = fs::read(format!("{ROOT}/{path}")).unwrap();
        assert_eq!(reading(&message), expected, "{path}");
    }
}
