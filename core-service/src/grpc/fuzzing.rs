//! Rules that hold for whatever a stranger sends.
//!
//! Each takes bytes that mean nothing to anybody, and panics when its rule is
//! broken. Fuzzers look for such bytes (see `fuzz/`); the tests here replay
//! what they found worth keeping.

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is how each of these says that its rule is broken"
)]

use prost::Message;
use sfbridge_proto::v1::{ListEventsRequest, RecordEventsRequest};

use super::frames::Frames;
use super::page;
use crate::store::Position;

/// Counting the items of a body comes to the same however its bytes arrive, and
/// nothing hides items that the decoder finds.
///
/// The first byte says how large the pieces are.
pub fn frames(data: &[u8]) {
    let Some((&size, body)) = data.split_first() else {
        return;
    };
    let whole = Frames::default().read(body);
    let mut frames = Frames::default();
    let mut pieces = body.chunks(usize::from(size).max(1));
    let read = pieces.try_for_each(|piece| frames.read(piece));
    assert_eq!(read, whole);
    // A field takes two bytes at least.
    assert!(
        whole.is_ok() || body.len() > 4_000,
        "too few to be too many"
    );

    if let Ok(request) = RecordEventsRequest::decode(body) {
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut framed = vec![0];
        framed.extend(length.to_be_bytes());
        framed.extend_from_slice(body);
        let is_flood = request.events.len() + request.notifications.len() > 2_100;
        assert!(!is_flood || Frames::default().read(&framed).is_err());
    }
}

/// Only a token that a list gave is taken, and it gives its position back.
///
/// The first 16 bytes are a position; each two of the line after them change a
/// byte of its token. The next line is a token by itself.
pub fn page_token(data: &[u8]) {
    let Some((key, rest)) = data.split_first_chunk::<8>() else {
        return;
    };
    let Some((number, rest)) = rest.split_first_chunk::<8>() else {
        return;
    };
    let position = Position {
        key: i64::from_be_bytes(*key),
        number: i64::from_be_bytes(*number),
    };
    let given = given(position);
    assert_eq!(asked(&given), Some(position));

    let mut lines = rest.split(|&byte| byte == b'\n');
    let (changes, own) = (lines.next(), lines.next());
    let mut token = given.into_bytes();
    for change in changes.unwrap_or_default().chunks_exact(2) {
        let at = usize::from(change[0]) % token.len();
        token[at] = change[1];
    }
    let own = std::str::from_utf8(own.unwrap_or_default());
    for token in [std::str::from_utf8(&token), own].into_iter().flatten() {
        // No token at all is the first page.
        if let Some(position) = asked(token).filter(|_| !token.is_empty()) {
            assert_eq!(self::given(position), token, "it was never given");
        }
    }
}

fn given(position: Position) -> String {
    let mut request = ListEventsRequest::default();
    page::asked("events", &mut request, paging)
        .map(|(filters, _)| filters.token(Some(position)))
        .unwrap_or_default()
}

fn asked(token: &str) -> Option<Position> {
    let mut request = ListEventsRequest {
        page_token: token.to_owned(),
        ..Default::default()
    };
    let asked = page::asked("events", &mut request, paging);
    asked.ok().map(|(_, page)| page.after)
}

fn paging(request: &mut ListEventsRequest) -> (&mut i32, &mut String) {
    (&mut request.page_size, &mut request.page_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a rule over its corpus.
    #[track_caller]
    fn replay(target: &str, rule: fn(&[u8])) {
        let folder = format!("{}/../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
        let mut count = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            rule(&std::fs::read(path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{folder} is empty");
    }

    #[test]
    fn the_rules_of_frames_hold_for_the_corpus() {
        replay("frames", frames);
    }

    #[test]
    fn the_rules_of_page_tokens_hold_for_the_corpus() {
        replay("page_token", page_token);
    }
}
