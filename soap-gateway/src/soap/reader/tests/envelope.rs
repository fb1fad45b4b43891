//! The SOAP envelope and the element `notifications`.

use sfbridge_values::OrganizationId;

use super::*;

#[track_caller]
fn check_kind(text: &str, expected: InvalidKind) {
    let invalid = read_invalid(text);
    assert_eq!(invalid.kind(), expected, "{invalid}\n{text}");
}

/// That a message is refused in a sentence with these words.
#[track_caller]
fn check_refused(text: &str, words: &str) {
    let invalid = read_invalid(text);
    assert_eq!(invalid.kind(), InvalidKind::Malformed, "{invalid}");
    assert!(invalid.to_string().contains(words), "{invalid}\n{text}");
}

/// How many warnings the message itself has.
#[track_caller]
fn check_warnings(text: &str, expected: usize) {
    let warnings = read_valid(text).warnings;
    assert_eq!(warnings.len(), expected, "{warnings:?}\n{text}");
}

fn with_header(header: &str) -> String {
    with(
        "<soapenv:Body>",
        &format!("<soapenv:Header>{header}</soapenv:Header><soapenv:Body>"),
    )
}

#[test]
fn an_envelope_of_another_version_is_a_version_mismatch() {
    for namespace in ["http://www.w3.org/2003/05/soap-envelope", "urn:x", ""] {
        let text = with("http://schemas.xmlsoap.org/soap/envelope/", namespace);
        let text = if namespace.is_empty() {
            text.replace("xmlns:soapenv", "xmlns")
                .replace("soapenv:", "")
        } else {
            text
        };
        check_kind(&text, InvalidKind::VersionMismatch);
        assert_eq!(read_invalid(&text).line(), 2);
    }
}

#[test]
fn a_root_that_is_no_envelope_is_malformed() {
    check_refused("<a/>", "not a SOAP Envelope");
    check_refused(
        "<notifications xmlns='http://soap.sforce.com/2005/09/outbound'/>",
        "not a SOAP",
    );
}

#[test]
fn headers_are_ignored() {
    check_same(&with_header(""));
    check_same(&with_header("<a xmlns='urn:x'><b>c</b></a><d/>"));
    check_same(&with_header(
        "<a soapenv:mustUnderstand='0'/><b soapenv:mustUnderstand='false'/>",
    ));
    check_same(&with_header("<a mustUnderstand='1'/>"));
    check_same(&with_header("<a><b soapenv:mustUnderstand='1'/></a>"));
}

#[test]
fn a_header_block_that_must_be_understood_is_refused_as_such() {
    for attributes in [
        "soapenv:mustUnderstand='1'",
        "soapenv:mustUnderstand=' true '",
        "soapenv:mustUnderstand='1' soapenv:actor=''",
        "soapenv:mustUnderstand='1' soapenv:actor='http://schemas.xmlsoap.org/soap/actor/next'",
        "soapenv:mustUnderstand='1' actor='urn:somebody-else'",
    ] {
        let text = with_header(&format!("<a/><b {attributes}/>"));
        check_kind(&text, InvalidKind::MustUnderstand);
        assert_eq!(
            (read_invalid(&text).line(), read_invalid(&text).column()),
            (3, 22)
        );
    }
}

#[test]
fn a_header_block_for_another_actor_is_ignored() {
    check_same(&with_header(
        "<a soapenv:mustUnderstand='1' soapenv:actor='urn:somebody-else'/>",
    ));
}

#[test]
fn an_envelope_has_one_body_and_at_most_one_header_before_it() {
    check_refused(
        &with_header("").replace("<soapenv:Header>", "<soapenv:Header/><soapenv:Header>"),
        "Header",
    );
    check_refused(
        &with("</soapenv:Body>", "</soapenv:Body><soapenv:Header/>"),
        "Header",
    );
    check_refused(
        &with("</soapenv:Body>", "</soapenv:Body><soapenv:Body/>"),
        "two Bodies",
    );
    check_refused(
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'/>",
        "no Body",
    );
    check_same(&with("</soapenv:Body>", "</soapenv:Body><a/>"));
}

