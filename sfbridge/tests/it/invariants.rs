//! The invariants of `ARCHITECTURE.md` that a search of the sources can check.
//!
//! Only product code is searched: comments and what stands under
//! `#[cfg(test)]` are left out. Each rule brings a line that breaks it, so that
//! a rule that finds nothing any more is noticed.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that may stand in some places only.
struct Rule {
    name: &'static str,
    /// Whole words, or parts of code that begin or end with something else.
    words: &'static [&'static str],
    /// Where to search: beginnings of paths.
    scope: &'static [&'static str],
    /// Where in the scope the words may stand all the same.
    allowed: &'static [&'static str],
    /// A place and a line there that breaks the rule.
    offender: (&'static str, &'static str),
}

const EVERYWHERE: &[&str] = &[""];

const RULES: &[Rule] = &[
    Rule {
        name: "only the store contains SQL or names a database driver",
        words: &[
            "rusqlite",
            "refinery",
            "deadpool",
            "SELECT ",
            "INSERT INTO",
            "DELETE FROM",
            "CREATE TABLE",
            "PRAGMA ",
        ],
        scope: EVERYWHERE,
        allowed: &["core-service/src/store"],
        offender: (
            "core-service/src/grpc/event_service.rs",
            "let sql = \"SELECT * FROM events\";",
        ),
    },
    Rule {
        name: "the domain and the recording know neither gRPC, generated messages nor a driver",
        words: &[
            "tonic",
            "sfbridge_proto",
            "prost",
            "prost_types",
            "rusqlite",
        ],
        scope: &["core-service/src/domain", "core-service/src/recording"],
        allowed: &[],
        offender: ("core-service/src/domain/event.rs", "use tonic::Status;"),
    },
    Rule {
        name: "the domain and the recording do not read the clock",
        words: &["clock", "Utc::now", "SystemTime", "Instant"],
        scope: &["core-service/src/domain", "core-service/src/recording"],
        allowed: &[],
        offender: (
            "core-service/src/recording/events.rs",
            "let now = clock::now();",
        ),
    },
    Rule {
        name: "a gRPC status is made at the edges that serve gRPC and read in the gateway's client",
        words: &["Status"],
        scope: &["core-service/src", "soap-gateway/src"],
        allowed: &[
            "core-service/src/grpc",
            "soap-gateway/src/core_client",
            "soap-gateway/src/core_service/health",
            "soap-gateway/src/mapping_service",
        ],
        offender: (
            "core-service/src/store/error.rs",
            "impl From<StoreError> for tonic::Status {",
        ),
    },
    Rule {
        name: "nothing is unsafe",
        words: &["unsafe"],
        scope: EVERYWHERE,
        allowed: &[],
        offender: ("values/src/decimal.rs", "unsafe { transmute(text) }"),
    },
    // A constant that is computed once (`LazyLock`) does not change.
    Rule {
        name: "nothing global changes",
        words: &[
            "static mut",
            "lazy_static",
            "once_cell",
            "OnceLock",
            "thread_local",
            "LazyLock<Mutex",
            "LazyLock<RwLock",
        ],
        scope: EVERYWHERE,
        allowed: &[],
        offender: (
            "soap-gateway/src/route.rs",
            "static CONFIG: OnceLock<GatewayConfig> = OnceLock::new();",
        ),
    },
    Rule {
        name: "nothing panics for a value that is not there",
        words: &[".unwrap()", ".expect(\"", "todo!", "unimplemented!"],
        scope: EVERYWHERE,
        allowed: &[],
        offender: ("sfbridge/src/main.rs", "let value = option.unwrap();"),
    },
];

/// A file of product code, and what of it counts.
struct Source {
    path: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
        let lines = text.lines();
        let code: Vec<&str> = lines
            .map(|line| {
                if line.trim_start().starts_with("//") {
                    ""
                } else {
                    line
                }
            })
            .collect();
        Self {
            path: path.to_owned(),
            code: code.join("\n"),
        }
    }
}

/// Where a rule is broken.
fn offences(rule: &Rule, sources: &[Source]) -> Vec<String> {
    let begins = |path: &str, places: &[&str]| places.iter().any(|place| path.starts_with(place));
    sources
        .iter()
        .filter(|source| begins(&source.path, rule.scope) && !begins(&source.path, rule.allowed))
        .flat_map(|source| {
            source
                .code
                .lines()
                .enumerate()
                .filter(|(_, line)| rule.words.iter().any(|word| has_word(line, word)))
                .map(|(index, line)| format!("{}:{}: {}", source.path, index + 1, line.trim()))
        })
        .collect()
}

