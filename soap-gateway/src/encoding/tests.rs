use super::*;

const LATIN1: &[u8] = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>M\xFCller</a>";

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

fn invalid_at(encoding: &'static str, line: u64, column: u64) -> UndecodableBody {
    UndecodableBody::InvalidBytes {
        encoding,
        line,
        column,
    }
}

#[track_caller]
fn check(body: &[u8], charset: Option<&str>, expected: &str) {
    assert_eq!(decode(body, charset).as_deref(), Ok(expected));
}

#[track_caller]
fn check_invalid(body: &[u8], charset: Option<&str>, expected: &UndecodableBody) {
    assert_eq!(decode(body, charset).as_ref(), Err(expected));
}

#[track_caller]
fn check_unknown(body: &[u8], charset: Option<&str>, expected: &str) {
    let label = expected.to_owned();
    check_invalid(body, charset, &UndecodableBody::UnknownEncoding { label });
}

#[test]
fn utf_8_is_the_default_and_not_copied() {
    let body = "<a>Müller 😀</a>".as_bytes();
    for charset in [
        None,
        Some("UTF-8"),
        Some("utf8"),
        Some("\"utf-8\""),
        Some(" "),
    ] {
        assert!(matches!(decode(body, charset), Ok(Cow::Borrowed(_))));
    }
    assert!(matches!(decode(b"", None), Ok(Cow::Borrowed(""))));
}

#[test]
fn what_grows_beyond_the_limit_is_given_up_there() {
    let euros = [0x80; 1_000];
    let check = |limit, expected: Option<usize>| {
        let text = decode_within(&euros, Some("windows-1252"), limit);
        assert_eq!(text.map(|text| text.len()).ok(), expected, "{limit}");
    };
    check(3_000, Some(3_000));
    check(usize::MAX, Some(3_000));
    for limit in [0, 1, 999, 1_000, 2_999] {
        check(limit, None);
        assert_eq!(
            decode_within(&euros, Some("windows-1252"), limit),
            Err(UndecodableBody::TooLarge)
        );
    }
    // It does not hide that bytes are wrong before.
    let broken = [&b"a\n\xE4"[..], &[0xFF; 9]].concat();
    let refused = decode_within(&broken, Some("gb18030"), 12);
    assert_eq!(refused, Err(invalid_at("gb18030", 2, 1)));
    assert_eq!(
        decode_within(b"<a/>", None, 3),
        Err(UndecodableBody::TooLarge)
    );
}

#[test]
fn the_byte_order_mark_is_no_part_of_the_text() {
    check("\u{FEFF}<a>ü</a>".as_bytes(), None, "<a>ü</a>");
    check(
        &utf16("\u{FEFF}<a>ü</a>", u16::to_le_bytes),
        None,
        "<a>ü</a>",
    );
    check(
        &utf16("\u{FEFF}<a>ü</a>", u16::to_be_bytes),
        None,
        "<a>ü</a>",
    );
    check("\u{FEFF}\u{FEFF}<a/>".as_bytes(), None, "\u{FEFF}<a/>");
}

#[test]
fn the_byte_order_mark_comes_before_the_charset_and_the_charset_before_the_declaration() {
    check(
        "\u{FEFF}<a>ü</a>".as_bytes(),
        Some("iso-8859-1"),
        "<a>ü</a>",
    );
    let marked = utf16("\u{FEFF}<a>ü</a>", u16::to_le_bytes);
    check(&marked, Some("utf-8"), "<a>ü</a>");

    let declared = "<?xml version='1.0' encoding='ISO-8859-1'?><a>ü</a>";
    check(declared.as_bytes(), Some("utf-8"), declared);
    check_invalid(LATIN1, Some("utf-8"), &invalid_at("UTF-8", 1, 48));
}

#[test]
fn the_declaration_decides_when_nothing_else_does() {
    let text = "<?xml version='1.0' encoding='ISO-8859-1'?><a>Müller</a>";
    check(LATIN1, None, text);
    check(&[b"\n ", LATIN1].concat(), None, &format!("\n {text}"));
    let greek = b"<?xml version='1.0' encoding='iso-8859-7'?><a>\xE1</a>";
    check(
        greek,
        None,
        "<?xml version='1.0' encoding='iso-8859-7'?><a>α</a>",
    );
}

#[test]
fn iso_8859_1_is_read_as_windows_1252() {
    check(b"<a>\xFC\x80\x85</a>", Some("iso-8859-1"), "<a>ü€…</a>");
    check(b"<a>\xFC\x80\x85</a>", Some("Windows-1252"), "<a>ü€…</a>");
    // Nothing is undefined, so nothing is lost.
    check(b"<a>\x81</a>", Some("latin1"), "<a>\u{81}</a>");
}

