//! Bodies that are compressed.

use std::io::Read;
use std::net::Ipv4Addr;

use flate2::read::MultiGzDecoder;

use super::{Budget, Held, too_large};
use crate::fault::{Fault, Reason};

/// Decodes all members of a gzip body. The limit and the budget are taken block
/// by block, before a block is kept: a bomb does not go off.
///
/// # Errors
///
/// A refusal: 413 above the limit, 400 for what is not gzip, 503 when too much
/// is held already.
pub(crate) fn gunzip(body: &[u8], limit: usize, held: &mut Held) -> Result<Vec<u8>, Fault> {
    const BLOCK: usize = 32 * 1024;

    let mut decoder = MultiGzDecoder::new(body);
    let mut block = vec![0; BLOCK];
    let mut whole = Vec::new();
    loop {
        let length = decoder.read(&mut block).map_err(|_| {
            Fault::new(
                Reason::BrokenBody,
                "The body is not the gzip that its Content-Encoding says it is.",
            )
        })?;
        if length == 0 {
            return Ok(whole);
        }
        if length > limit - whole.len() {
            return Err(too_large(limit));
        }
        held.grow(length)?;
        whole.extend_from_slice(&block[..length]);
    }
}

/// Decodes a gzip body that shares its memory with nobody.
///
/// # Errors
///
/// As of [`gunzip`], but never for what others hold.
pub(crate) fn decompressed(body: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let mut held = Budget::new(limit).nothing(Ipv4Addr::UNSPECIFIED.into());
    gunzip(body, limit, &mut held)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::Budget;
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn check(body: &[u8], limit: usize, expected: Result<&[u8], Reason>) {
        let mut held = Budget::new(1 << 20).nothing(Ipv4Addr::LOCALHOST.into());
        let decoded = gunzip(body, limit, &mut held);
        let decoded = decoded.as_deref().map_err(Fault::reason);
        assert_eq!(decoded, expected);
    }

    #[test]
    fn all_members_are_one_body() {
        let body = [gzip(b"<a>"), gzip(b""), gzip(b"</a>")].concat();
        check(&body, 7, Ok(b"<a></a>"));
    }

    #[test]
    fn what_is_not_gzip_is_broken() {
        let body = gzip(b"<a></a>");
        check(b"<a></a>", 100, Err(Reason::BrokenBody));
        check(b"", 100, Err(Reason::BrokenBody));
        check(&body[..body.len() - 1], 100, Err(Reason::BrokenBody));
        let and_more = [&body[..], b"<"].concat();
        check(&and_more, 100, Err(Reason::BrokenBody));
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let bomb = gzip(&vec![b' '; 10 << 20]);
        assert!(bomb.len() < 20_000);
        check(&bomb, 1 << 19, Err(Reason::BodyTooLarge));
    }

    #[test]
    fn what_is_decoded_counts_in_the_budget() {
        let body = gzip(&vec![b' '; 1 << 20]);
        let mut held = Budget::new(1 << 16).nothing(Ipv4Addr::LOCALHOST.into());
        let refusal = gunzip(&body, 1 << 24, &mut held).unwrap_err();
        assert_eq!(refusal.reason(), Reason::Overloaded);
    }
}
