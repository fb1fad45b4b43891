//! Places in a text, for people.

/// The line and the column of the place right after `before`.
///
/// Both count from 1, the column in characters. Lines end with LF, CR LF or
/// CR, as in XML.
pub(crate) fn line_and_column(before: &str) -> (u64, u64) {
    let bytes = before.as_bytes();
    let ends = bytes.iter().enumerate().filter(|&(at, &byte)| {
        byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
    });
    let line = 1 + ends.count() as u64;
    let last_line = before
        .rfind(['\n', '\r'])
        .map_or(before, |end| &before[end + 1..]);
    (line, 1 + last_line.chars().count() as u64)
}

#[cfg(test)]
mod tests {
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
}
