//! Bounds, and what would take long without them.

use super::*;

#[track_caller]
fn check_refused(text: &str, words: &str) {
    let invalid = read_invalid(text);
    assert_eq!(invalid.kind(), InvalidKind::Malformed);
    assert!(invalid.to_string().contains(words), "{invalid}");
}

#[test]
fn as_many_levels_as_allowed_are_read() {
    let nested = |levels: usize| {
        // Six levels are there already.
        lead_of(&format!(
            "{}1{}",
            "<a>".repeat(levels - 5),
            "</a>".repeat(levels - 5)
        ))
    };
    read_valid(&nested(64));
    check_refused(&nested(65), "More than 64 elements are nested");
}

#[test]
fn thirty_thousand_open_tags_are_refused_at_the_limit() {
    check_ill_formed(&"<a>".repeat(30_000), (1, 64 * 3 + 1));
}

#[test]
fn as_many_attributes_as_allowed_are_read_declarations_counted() {
    let with_attributes = |count: usize| {
        let attributes: String = joined(0..count / 2, |n| {
            format!(" xmlns:p{n}='urn:{n}' p{n}:a='{n}'")
        });
        lead_of(&format!("<sf:A{attributes}>1</sf:A>"))
    };
    read_valid(&with_attributes(300));
    check_refused(&with_attributes(302), "more than 300 attributes");
    check_refused(&with_attributes(80_000), "more than 300 attributes");
}

#[test]
fn the_same_attribute_is_found_among_many() {
    let names = |last: usize| joined((0..299).chain([last]), |n| format!(" a{n}='1'"));
    read_valid(&lead_of(&format!("<sf:A{}>1</sf:A>", names(299))));
    check_refused(
        &lead_of(&format!("<sf:A{}>1</sf:A>", names(150))),
        "same attribute twice",
    );
}

#[test]
fn names_are_as_long_as_allowed() {
    let longest = "n".repeat(1_024);
    let record = only_record(&lead_of(&format!(
        "<{longest} {longest}=''>1</{longest}><?{longest}?>"
    )));
    assert_eq!(record.field(&longest), Some("1"));
    check_refused(&format!("<{longest}n/>"), "1024 bytes");
    check_refused(&lead_of(&format!("<a {longest}n=''/>")), "1024 bytes");
    check_refused(&lead_of(&format!("<?{longest}n?>")), "1024 bytes");
    check_refused(&format!("<{}/>", "n".repeat(1 << 20)), "1024 bytes");
}

#[test]
fn nodes_are_counted_for_each_notification() {
    let notification = |nodes: usize| {
        // The notification itself and its record are two.
        let kinds = ["<a/>", "<!-- -->", "<?b?>", "<![CDATA[]]>"];
        let nodes: String = (2..nodes).map(|n| kinds[n % 4]).collect();
        format!("<Notification><sObject xsi:type='sf:Lead'>{nodes}</sObject></Notification>")
    };
    let organization = "<OrganizationId>00D000000000062EAA</OrganizationId>";
    read_valid(&message_of(&format!(
        "{organization}{}",
        notification(10_000).repeat(3)
    )));
    check_refused(
        &message_of(&notification(10_001)),
        "more than 10000 elements",
    );
}

#[test]
fn nodes_outside_of_notifications_are_counted_too() {
    let organization = "<OrganizationId>00D000000000062EAA</OrganizationId>";
    // Envelope, Body, notifications and the organisation are four.
    let padded = |count: usize| message_of(&format!("{organization}{}", "<a/>".repeat(count)));
    read_valid(&padded(9_996));
    check_refused(&padded(9_997), "more than 10000 elements");
    check_refused(
        &format!("{}<a/>", "<!-- -->".repeat(10_000)),
        "more than 10000",
    );
    // Notifications are counted on their own.
    let many = format!("{}{}", "<Notification/>".repeat(5), "<a/>".repeat(9_996));
    read_valid(&message_of(&format!("{organization}{many}")));
}

