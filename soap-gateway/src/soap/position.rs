//! Places in a text, for people.

use memchr::memrchr2;

/// The line and the column of the place right after `before`.
///
/// Both count from 1, the column in characters. Lines end with LF, CR LF or
/// CR, as in XML.
pub(crate) fn line_and_column(before: &str) -> (u64, u64) {
    let bytes = before.as_bytes();
    let last_end = memrchr2(b'\n', b'\r', bytes);
    let last_line = last_end.map_or(before, |end| &before[end + 1..]);
    (1 + line_ends(bytes), 1 + last_line.chars().count() as u64)
}

/// How many lines end. A fault of 16 MiB has to know it, so bytes are counted
/// in blocks and without a branch for each.
fn line_ends(bytes: &[u8]) -> u64 {
    // As many as a byte can count.
    const BLOCK: usize = 255;

    let Some((last, all_but_last)) = bytes.split_last() else {
        return 0;
    };
    let pairs = all_but_last.chunks(BLOCK).zip(bytes[1..].chunks(BLOCK));
    let before_last: u64 = pairs
        .map(|(block, next)| {
            let pairs = block.iter().zip(next);
            let ends = pairs.fold(0_u8, |ends, (&byte, &next)| {
                let is_end = byte == b'\n' || (byte == b'\r' && next != b'\n');
                ends + u8::from(is_end)
            });
            u64::from(ends)
        })
        .sum();
    before_last + u64::from(matches!(last, b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(before: &str, expected: (u64, u64)) {
        assert_eq!(line_and_column(before), expected, "{before:?}");
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        check("", (1, 1));
        check("abc", (1, 4));
        check("abc\n", (2, 1));
        check("a\n\nb", (3, 2));
    }

    #[test]
    fn every_way_to_end_a_line_counts_once() {
        check("a\r\nb\rc\nd", (4, 2));
        check("a\r", (2, 1));
    }

    #[test]
    fn columns_are_characters_not_bytes() {
        check("ü😀", (1, 3));
    }

    proptest! {
        #[test]
        fn lines_are_as_many_as_the_ends_of_all_before_say(
            pieces in prop::collection::vec("(\r\n|\r|\n|[a-z]{1,9}|é|😀)", 0..700),
        ) {
            let text = pieces.concat();
            let unified = text.replace("\r\n", "\n").replace('\r', "\n");
            let lines: Vec<_> = unified.split('\n').collect();
            let column = lines.last().unwrap().chars().count() + 1;
            let expected = (lines.len() as u64, column as u64);
            prop_assert_eq!(line_and_column(&text), expected);
        }
    }
}
