//! What comes again and again is read as if it came once.

use proptest::prelude::*;

use super::*;

#[test]
fn the_same_start_tag_means_what_its_scope_says() {
    const TAG: &str = "<sf:B a:nil='true'>";

    let field = format!("{TAG}text</sf:B>");
    let bind = |uri: &str| format!("<sf:A xmlns:a='{uri}'>{field}</sf:A>");
    let nil = bind("http://www.w3.org/2001/XMLSchema-instance");
    let other = bind("urn:other");
    for (inside, expected) in [(&nil, None), (&other, Some("text"))] {
        // The tag was read in the other scope just before.
        for before in [&nil, &other] {
            let record = |fields: &str| {
                format!(
                    "<Notification><sObject xsi:type='sf:Lead'>{fields}</sObject></Notification>"
                )
            };
            let text = message_of(&format!(
                "<OrganizationId>00D000000000062EAA</OrganizationId>{}{}",
                record(before),
                record(inside)
            ));
            let message = read_valid(&text);
            let Content::Record(record) = &message.notifications[1].content else {
                // A record with nothing but a nil field is one all the same.
                panic!("{:?}", message.notifications[1]);
            };
            assert_eq!(record.field("A.B"), expected, "{text}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_repeated_tag_is_said_of_each_place() {
    check_ill_formed(
        "<a>\n<b xmlns:p='urn:x'><c p:d='1'/>\n<c p:d='1'></c></b>\n<c p:d='1'></c></a>",
        (4, 4),
    );
    check_ill_formed("<a>\n<b p='1' q='2'></b>\n<b p='1' q='2'></c></a>", (3, 16));
    check_ill_formed(
        "<a><p:b xmlns:p='urn:x'/><b xmlns:p='urn:x'></b>\n<p:b></p:b></a>",
        (2, 2),
    );
}

#[test]
fn a_prefix_is_looked_up_again_when_its_declaration_is_gone() {
    let fields = "<p:A>1</p:A>";
    let record = |declaration: &str| {
        format!(
            "<Notification><sObject xsi:type='sf:Lead' {declaration}>{fields}</sObject>\
             </Notification>"
        )
    };
    let text = message_of(&format!("{}\n{}", record("xmlns:p='urn:x'"), record("")));
    let invalid = read_invalid(&text);
    assert_eq!(invalid.line(), 2);
    assert!(invalid.to_string().contains("`p`"), "{invalid}");
}

/// Fields of a record: names that are often the same but for their case, some
/// nested, nil, with references, or of the kind that is no field.
fn fields() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec![
        "<sf:Id>1</sf:Id>",
        "<sf:A>1</sf:A>",
        "<sf:A>1</sf:A>",
        "<sf:B>2</sf:B>",
        "<sf:b>2</sf:b>",
        "<sf:B>3</sf:B>",
        "<sf:C>&amp;</sf:C>",
        "<sf:C>x</sf:C >",
        "<sf:D xsi:nil='true'/>",
        "<sf:D/>",
        "<sf:D></sf:D>",
        "<sf:E><sf:F>4</sf:F></sf:E>",
        "<sf:E.F>5</sf:E.F>",
        "<sf:type>6</sf:type>",
        "<sf:Type>6</sf:Type>",
        "\n  ",
        "stray",
    ]);
    prop::collection::vec(field, 0..8).prop_map(|fields| fields.concat())
}

proptest! {
    #[test]
    fn a_record_is_read_alike_whatever_came_before(
        records in prop::collection::vec(fields(), 1..6),
    ) {
        let notification = |fields: &String| format!(
            "<Notification><sObject xsi:type='sf:Lead'>{fields}</sObject></Notification>"
        );
        let message = |notifications: &str| message_of(&format!(
            "<OrganizationId>00D000000000062EAA</OrganizationId>{notifications}"
        ));
        let all: String = records.iter().map(notification).collect();
        let together = read_valid(&message(&all)).notifications;
        prop_assert_eq!(together.len(), records.len());
        for (fields, read) in records.iter().zip(&together) {
            let alone = read_valid(&message(&notification(fields))).notifications;
            prop_assert_eq!(format!("{:?}", &alone[0]), format!("{read:?}"));
        }
    }
}
