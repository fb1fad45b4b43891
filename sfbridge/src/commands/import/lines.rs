//! The lines of a file, with their numbers.

use std::io::{self, BufRead};

/// The longest line, and the longest record of several lines. A visit whose
/// fields are all as long as they are kept is shorter.
pub(super) const LONGEST: usize = 1 << 20;

/// A line, with what ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number; the first is 1.
    pub(super) number: u64,
    /// Its bytes. Of a line that is too long only the beginning.
    pub(super) bytes: Vec<u8>,
    /// Whether it is longer than [`LONGEST`].
    pub(super) is_too_long: bool,
}

/// Reads lines, which end with LF, CR LF or CR, and holds one at a time.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines of this.
    pub(super) fn new(source: R) -> Self {
        Self { source, number: 0 }
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut is_too_long = false;
        let mut is_there = false;
        loop {
            let buffer = match self.source.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                break;
            }
            is_there = true;
            let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let length = end.map_or(buffer.len(), |end| end + 1);
            let room = LONGEST.saturating_sub(bytes.len());
            is_too_long |= length > room;
            bytes.extend_from_slice(&buffer[..length.min(room)]);
            let is_return = end.is_some_and(|end| buffer[end] == b'\r');
            self.source.consume(length);
            if is_return && self.source.fill_buf()?.first() == Some(&b'\n') {
                self.source.consume(1);
                bytes.push(b'\n');
            }
            if end.is_some() {
                break;
            }
        }
        if !is_there {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(Line {
            number: self.number,
            bytes,
            is_too_long,
        }))
    }

    /// Goes over all lines up to and with this number.
    pub(super) fn skip_through(&mut self, number: u64) -> io::Result<()> {
        while self.number < number && self.next()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8], buffer: usize) -> Vec<Line> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, bytes));
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    #[test]
    fn lines_end_in_any_of_three_ways() {
        for buffer in [1, 2, 100] {
            let read = lines(b"a\nb\r\nc\rd\n\ne", buffer);
            let bytes: Vec<&[u8]> = read.iter().map(|line| line.bytes.as_slice()).collect();
            let expected: [&[u8]; 6] = [b"a\n", b"b\r\n", b"c\r", b"d\n", b"\n", b"e"];
            assert_eq!(bytes, expected);
            assert_eq!(read[5].number, 6);
        }
        assert!(lines(b"", 8).is_empty());
    }

    #[test]
    fn of_a_line_that_is_too_long_only_the_beginning_is_held() {
        let mut bytes = vec![b'x'; LONGEST * 3];
        bytes.extend(b"\nshort\n");
        let read = lines(&bytes, 1_000);
        assert_eq!(read.len(), 2);
        assert!(read[0].is_too_long && read[0].bytes.len() <= LONGEST);
        assert_eq!(
            (read[1].number, read[1].bytes.as_slice()),
            (2, &b"short\n"[..])
        );
        assert!(!read[1].is_too_long);
    }

    proptest! {
        #[test]
        fn lines_together_are_the_file(bytes: Vec<u8>, buffer in 1..9_usize, skipped in 0..5_u64) {
            let read = lines(&bytes, buffer);
            let together: Vec<u8> = read.iter().flat_map(|line| line.bytes.clone()).collect();
            prop_assert_eq!(&together, &bytes);
            let mut rest = Lines::new(bytes.as_slice());
            rest.skip_through(skipped).unwrap();
            let next = rest.next().unwrap();
            prop_assert_eq!(next.as_ref(), read.get(usize::try_from(skipped).unwrap()));
        }
    }
}
