//! The table of edge cases names what exists.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = "docs/edge-cases.md";

/// What guards a case: the end of a file's path, and a test or a conformance
/// case in it.
#[derive(Debug, PartialEq)]
struct Guard<'a> {
    file: &'a str,
    name: &'a str,
}

/// One row of the table.
#[derive(Debug)]
struct Row<'a> {
    number: u32,
    /// The last column.
    last: &'a str,
    guards: Vec<Guard<'a>>,
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The rows whose first column is a number.
fn rows(table: &str) -> Vec<Row<'_>> {
    let cells = table.lines().filter_map(|line| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<_> = line.split(" | ").collect();
        let number = cells.first()?.parse().ok()?;
        assert_eq!(cells.len(), 4, "{line}");
        Some((number, cells[3]))
    });
    let row = |(number, last)| Row {
        number,
        last,
        guards: guards(last),
    };
    cells.map(row).collect()
}

/// What a cell names in backticks as `file: name`.
fn guards(cell: &str) -> Vec<Guard<'_>> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|text| {
            let (file, name) = text.split_once(": ")?;
            Some(Guard { file, name })
        })
        .collect()
}

/// All sources and conformance cases, by their path from the repository on.
fn files() -> BTreeMap<PathBuf, String> {
    const FOLDERS: [&str; 6] = [
        "soap-gateway",
        "core-service",
        "sfbridge",
        "transport",
        "values",
        "conformance",
    ];
    let mut files = BTreeMap::new();
    let mut folders: Vec<_> = FOLDERS.map(PathBuf::from).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|it| it == "rs" || it == "json")
            {
                let text = fs::read_to_string(entry.path()).unwrap();
                files.insert(path, text);
            }
        }
    }
    files
}

fn exists(guard: &Guard<'_>, files: &BTreeMap<PathBuf, String>) -> bool {
    let Guard { file, name } = guard;
    let expected = if Path::new(file).extension().is_some_and(|it| it == "json") {
        format!("/{name}\"")
    } else {
        format!("fn {name}(")
    };
    files
        .iter()
        .any(|(path, text)| path.ends_with(file) && text.contains(&expected))
}

#[test]
fn every_edge_case_is_there_once_and_its_guards_exist() {
    let table = fs::read_to_string(repository().join(TABLE)).unwrap();
    let rows = rows(&table);
    let numbers: Vec<_> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=128).collect::<Vec<_>>());

    let files = files();
    for row in rows {
        if row.guards.is_empty() {
            assert!(row.last.ends_with('.'), "{} has no reason", row.number);
        }
        for guard in &row.guards {
            assert!(exists(guard, &files), "{}: {guard:?}", row.number);
        }
    }
}

#[test]
fn what_does_not_exist_is_found_missing() {
    let files = files();
    let here = "it/edge_cases.rs";
    let is_there = |file, name| exists(&Guard { file, name }, &files);
    assert!(is_there(here, "what_does_not_exist_is_found_missing"));
    assert!(!is_there(here, "what_does_not_exist"));
    assert!(!is_there(
        "it/answers.rs",
        "what_does_not_exist_is_found_missing"
    ));
    assert!(!is_there(
        "cases.rs",
        "what_does_not_exist_is_found_missing"
    ));

    let table = "| # | a | b | c |\n|---|---|---|---|\n| 7 | x | `y` | `a.rs: b`, `c.json: d: e` |";
    let rows = rows(table);
    assert_eq!(rows.len(), 1);
    let guard = |file, name| Guard { file, name };
    assert_eq!(
        rows[0].guards,
        [guard("a.rs", "b"), guard("c.json", "d: e")]
    );
}