#[test]
fn as_many_notifications_as_allowed_are_read() {
    let organization = "<OrganizationId>00D000000000062EAA</OrganizationId>";
    let of = |count: usize| {
        let many = "<Notification/>".repeat(count);
        message_of(&format!("{organization}{many}"))
    };
    let message = read_valid(&of(10_000));
    assert_eq!(message.notifications.len(), 10_000);
    check_refused(&of(10_001), "more than 10000 notifications");
    // The first one too many is where reading ends.
    let text = of(1_100_000);
    let column = text.find("<Notification/>").unwrap() + 10_000 * "<Notification/>".len() + 1;
    check_malformed(&text, (1, column as u64));
}

#[test]
fn limits_are_those_that_are_given() {
    let limits = Limits {
        depth: 7,
        attributes: 4,
        name_bytes: 20,
        nodes_per_notification: 9,
        nodes: 15,
        notifications: 2,
    };
    let invalid = |text: &str| read(text, &limits).unwrap_err().to_string();
    assert!(read(&lead_of("<sf:A>1</sf:A>"), &limits).is_ok());
    assert!(invalid(&lead_of("<a><b><c/></b></a>")).contains("More than 7"));
    assert!(invalid(&lead_of("<a b='' c='' d='' e='' f=''/>")).contains("more than 4"));
    assert!(invalid(&lead_of("<aaaaaaaaaaaaaaaaaaaaa/>")).contains("20 bytes"));
    assert!(invalid(&lead_of(&"<a/>".repeat(10))).contains("more than 9"));
    let small = notification_of("<Id>04l</Id><sObject><a/></sObject>");
    assert!(read(&small, &limits).is_ok());
    let two = small.replace(
        "</Notification>",
        "</Notification><Notification><a/><b/></Notification>",
    );
    assert!(read(&two, &limits).is_ok());
    let larger = two.replace("<b/>", "<b/><c/><d/><e/><f/>");
    assert!(invalid(&larger).contains("The message has more than 15"));
    let three = "<Notification/>".repeat(3);
    assert!(invalid(&message_of(&three)).contains("more than 2 notifications"));
}

#[test]
fn entities_never_grow() {
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;'>]><x>&b;</x>";
    check_refused(bomb, "DOCTYPE");
    let quadratic = format!(
        "<!DOCTYPE x [<!ENTITY a '{}'>]><x>{}</x>",
        "a".repeat(100_000),
        "&a;".repeat(100_000)
    );
    check_refused(&quadratic, "DOCTYPE");
    check_refused(&lead_of(&"&a;".repeat(100_000)), "entities");
}

#[test]
fn what_could_take_quadratic_time_is_read_in_one_go() {
    // 4,000 distinct fields, 60 levels of 300 declarations, and look-ups below.
    let fields: String = joined(0..4_000, |n| format!("<f{n}>1</f{n}>"));
    assert_eq!(only_record(&lead_of(&fields)).fields.len(), 4_000);

    let declarations: String = joined(0..300, |n| format!(" xmlns:p{n}='urn:{n}'"));
    let open = format!("<a{declarations}>").repeat(50);
    let uses: String = joined(0..299, |n| format!(" p{n}:a='1'"));
    let text = format!(
        "{open}{}{}",
        format!("<b{uses}/>").repeat(10),
        "</a>".repeat(50)
    );
    let record = only_record(&lead_of(&format!("<sf:A>{text}</sf:A><sf:B>1</sf:B>")));
    assert_eq!(record.fields.len(), 1);

    let long = format!("urn:{}", "x".repeat(500_000));
    let text = format!(
        "<sf:A xmlns:p='{long}' xmlns:q='{long}'>{}</sf:A>",
        "<b p:a='1' q:b='1'/>".repeat(5_000)
    );
    read_valid(&lead_of(&text));
}

#[test]
fn a_small_message_never_becomes_a_large_one() {
    let outer = "n".repeat(1_000);
    let text = lead_of(&format!(
        "<{outer}>{}</{outer}>",
        joined(0..5_000, |n| format!("<a{n}>1</a{n}>"))
    ));
    match only_notification(&text).content {
        Content::Malformed { record, field, .. } => {
            assert_eq!(field, outer);
            let bytes: usize = record.fields.iter().map(|(name, _)| name.len()).sum();
            assert!(bytes < 70_000, "{bytes}");
        }
        other => panic!("{other:?}"),
    }
}