/// Whether a word stands in a line and not within a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let begins = !word.starts_with(is_name) || !before.is_some_and(is_name);
        let ends = !word.ends_with(is_name) || !after.is_some_and(is_name);
        begins && ends
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of the repository by its path in it.
fn files() -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = folder.join(&name);
            if entry.file_type().unwrap().is_dir() {
                if !matches!(name.as_str(), "target" | "node_modules" | "data" | ".git") {
                    folders.push(path);
                }
            } else {
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// All product code. The fault suite is a test, though a program of its own.
fn sources() -> Vec<Source> {
    let is_product = |path: &String| {
        let is_test =
            path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("faults/");
        Path::new(path)
            .extension()
            .is_some_and(|extension| extension == "rs")
            && !is_test
    };
    let sources: Vec<_> = files()
        .into_iter()
        .filter(is_product)
        .map(|path| Source::new(&path, &fs::read_to_string(root().join(&path)).unwrap()))
        .collect();
    for folder in [
        "core-service/src",
        "soap-gateway/src",
        "salesforce-sim/src",
        "sfbridge/src",
        "transport/src",
        "values/src",
    ] {
        assert!(
            sources.iter().any(|source| source.path.starts_with(folder)),
            "no {folder}"
        );
    }
    sources
}

#[test]
fn the_sources_keep_the_invariants() {
    let sources = sources();
    let broken: Vec<String> = RULES
        .iter()
        .flat_map(|rule| {
            let offences = offences(rule, &sources);
            offences
                .into_iter()
                .map(|offence| format!("{}:\n  {offence}", rule.name))
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_rule_finds_who_breaks_it() {
    for rule in RULES {
        let (path, line) = rule.offender;
        let text = format!("fn planted() {{\n    {line}\n}}\n");
        let found = offences(rule, &[Source::new(path, &text)]);
        assert_eq!(found.len(), 1, "{}", rule.name);

        for place in rule.allowed {
            let found = offences(rule, &[Source::new(&format!("{place}/x.rs"), &text)]);
            assert!(found.is_empty(), "{}: {found:?}", rule.name);
        }
        let in_test = format!("#[cfg(test)]\nmod tests {{\n    {line}\n}}\n");
        let in_comment = format!("// {line}\n");
        for harmless in [in_test, in_comment] {
            let found = offences(rule, &[Source::new(path, &harmless)]);
            assert!(found.is_empty(), "{}: {found:?}", rule.name);
        }
    }
}

#[test]
fn words_are_whole() {
    assert!(has_word("-> Result<(), Status> {", "Status"));
    assert!(!has_word("MatchStatus::Matched", "Status"));
    assert!(!has_word("StatusCode::OK", "Status"));
    assert!(!has_word("unsafe_code = \"forbid\"", "unsafe"));
    assert!(has_word("value.unwrap()", ".unwrap()"));
    assert!(!has_word("value.unwrap_or(1)", ".unwrap()"));
}

fn acknowledgements(sources: &[Source]) -> Vec<&str> {
    sources
        .iter()
        .flat_map(|source| source.code.matches("<Ack").map(|_| source.path.as_str()))
        .collect()
}

#[test]
fn the_acknowledgement_is_written_in_one_place() {
    let mut sources = sources();
    assert_eq!(
        acknowledgements(&sources),
        ["soap-gateway/src/soap/answer.rs"]
    );
    sources.push(Source::new(
        "soap-gateway/src/route.rs",
        "let ack = \"<Ack>true</Ack>\";",
    ));
    assert_eq!(acknowledgements(&sources).len(), 2);
}

/// The paths that a document names in backquotes.
fn named_paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|name| !name.contains([' ', '\n', ':']))
        .filter(|name| {
            name.contains('/')
                || [".rs", ".proto", ".toml"]
                    .iter()
                    .any(|end| name.ends_with(end))
        })
        .collect()
}

/// Those that are neither a file nor a folder, named from the root or in part.
fn missing<'a>(named: &[&'a str], files: &[String]) -> Vec<&'a str> {
    let is_there = |name: &str| {
        files.iter().any(|file| {
            let file = format!("/{file}");
            if name.ends_with('/') {
                file.contains(&format!("/{name}"))
            } else {
                file.ends_with(&format!("/{name}"))
            }
        })
    };
    let named = named.iter().copied();
    named.filter(|name| !is_there(name)).collect()
}

#[test]
fn the_files_that_the_architecture_names_exist() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (named, files) = (named_paths(&text), files());
    assert!(named.len() > 20, "{named:?}");
    assert_eq!(missing(&named, &files), Vec::<&str>::new());

    let planted = named_paths("See `soap-gateway/src/gone.rs`, `gone/` and `route.rs`.");
    assert_eq!(
        missing(&planted, &files),
        ["soap-gateway/src/gone.rs", "gone/"]
    );
}
