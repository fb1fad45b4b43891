//! Documents that are made to hurt. Each is refused at a place that shows how
//! little of it was read, or says no more than was asked of it.

use super::*;

/// The most bytes that a gateway takes by default.
const BODY: usize = 16 << 20;

/// Repeats a piece until a message of it is as large as a body may be.
fn full_of(piece: &str) -> String {
    piece.repeat((BODY - 1_000) / piece.len())
}

/// That reading ends with these words after so many repetitions of a piece.
#[track_caller]
fn check_ends_after(count: usize, piece: &str, text: &str, words: &str) {
    let invalid = read_invalid(text);
    assert!(invalid.to_string().contains(words), "{invalid}");
    let first = text.find(piece).unwrap();
    let expected = first + count * piece.len() + 1;
    assert_eq!((invalid.line(), invalid.column()), (1, expected as u64));
}

/// That reading ends with these words where the text begins.
#[track_caller]
fn check_ends_at_once(text: &str, words: &str) {
    let invalid = read_invalid(text);
    assert!(invalid.to_string().contains(words), "{invalid}");
    assert_eq!((invalid.line(), invalid.column()), (1, 1));
}

#[test]
fn of_a_billion_laughs_none_is_heard() {
    let lines = joined(1..10, |n| {
        let ten = format!("&lol{};", n - 1).repeat(10);
        format!("<!ENTITY lol{n} '{ten}'>")
    });
    let text = format!("<!DOCTYPE lolz [<!ENTITY lol0 'lol'>{lines}]><lolz>&lol9;</lolz>");
    check_ends_at_once(&text, "DOCTYPE");
}

#[test]
fn a_long_entity_that_is_used_often_is_never_defined() {
    let long = "a".repeat(1_000_000);
    let text = format!(
        "<!DOCTYPE x [<!ENTITY a '{long}'>]><x>{}</x>",
        "&a;".repeat(1_000_000)
    );
    check_ends_at_once(&text, "DOCTYPE");
}

#[test]
fn of_80_000_attributes_300_are_read() {
    let attributes = joined(0..80_000, |n| format!(" a{n:05}='1'"));
    let text = lead_of(&format!("<sf:A{attributes}/>"));
    let invalid = read_invalid(&text);
    assert!(invalid.to_string().contains("more than 300 attributes"));
    let first = text.find(" a00000").unwrap();
    let expected = first + 300 * " a00000='1'".len() + 1;
    assert_eq!(invalid.column(), expected as u64);
}

#[test]
fn of_30_000_open_tags_as_many_are_read_as_may_be_nested() {
    let text = message_of(&"<a>".repeat(30_000));
    check_ends_after(64 - 3, "<a>", &text, "nested");
}

#[test]
fn a_name_of_a_megabyte_is_refused_where_it_begins() {
    let name = "n".repeat(1 << 20);
    let text = lead_of(&format!("<{name}>1</{name}>"));
    check_ends_after(0, &name, &text, "1024 bytes");
}

#[test]
fn of_a_million_elements_ten_thousand_are_read() {
    let text = lead_of(&"<a/>".repeat(1_000_000));
    check_ends_after(10_000 - 3, "<a/>", &text, "more than 10000 elements");
    let text = message_of(&"<a/>".repeat(1_000_000));
    check_ends_after(10_000 - 3, "<a/>", &text, "more than 10000 elements");
}

#[test]
fn of_a_million_fields_in_many_notifications_a_fifth_is_read() {
    let fields = joined(0..9_000, |n| format!("<a{n:04}>1</a{n:04}>"));
    let notification =
        format!("<Notification><sObject xsi:type='a'>{fields}</sObject></Notification>");
    let text = message_of(&notification.repeat(111));
    let invalid = read_invalid(&text);
    let words = "The message has more than 200000 elements";
    assert!(invalid.to_string().contains(words), "{invalid}");
    // Three elements are around the notifications, and each has two more
    // nodes than it has fields.
    let left = 200_000 - 3;
    let (full, into_record) = (left / 9_002, left % 9_002 - 2);
    let first = text.find("<Notification>").unwrap() + full * notification.len();
    let record = notification.find("<a0000>").unwrap();
    let expected = first + record + into_record * "<a0000>1</a0000>".len() + 1;
    assert_eq!(invalid.column(), expected as u64);
}

#[test]
fn of_a_body_of_comments_ten_thousand_are_read() {
    let piece = "<!---->";
    let text = lead_of(&full_of(piece));
    check_ends_after(10_000 - 3, piece, &text, "comments");
    check_ends_after(10_000, piece, &full_of(piece), "comments");
}

#[test]
fn of_a_body_of_notifications_ten_thousand_are_read() {
    let piece = "<Notification/>";
    let text = message_of(&full_of(piece));
    check_ends_after(10_000, piece, &text, "more than 10000 notifications");
}

#[test]
fn a_body_of_references_is_as_many_characters() {
    let count = (BODY - 1_000) / "&amp;".len();
    let record = only_record(&lead_of(&format!("<sf:A>{}</sf:A>", "&amp;".repeat(count))));
    assert_eq!(record.field("A").map(str::len), Some(count));
}

#[test]
fn a_body_of_one_text_is_that_text() {
    let text = full_of("x");
    let record = only_record(&lead_of(&format!("<sf:A>{text}</sf:A>")));
    assert!(record.field("A") == Some(&*text));
}
