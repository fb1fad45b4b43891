use std::fmt::Write as _;

use proptest::prelude::*;
use sfbridge_proto::v1 as pb;

use super::super::columns::{CALLS, VISITS};
use super::*;

const READING: Reading = Reading {
    zone: Tz::UTC,
    ignore_unknown: false,
};

fn csv(text: &[u8]) -> anyhow::Result<Records<&[u8], pb::Visit>> {
    let records = CsvRecords::new(Lines::new(text), VISITS, None, READING)?;
    Ok(Records::Csv(Box::new(records)))
}

fn ndjson(text: &[u8]) -> Records<&[u8], pb::Visit> {
    Records::Json(JsonRecords::new(Lines::new(text), VISITS, READING))
}

fn all(mut records: Records<&[u8], pb::Visit>) -> Vec<Entry<pb::Visit>> {
    std::iter::from_fn(|| records.next().unwrap()).collect()
}

/// Lines, and what comes of them: a landing page, or a reason.
fn told(records: Records<&[u8], pb::Visit>) -> String {
    let mut told = String::new();
    for entry in all(records) {
        let (first, last) = (entry.line, entry.last_line);
        match entry.item {
            Ok(visit) => writeln!(told, "{first}-{last} {}", visit.landing_page).unwrap(),
            Err(fault) => writeln!(told, "{first}-{last} {}", fault.reason).unwrap(),
        }
    }
    told
}

#[test]
fn quoted_values_hold_delimiters_quotes_and_ends_of_lines() {
    let text = b"href,src\n\"a,b\",x\r\n\"say \"\"hi\"\"\",y\n\"two\nlines\",z\n";
    let visits: Vec<_> = all(csv(text).unwrap());
    let pages: Vec<_> = visits
        .iter()
        .map(|entry| entry.item.as_ref().unwrap().landing_page.as_str())
        .collect();
    assert_eq!(pages, ["a,b", "say \"hi\"", "two\nlines"]);
    assert_eq!((visits[2].line, visits[2].last_line), (4, 5));
    assert_eq!(visits[2].raw, b"\"two\nlines\",z\n");
}

#[test]
fn the_delimiter_is_the_one_that_makes_sense_of_the_header() {
    for text in ["href,src\na,b", "href;src\na;b\n", "href\tsrc\r\na\tb"] {
        assert_eq!(told(csv(text.as_bytes()).unwrap()), "2-2 a\n", "{text}");
    }
}

#[test]
fn a_bad_line_costs_itself_and_no_other() {
    let text = b"href,src\n\"open,x\ngood,1\nonly one\n\n\xff,2\nlast,3";
    let expected = "2-2 MALFORMED_LINE\n3-3 good\n4-4 MALFORMED_LINE\n6-6 NOT_UTF8\n7-7 last\n";
    assert_eq!(told(csv(text).unwrap()), expected);
    let text = b"\xef\xbb\xbf{\"href\":\"good\"}\n[1]\n\n{\"hreff\":1}\n\xff\n{\"href\":\"x\",\"landing_page\":\"y\"}\n{\"href\":[]}\n{\"href\":\"last\"}";
    let expected = "1-1 good\n2-2 MALFORMED_LINE\n4-4 UNKNOWN_COLUMN\n5-5 NOT_UTF8\n6-6 MALFORMED_LINE\n7-7 MALFORMED_LINE\n8-8 last\n";
    assert_eq!(told(ndjson(text)), expected);
}

#[test]
fn a_header_that_makes_no_sense_is_refused() {
    let refused = |text: &str| csv(text.as_bytes()).err().unwrap().to_string();
    assert!(refused("").contains("empty"));
    assert!(refused("href,sorce\n").contains("`source`"));
    assert!(refused("href,landing_page\n").contains("twice"));
    assert!(refused("\"href,src\n").contains("quote"));
    let bom = csv("\u{feff}href,src\na,b\n".as_bytes()).unwrap();
    assert_eq!(told(bom), "2-2 a\n");
}

