//! Cursors: places in the stream of events, as text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::store::StreamPlace;

/// The version of what a cursor holds, its first byte.
const VERSION: u8 = 1;

/// What a place takes: three numbers.
const PLACE: usize = 24;

/// The cursor of a place. It holds the place and a checksum, and nothing of the
/// core that gave it: another one over the same store takes it too.
pub(super) fn write(place: StreamPlace) -> String {
    let bytes = place_bytes(place);
    let checksum = checksum(&bytes);
    let mut cursor = Vec::with_capacity(1 + PLACE + checksum.len());
    cursor.push(VERSION);
    cursor.extend(bytes);
    cursor.extend(checksum);
    URL_SAFE_NO_PAD.encode(cursor)
}

/// Reads a cursor that a stream gave.
pub(super) fn read(text: &str) -> Result<StreamPlace, Error> {
    place(text).ok_or_else(|| {
        Error::invalid(
            "cursor",
            "is not one that a stream of events gave; send it as it came, or leave it out and \
             say with start where to begin",
        )
    })
}

fn place(text: &str) -> Option<StreamPlace> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (place, sum) = rest.split_first_chunk::<PLACE>()?;
    if *version != VERSION || sum != checksum(place) {
        return None;
    }
    let number = |n: usize| {
        let bytes = place.get(n * 8..)?.first_chunk::<8>()?;
        Some(i64::from_be_bytes(*bytes))
    };
    Some(StreamPlace {
        life: number(0)?,
        transaction: number(1)?,
        number: number(2)?,
    })
}

fn place_bytes(place: StreamPlace) -> [u8; PLACE] {
    let mut bytes = [0; PLACE];
    bytes[..8].copy_from_slice(&place.life.to_be_bytes());
    bytes[8..16].copy_from_slice(&place.transaction.to_be_bytes());
    bytes[16..].copy_from_slice(&place.number.to_be_bytes());
    bytes
}

/// Tells a cursor from a text that was cut or made up. It is no secret: who may
/// read events may begin anywhere in their stream.
fn checksum(place: &[u8; PLACE]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(b"event stream");
    hash.update([VERSION]);
    hash.update(place);
    let digest = hash.finalize();
    std::array::from_fn(|n| digest[n])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_gives_its_place_back(life: i64, transaction: i64, number: i64) {
            let place = StreamPlace { life, transaction, number };
            prop_assert_eq!(read(&write(place)).unwrap(), place);
        }

        #[test]
        fn a_cursor_that_was_tampered_with_is_refused(number: i64, at in 0..29_usize, flip in 1..=255_u8) {
            let cursor = write(StreamPlace { life: 1, transaction: 2, number });
            let mut bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
            bytes[at] ^= flip;
            prop_assert!(read(&URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }

        #[test]
        fn no_text_makes_a_cursor_panic(text in ".{0,60}") {
            let _ = read(&text);
        }
    }
}
