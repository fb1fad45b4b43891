//! Replays what fuzzers found worth keeping, and what another reader agreed to.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::*;

/// The root of the repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Runs a rule over its corpus.
#[track_caller]
fn replay(target: &str, rule: fn(&[u8])) {
    let folder = format!("{ROOT}/fuzz/corpus/{target}");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        rule(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 0, "{folder} is empty");
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