#[test]
fn a_body_has_one_notifications_among_other_things() {
    check_same(&with(
        "<soapenv:Body>",
        "<soapenv:Body><a/>text<soapenv:Fault/>",
    ));
    check_same(&with(
        "</soapenv:Body>",
        "<a><notifications/></a></soapenv:Body>",
    ));
    let second = "</soapenv:Body>";
    let two = with(
        second,
        &format!("<x:notifications xmlns:x='http://soap.sforce.com/2005/09/outbound'/>{second}"),
    );
    check_refused(&two, "two `notifications`");
}

#[test]
fn a_body_without_notifications_says_what_it_has_instead() {
    let body = |content: &str| {
        format!(
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>{content}</e:Body></e:Envelope>"
        )
    };
    check_refused(&body(""), "empty");
    check_refused(&body("<e:Fault/>"), "Fault");
    check_refused(
        &body("<login xmlns='urn:partner.soap.sforce.com'/>"),
        "another operation",
    );
    check_refused(
        &body("<notifications/>"),
        "http://soap.sforce.com/2005/09/outbound",
    );
    check_refused(
        &with(
            "http://soap.sforce.com/2005/09/outbound",
            "http://soap.sforce.com/2006/04/outbound",
        ),
        "http://soap.sforce.com/2005/09/outbound",
    );
}

#[test]
fn the_organisation_id_is_given_once_and_in_its_place() {
    let id = "<OrganizationId>00D000000000062EAA</OrganizationId>";
    check_refused(&with(id, ""), "no `OrganizationId`");
    check_refused(&with(id, &id.repeat(2)), "two elements `OrganizationId`");
    check_refused(
        &with(
            id,
            &id.replace("<Org", "<x:Org")
                .replace("</", "</x:")
                .replace("Id>0", "Id xmlns:x='urn:x'>0"),
        ),
        "no `OrganizationId`",
    );
    let elsewhere = with(id, "").replace("<Id>", &format!("{id}<Id>"));
    check_refused(&elsewhere, "no `OrganizationId`");
    let header = id
        .replace(
            "Id>00",
            "Id xmlns='http://soap.sforce.com/2005/09/outbound'>00",
        )
        .replace("62EAA", "99EAA");
    check_same(&with_header(&header));
    let record = only_record(&with(
        "<sf:LastName>",
        "<sf:OrganizationId>x</sf:OrganizationId><sf:LastName>",
    ));
    assert_eq!(record.field("OrganizationId"), Some("x"));
}

#[test]
fn the_organisation_id_is_well_formed() {
    let with_id = |id: &str| with("00D000000000062EAA", id);
    for id in [
        " 00D000000000062EAA\n",
        "<!-- -->00D0000<![CDATA[00000062EAA]]>",
        "00&#68;000000000062EAA",
    ] {
        check_same(&with_id(id));
    }
    assert_eq!(
        read_valid(&with_id("00D000000000062"))
            .organization_id
            .as_str(),
        "00D000000000062"
    );
    for id in [
        "",
        "00D00000000006",
        "00Q000000000062EAA",
        "00d000000000062EAA",
        "00D0000000000é2",
        "00D0000000<x/>00062",
    ] {
        check_refused(&with_id(id), "`OrganizationId` is not");
        assert_eq!(read_invalid(&with_id(id)).line(), 5);
    }
}

#[test]
fn a_wrong_checksum_is_a_warning() {
    check_warnings(&with("00D000000000062EAA", "00D000000000062EAB"), 1);
    check_warnings(&with("00D000000000062EAA", "00D000000000062"), 0);
}

#[test]
fn a_message_without_an_action_id_is_accepted_with_a_warning() {
    for other in [
        "",
        "<ActionId/>",
        "<ActionId xsi:nil='true'/>",
        "<ActionId> </ActionId>",
    ] {
        let text = with("<ActionId>04k000000000001EAA</ActionId>", other);
        check_warnings(&text, 1);
        assert_eq!(read_valid(&text).action_id, "");
    }
    let second = "<ActionId>04k000000000002</ActionId><SessionId";
    check_warnings(&with("<SessionId", second), 1);
    assert_eq!(
        read_valid(&with("<SessionId", second)).action_id,
        "04k000000000001EAA"
    );
}

