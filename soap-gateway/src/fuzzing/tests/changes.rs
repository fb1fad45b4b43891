//! Small changes to the corpus, on any compiler: `PROPTEST_CASES` says how many
//! are tried.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

type Rule = fn(&[u8]);

const RULES: [(&str, Rule); 7] = [
    ("message", message),
    ("tokens", tokens),
    ("query", query),
    ("encoding", encoding),
    ("gzip", gzip),
    ("media_type", media_type),
    ("host", host),
];

/// What markup, queries and headers are made of.
const PIECES: [&str; 40] = [
    "<",
    ">",
    "/",
    "&",
    ";",
    "=",
    "'",
    "\"",
    "?",
    "!",
    "%",
    "+",
    "#",
    ":",
    " ",
    "\n",
    "\r",
    "\t",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "&#13;",
    "&amp;",
    "<a/>",
    "</a>",
    "<Id>1</Id>",
    " xsi:nil='1'",
    " xmlns='urn:x'",
    " xmlns:p=''",
    "%zz",
    "%00",
    "token=",
    "\u{0}",
    "\u{FEFF}",
    "\u{FFFE}",
    "é",
    "\u{85}",
    "😀",
];

/// One small change.
#[derive(Clone, Debug)]
enum Change {
    Insert(Index, &'static str),
    Overwrite(Index, u8),
    Remove(Index, usize),
    Double(Index, Index, usize),
    Graft(Index, Index, Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let (at, length) = (any::<Index>, || 1..80_usize);
    prop_oneof![
        (at(), select(&PIECES[..])).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Overwrite(at, byte)),
        (at(), length()).prop_map(|(at, length)| Change::Remove(at, length)),
        (at(), at(), length()).prop_map(|(at, from, length)| Change::Double(at, from, length)),
        (at(), at(), at(), length())
            .prop_map(|(at, other, from, length)| Change::Graft(at, other, from, length)),
    ]
}

fn changed(corpus: &[Vec<u8>], which: Index, changes: &[Change]) -> Vec<u8> {
    let mut data = corpus[which.index(corpus.len())].clone();
    for change in changes {
        let size = data.len();
        let place = |at: Index| at.index(size + 1);
        match *change {
            Change::Insert(at, piece) => insert(&mut data, place(at), piece.as_bytes()),
            Change::Overwrite(at, byte) if size > 0 => data[at.index(size)] = byte,
            Change::Overwrite(..) => {}
            Change::Remove(at, length) => {
                let at = place(at);
                data.drain(at..size.min(at + length));
            }
            Change::Double(at, from, length) => {
                let from = place(from);
                let part = data[from..size.min(from + length)].to_vec();
                insert(&mut data, place(at), &part);
            }
            Change::Graft(at, other, from, length) => {
                let other = &corpus[other.index(corpus.len())];
                let from = from.index(other.len() + 1);
                let part = &other[from..other.len().min(from + length)];
                insert(&mut data, place(at), part);
            }
        }
    }
    data
}

fn insert(data: &mut Vec<u8>, at: usize, part: &[u8]) {
    data.splice(at..at, part.iter().copied());
}

#[test]
fn the_rules_hold_near_the_corpus() {
    for (target, rule) in RULES {
        let corpus: Vec<Vec<u8>> = corpus(target).map(|(_, data)| data).collect();
        proptest!(|(which: Index, changes in vec(change(), 1..6))| {
            rule(&changed(&corpus, which, &changes));
        });
    }
}
