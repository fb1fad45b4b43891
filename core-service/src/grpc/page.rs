//! Pages and their tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::store::{PageRequest, Position};

const DEFAULT_SIZE: u32 = 50;
const MAX_SIZE: u32 = 1_000;

/// A page of long rows ends early, so that it fits into the 4 MiB that gRPC
/// clients take unless told otherwise.
const MAX_BYTES: usize = 3 << 20;

/// The filters of a list request, by which its tokens are known.
///
/// A token holds a position and a checksum over it and the filters. So it
/// survives restarts, and one of another request or one that was tampered with
/// is refused.
pub(super) struct Filters {
    encoded: Vec<u8>,
}

/// Reads which page of a list is asked for, and by which filters. `paging`
/// shows where the request keeps its page size and token; they are taken out
/// of it, because they are no filters.
pub(super) fn asked<R: Message>(
    list: &str,
    request: &mut R,
    paging: impl for<'a> FnOnce(&'a mut R) -> (&'a mut i32, &'a mut String),
) -> Result<(Filters, PageRequest), Error> {
    let (size, token) = paging(request);
    let (size, token) = (std::mem::take(size), std::mem::take(token));
    let filters = Filters::of(list, request);
    let page = filters.page(size, &token)?;
    Ok((filters, page))
}

impl Filters {
    /// Takes the name of a list, and a request for it whose page size and
    /// token were cleared.
    fn of(list: &str, request: &impl Message) -> Self {
        let mut encoded = list.as_bytes().to_vec();
        // No name of a list holds this, so no two lists share an encoding.
        encoded.push(0);
        encoded.extend(request.encode_to_vec());
        Self { encoded }
    }

    /// Reads which page is asked for.
    fn page(&self, size: i32, token: &str) -> Result<PageRequest, Error> {
        let size = match u32::try_from(size) {
            Err(_) => {
                return Err(Error::invalid(
                    "page_size",
                    "is negative; leave it out for 50",
                ));
            }
            Ok(0) => DEFAULT_SIZE,
            Ok(size) => size.min(MAX_SIZE),
        };
        let after = if token.is_empty() {
            Position::START
        } else {
            self.read_token(token)?
        };
        Ok(PageRequest {
            size,
            bytes: MAX_BYTES,
            after,
        })
    }

    /// The token of the next page; empty when there is none.
    pub(super) fn token(&self, next: Option<Position>) -> String {
        next.map_or_else(String::new, |position| {
            let mut bytes = position_bytes(position).to_vec();
            bytes.extend(self.checksum(position));
            URL_SAFE_NO_PAD.encode(bytes)
        })
    }

    fn read_token(&self, token: &str) -> Result<Position, Error> {
        let invalid = || {
            Error::invalid(
                "page_token",
                "is not one that this list gave for these filters; start again without a token",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
        let (key, rest) = bytes.split_first_chunk::<8>().ok_or_else(invalid)?;
        let (number, checksum) = rest.split_first_chunk::<8>().ok_or_else(invalid)?;
        let position = Position {
            key: i64::from_be_bytes(*key),
            number: i64::from_be_bytes(*number),
        };
        if checksum == self.checksum(position) {
            Ok(position)
        } else {
            Err(invalid())
        }
    }

    fn checksum(&self, position: Position) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(position_bytes(position));
        hash.update(&self.encoded);
        let digest = hash.finalize();
        std::array::from_fn(|n| digest[n])
    }
}

fn position_bytes(position: Position) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&position.key.to_be_bytes());
    bytes[8..].copy_from_slice(&position.number.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sfbridge_proto::v1::ListEventsRequest;

    use super::*;

    fn filters(igrp: i64) -> Filters {
        Filters::of(
            "events",
            &ListEventsRequest {
                igrp,
                ..Default::default()
            },
        )
    }

    #[test]
    fn a_page_size_is_50_by_default_and_1000_at_most() {
        let size = |size| filters(7).page(size, "").map(|page| page.size).ok();
        assert_eq!(size(0), Some(50));
        assert_eq!(size(7), Some(7));
        assert_eq!(size(5_000), Some(1_000));
        assert_eq!(size(-1), None);
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let request = ListEventsRequest::default();
        let token = Filters::of("visits", &request).token(Some(Position { key: 1, number: 2 }));
        assert!(Filters::of("visits", &request).page(0, &token).is_ok());
        assert!(Filters::of("events", &request).page(0, &token).is_err());
    }

    #[test]
    fn a_token_of_other_filters_is_refused() {
        let token = filters(7).token(Some(Position { key: 1, number: 2 }));
        assert!(filters(7).page(0, &token).is_ok());
        assert!(filters(8).page(0, &token).is_err());
    }

    proptest! {
        #[test]
        fn a_token_gives_its_position_back(key: i64, number: i64) {
            let position = Position { key, number };
            let token = filters(7).token(Some(position));
            prop_assert_eq!(filters(7).page(0, &token).unwrap().after, position);
        }

        #[test]
        fn a_token_that_was_tampered_with_is_refused(key: i64, at in 0..24_usize, flip in 1..=255_u8) {
            let token = filters(7).token(Some(Position { key, number: 2 }));
            let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
            bytes[at] ^= flip;
            prop_assert!(filters(7).page(0, &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }

        #[test]
        fn no_text_makes_a_token_panic(text in ".{0,60}") {
            let _ = filters(7).page(0, &text);
        }
    }
}