#[test]
fn a_session_id_is_dropped_unread() {
    for other in [
        "",
        "<SessionId/>",
        "<SessionId>00D!AQ.secret</SessionId>",
        "<SessionId><a>secret</a></SessionId>",
    ] {
        let text = with("<SessionId xsi:nil=\"true\"/>", other);
        check_same(&text);
        assert!(!format!("{:?}", read_valid(&text)).contains("secret"));
    }
}

#[test]
fn addresses_that_do_not_fit_are_warnings_and_not_repeated() {
    let with_url = |url: &str| {
        with(
            "https://acme.my.salesforce.com/services/Soap/c/60.0/00D000000000062",
            url,
        )
    };
    check_warnings(
        &with_url("https://acme.my.salesforce.com/services/Soap/c/60.0/00D000000000062EAA"),
        0,
    );
    check_warnings(&with_url(""), 0);
    check_warnings(&with_url("/services/Soap/c/60.0/00D000000000062"), 1);
    check_warnings(
        &with_url("http://acme.my.salesforce.com/services/Soap/c/60.0/00D000000000062"),
        1,
    );
    check_warnings(
        &with_url("https://acme.my.salesforce.com/services/Soap/c/60.0/00D000000000063"),
        1,
    );
    check_warnings(&with_url("https://evil.example/00D000000000063"), 2);
    check_warnings(
        &with_url(&format!(
            "https://acme.my.salesforce.com/{}",
            "x".repeat(10_000)
        )),
        1,
    );
    assert!(!format!("{:?}", read_valid(&with_url("https://evil.example/"))).contains("evil"));
    let both = MESSAGE.replace(".my.salesforce.com", ".example");
    check_warnings(&both, 2);
}

#[test]
fn children_of_notifications_come_in_any_order() {
    let id = "   <OrganizationId>00D000000000062EAA</OrganizationId>\n";
    let action = "   <ActionId>04k000000000001EAA</ActionId>\n";
    let text = with(id, "").replace(action, "").replace(
        "  </notifications>",
        &format!("{action}{id}</notifications>"),
    );
    check_same(&text);
}

#[test]
fn unknown_children_are_ignored() {
    let unknown = "<Unknown><Notification><Id>x</Id></Notification></Unknown>text\
                   <x:Notification xmlns:x='urn:x'><x:Id>1</x:Id></x:Notification>";
    check_same(&with(
        "<Notification>",
        &format!("{unknown}<Notification>{unknown}"),
    ));
}

#[test]
fn a_message_without_notification_has_a_warning() {
    let organization = "<OrganizationId>00D000000000062EAA</OrganizationId><ActionId>x</ActionId>";
    check_warnings(&message_of(organization), 1);
    assert!(
        read_valid(&message_of(organization))
            .notifications
            .is_empty()
    );
}

#[test]
fn more_than_a_hundred_notifications_are_read_with_a_warning() {
    let children = |count: usize| {
        let notifications: String = joined(0..count, |n| {
            format!("<Notification><Id>{n}</Id></Notification>")
        });
        message_of(&format!(
            "<OrganizationId>00D000000000062EAA</OrganizationId><ActionId>x</ActionId>{notifications}"
        ))
    };
    check_warnings(&children(100), 0);
    check_warnings(&children(101), 1);
    let ids: Vec<_> = read_valid(&children(150))
        .notifications
        .into_iter()
        .map(|n| n.id)
        .collect();
    assert_eq!(ids, (0..150).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_message_that_breaks_off_says_whose_it_claims_to_be_once_that_was_read() {
    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let invalid = read_invalid(text);
        let claimed = invalid.organization_id().map(OrganizationId::as_str);
        assert_eq!(claimed, expected, "{text}");
    }
    let end = MESSAGE.find("</OrganizationId>").unwrap();
    let after = end + "</OrganizationId>".len();
    let ours = Some("00D000000000062EAA");
    check(&MESSAGE[..end], None);
    for at in after..MESSAGE.trim_end().len() {
        if MESSAGE.is_char_boundary(at) {
            check(&MESSAGE[..at], ours);
        }
    }
    check(&format!("{MESSAGE}<a/>"), ours);
    check(&with("<sf:Id>", "<sf:Id&>"), ours);
    check(&with("00D000000000062EAA<", "Acme<"), None);
    // In another place it says nothing.
    let header = "<a><OrganizationId>00D000000000063EAA</OrganizationId></a>";
    check(&with_header(header).replace("</soapenv:Body>", ""), ours);
}