#[test]
fn values_go_where_their_columns_say() {
    let text = "IGRP;vid;Trigger Datetime;pt_gclid;c_Stage;variables;visit_id\n\
                7;vid~x;2026-05-01 10:00;abc;;\"{\"\"a\"\":\"\"b\"\"}\";none\n";
    let visit = all(csv(text.as_bytes()).unwrap()).remove(0).item.unwrap();
    assert_eq!((visit.igrp, visit.visitor_id.as_str()), (7, "vid~x"));
    assert_eq!(visit.visit_time.unwrap().seconds, 1_777_629_600);
    assert_eq!(visit.pass_through["gclid"], "abc");
    assert_eq!(visit.variables.len(), 1);
    assert_eq!(visit.visit_id, "");

    let text = r#"{"igrp":"7","callRef":12,"start_time":"2026-05-01T10:00:00Z","callDuration":61,"state":null}"#;
    let lines = Lines::new(text.as_bytes());
    let mut records = JsonRecords::new(lines, CALLS, READING);
    let call = records.next().unwrap().unwrap().item.unwrap();
    assert_eq!((call.igrp, call.call_ref.as_str()), (7, "12"));
    assert_eq!((call.call_seconds, call.state.as_str()), (61, ""));
}

#[test]
fn a_value_that_is_none_of_its_column_says_so() {
    for (text, reason) in [
        ("igrp\nseven", "INVALID_IGRP"),
        ("visit_time\nyesterday", "INVALID_TIMESTAMP"),
        ("pass_through\n[]", "MALFORMED_LINE"),
    ] {
        let entry = all(csv(text.as_bytes()).unwrap()).remove(0);
        assert_eq!(entry.item.unwrap_err().reason, reason, "{text}");
    }
}

/// Bytes that look like a file now and then.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\"".to_vec()),
        Just(b",".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"{\"href\":\"x\"}".to_vec()),
        Just(b"a,b".to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Every line that holds something is one of exactly one record, in order.
#[track_caller]
fn account(entries: &[Entry<pb::Visit>], file: &[u8], header: u64) {
    let mut lines = Lines::new(file);
    let mut left = entries.iter();
    let mut within: Option<(u64, Vec<u8>)> = None;
    while let Some(line) = lines.next().unwrap() {
        if line.number <= header {
            continue;
        }
        if within.is_none() {
            let is_blank = line.bytes.trim_ascii().is_empty();
            match left.as_slice().first() {
                Some(entry) if entry.line == line.number => {
                    left.next();
                    within = Some((entry.last_line, entry.raw.clone()));
                }
                _ => assert!(is_blank, "line {} is lost", line.number),
            }
        }
        if let Some((last, raw)) = &within {
            assert!(raw.windows(line.bytes.len()).any(|part| part == line.bytes));
            if *last == line.number {
                within = None;
            }
        }
    }
    assert!(within.is_none() && left.next().is_none());
}

proptest! {
    #[test]
    fn whatever_a_csv_file_holds_every_line_is_accounted_for(body in bytes()) {
        let mut file = b"href,src\n".to_vec();
        file.extend(body);
        account(&all(csv(&file).unwrap()), &file, 1);
    }

    #[test]
    fn whatever_a_json_file_holds_every_line_is_accounted_for(file in bytes()) {
        account(&all(ndjson(&file)), &file, 0);
    }

    #[test]
    fn no_header_makes_it_panic(file in bytes()) {
        let _ = csv(&file);
    }

    #[test]
    fn what_was_written_is_read(values in prop::collection::vec(".{0,20}", 1..6)) {
        let mut writer = ::csv::Writer::from_writer(b"href,src\n".to_vec());
        for value in &values {
            writer.write_record([value.as_str(), "x"]).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let read: Vec<_> = all(csv(&file).unwrap())
            .into_iter()
            .map(|entry| entry.item.unwrap().landing_page)
            .collect();
        // A blank text is an absent one.
        let kept = values.iter().map(|value| if value.trim().is_empty() { "" } else { value });
        prop_assert_eq!(read, kept.collect::<Vec<_>>());
    }
}