#[test]
fn us_ascii_is_ascii_alone() {
    check(b"<a>x</a>", Some("US-ASCII"), "<a>x</a>");
    let body = "<a>\nü</a>".as_bytes();
    check_invalid(body, Some("us-ascii"), &invalid_at("US-ASCII", 2, 1));
}

#[test]
fn utf_16_without_a_byte_order_mark_is_told_by_its_first_character() {
    for text in [
        "<a>ü😀</a>",
        "<?xml version='1.0' encoding='UTF-16'?><a>ü</a>",
        "\n<a/>",
    ] {
        for charset in [None, Some("utf-16")] {
            check(&utf16(text, u16::to_le_bytes), charset, text);
            check(&utf16(text, u16::to_be_bytes), charset, text);
        }
        check(&utf16(text, u16::to_be_bytes), Some("utf-16be"), text);
        check(&utf16(text, u16::to_le_bytes), Some("utf-16le"), text);
    }
}

#[test]
fn bytes_that_cannot_be_the_named_utf_16_are_refused() {
    check_invalid(b"<a>x</a>", Some("utf-16"), &invalid_at("UTF-16", 1, 1));
    let mut odd = utf16("<a>\n</a>", u16::to_le_bytes);
    odd.pop();
    check_invalid(&odd, None, &invalid_at("UTF-16LE", 2, 4));
    let lone_surrogate = [&utf16("<a>", u16::to_be_bytes)[..], &[0xD8, 0, 0, b'x']].concat();
    check_invalid(&lone_surrogate, None, &invalid_at("UTF-16BE", 1, 4));
}

#[test]
fn a_declaration_of_utf_16_in_single_bytes_is_wrong_and_the_body_utf_8() {
    for label in ["utf-16", "UTF-16LE", "utf-16be"] {
        let text = format!("<?xml version='1.0' encoding='{label}'?><a>ü</a>");
        check(text.as_bytes(), None, &text);
    }
}

#[test]
fn unknown_encodings_are_named() {
    check_unknown(b"<a/>", Some("klingon-8"), "klingon-8");
    check_unknown(b"<?xml version='1.0' encoding='cp037'?><a/>", None, "cp037");
    for label in [
        "utf-7",
        "utf-32",
        "x-user-defined",
        "hz-gb-2312",
        "iso-2022-kr",
    ] {
        check_unknown(b"<a/>", Some(label), label);
    }
    check_unknown(b"\xFF\xFE\0\0<\0\0\0", None, "UTF-32LE");
    check_unknown(b"\0\0\xFE\xFF\0\0\0<", None, "UTF-32BE");
    check_unknown(b"<\0\0\0a\0\0\0", None, "UTF-32LE");
    check_unknown(b"\0\0\0<\0\0\0a", None, "UTF-32BE");
    check_unknown(b"<a/>", Some("x\r\ny\u{1b}ü<"), "xy<");
    check_unknown(b"<a/>", Some(&"x".repeat(1_000)), &"x".repeat(40));
}

#[test]
fn a_byte_order_mark_makes_an_unknown_charset_irrelevant() {
    check("\u{FEFF}<a/>".as_bytes(), Some("klingon-8"), "<a/>");
}

#[test]
fn invalid_bytes_are_refused_where_they_stand() {
    check_invalid(b"<a>\n\xC3\xBCx\xFF</a>", None, &invalid_at("UTF-8", 2, 3));
    check_invalid(b"<a>\xC3", None, &invalid_at("UTF-8", 1, 4));
    // Overlong, and a surrogate.
    check_invalid(b"<a>\xC0\xAF</a>", None, &invalid_at("UTF-8", 1, 4));
    check_invalid(b"<a>\xED\xA0\x80</a>", None, &invalid_at("UTF-8", 1, 4));
    check_invalid(b"\xEF\xBB\xBF<a>\xFF</a>", None, &invalid_at("UTF-8", 1, 4));
    let japanese = b"<a>\n\x83e\x83\xFF</a>";
    check_invalid(japanese, Some("shift_jis"), &invalid_at("Shift_JIS", 2, 2));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        label in proptest::sample::select(vec![
            "utf-8", "utf-16", "utf-16be", "shift_jis", "gb18030", "iso-2022-jp", "euc-kr",
        ]),
    ) {
        let _ = decode(&body, Some(label));
        let _ = decode(&body, None);
    }

    #[test]
    fn text_survives_every_encoding_of_all_of_unicode(text in "<[^\u{0}]{0,50}") {
        check(text.as_bytes(), None, &text);
        check(&utf16(&text, u16::to_le_bytes), Some("utf-16le"), &text);
        let (encoded, _, _) = encoding_rs::GB18030.encode(&text);
        proptest::prop_assert!(decode(&encoded, Some("gb18030")).is_ok());
    }
}
