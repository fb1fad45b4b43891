//! What is well-formed XML, and where it is not.

use super::*;

/// That what is inside of an element on a line of its own is refused at a
/// column of that line.
#[track_caller]
fn check_refused_at(inside: &str, column: u64) {
    let text = format!("\n<a>\n{inside}</a>");
    check_ill_formed(&text, (3, column));
}

#[test]
fn attributes_have_either_quote_and_blanks_around_the_equals_sign() {
    check_same(&with(
        r#"xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com""#,
        "\n xmlns:sf\n=\t'urn:sobject.enterprise.soap.sforce.com'\r\n xsi:type =  'sf:Lead' ",
    ));
}

#[test]
fn comments_and_processing_instructions_stand_anywhere() {
    check_same(&MESSAGE.replace(">Example<", "><!-- - -->Ex<?a b?>am<!---->ple<?a?><"));
    check_same(
        &MESSAGE
            .replace('\n', "<?xml-stylesheet href='x'?>\n<!-- <a> & ]]> -->")
            .replacen("?><?xml-stylesheet", "?>\n<?xml-stylesheet", 1),
    );
}

#[test]
fn cdata_sections_are_joined_with_the_text_around() {
    check_same(&with(
        ">Example<",
        "><![CDATA[Ex]]><![CDATA[]]>am<![CDATA[ple]]><",
    ));
    let value = only_record(&lead_of(
        "<sf:A>a<![CDATA[<&]]]]><![CDATA[>]]>]]&gt;</sf:A>",
    ));
    assert_eq!(value.field("A"), Some("a<&]]>]]>"));
}

#[test]
fn numeric_references_are_decoded() {
    let record = only_record(&lead_of("<sf:A>&#xE4;&#128512;&#x1f600;&#9;.</sf:A>"));
    assert_eq!(record.field("A"), Some("ä😀😀\t."));
    for reference in [
        "&#0;",
        "&#xFFFE;",
        "&#xD83D;&#xDE00;",
        "&#1;",
        "&#x110000;",
        "&#;",
    ] {
        check_refused_at(&format!("b{reference}"), 2);
        check_refused_at(&format!("<b c='{reference}'/>"), 7);
    }
}

#[test]
fn only_the_five_entities_are_known() {
    let record = only_record(&lead_of("<sf:A>&lt;&gt;&amp;&quot;&apos;&amp;lt;</sf:A>"));
    assert_eq!(record.field("A"), Some("<>&\"'&lt;"));
    check_refused_at("x&nbsp;", 2);
    check_refused_at("x& y", 2);
    check_refused_at("x&amp", 2);
    check_refused_at("x&amp<b/>;", 2);
    check_refused_at("&;", 1);
}

#[test]
fn a_document_type_is_refused_before_it_is_read() {
    for doctype in [
        "<!DOCTYPE x>",
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>",
        "<!DOCTYPE",
        "<!doctype x>",
    ] {
        check_malformed(
            &with(
                "<soapenv:Envelope ",
                &format!("{doctype}<soapenv:Envelope "),
            ),
            (2, 1),
        );
        check_refused_at(&format!("x{doctype}"), 2);
    }
    assert!(
        read_invalid("<!DOCTYPE x><x/>")
            .to_string()
            .contains("DOCTYPE")
    );
}

#[test]
fn a_byte_order_mark_and_white_space_may_come_first() {
    check_same(&format!("\u{FEFF}{MESSAGE}"));
    check_same(&format!("\r\n \t{MESSAGE}"));
    check_same(&format!("\u{FEFF}\n{MESSAGE}"));
    check_malformed(&format!("\u{FEFF}\u{FEFF}{MESSAGE}"), (1, 2));
    check_malformed(&format!("\n\u{FEFF}{MESSAGE}"), (2, 1));
    check_malformed(&format!("\u{A0}{MESSAGE}"), (1, 1));
}

#[test]
fn the_declaration_stands_at_the_start_and_is_well_formed() {
    let declaration = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    check_same(&with(declaration, ""));
    check_same(&with(
        declaration,
        "<?xml version='1.1' standalone='yes' ?>",
    ));
    check_same(&with(
        declaration,
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
    ));
    check_malformed(&with(declaration, "<?xml version='2.0'?>"), (1, 20));
    check_malformed(&with(declaration, "<?xml?>"), (1, 6));
    check_malformed(&with(declaration, "<?XML version='1.0'?>"), (1, 3));
    check_malformed(&with(declaration, &declaration.repeat(2)), (1, 39));
    check_malformed(
        &with(declaration, &format!("<!-- -->{declaration}")),
        (1, 9),
    );
    check_refused_at("<?xml version='1.0'?>", 1);
    check_refused_at("x<?xMl?>", 4);
}

#[test]
fn forbidden_characters_are_refused_wherever_they_stand() {
    for bad in [
        '\0', '\u{1}', '\u{8}', '\u{B}', '\u{1F}', '\u{FFFE}', '\u{FFFF}',
    ] {
        check_refused_at(&format!("ü{bad}"), 2);
        check_refused_at(&format!("<!--{bad}-->"), 5);
        check_refused_at(&format!("<?a {bad}?>"), 5);
        check_refused_at(&format!("<![CDATA[{bad}]]>"), 10);
        check_refused_at(&format!("<b c='{bad}'/>"), 7);
    }
}

#[test]
fn line_ends_become_line_feeds_but_a_written_carriage_return_stays() {
    let record = only_record(&lead_of(
        "<sf:A>a\r\nb\rc\nd&#13;\ne&#xD;&#xA;</sf:A><sf:B><![CDATA[\r\n]]>x</sf:B>",
    ));
    assert_eq!(record.field("A"), Some("a\nb\nc\nd\r\ne\r\n"));
    assert_eq!(record.field("B"), Some("\nx"));
}

#[test]
fn end_tags_fit_their_start_tags() {
    check_refused_at("<b></c></b>", 4);
    check_refused_at("<b></a>", 4);
    check_refused_at("<b></b x='1'>", 4);
    check_refused_at("<b></ b>", 4);
    check_ill_formed("<a></a></a>", (1, 8));
    check_ill_formed("</a>", (1, 1));
    // A prefix is part of the name here.
    let same = "<p:b xmlns:p='urn:x' xmlns:q='urn:x'></q:b>";
    check_refused_at(same, 38);
    assert!(
        read_tokens("<a><b></a>")
            .unwrap_err()
            .to_string()
            .contains("`</b>`")
    );
}

#[test]
fn what_is_not_closed_is_refused() {
    check_ill_formed("<a", (1, 1));
    check_ill_formed("<a b='>", (1, 1));
    check_ill_formed("<a>\n<!-- ", (2, 1));
    check_ill_formed("<a>\n<![CDATA[ ]>", (2, 1));
    check_ill_formed("<a>\n<?b ", (2, 1));
    check_ill_formed("<a>\n&amp", (2, 1));
    check_ill_formed("<a>\n<", (2, 1));
    check_ill_formed("<a>\n<b>\nüx", (3, 3));
    let sentence = read_tokens("<a><p:b xmlns:p='urn:x'>")
        .unwrap_err()
        .to_string();
    assert!(sentence.contains("`b`"), "{sentence}");
}

#[test]
fn every_truncation_of_a_message_is_refused() {
    let whole = MESSAGE.trim_end();
    for end in (0..whole.len()).filter(|&end| whole.is_char_boundary(end)) {
        read_invalid(&whole[..end]);
    }
}

#[test]
fn there_is_one_root_and_nothing_but_remarks_after_it() {
    check_same(&format!("{MESSAGE}<!-- x --><?y z?>\n"));
    for after in [
        "x",
        "<a/>",
        "&#32;",
        "&amp;",
        "<![CDATA[]]>",
        "\u{FEFF}",
        "]]>",
    ] {
        // The message ends with a line end.
        check_malformed(&format!("{MESSAGE}{after}"), (22, 1));
    }
    check_ill_formed("<?a?>x<a/>", (1, 6));
    check_ill_formed("<?a?>", (1, 6));
}

#[test]
fn an_empty_body_and_one_that_is_no_xml_are_refused() {
    for text in ["", " \r\n\t", "\u{FEFF}"] {
        let invalid = read_invalid(text);
        assert!(invalid.to_string().contains("empty"), "{text:?} {invalid}");
    }
    check_ill_formed("{\"a\": 1}", (1, 1));
    check_ill_formed("\n a=1&b=2", (2, 2));
    read_invalid("<html><head><title>x</title></head><body><p>y</body></html>");
}

#[test]
fn markup_that_is_none_is_refused_where_it_stands() {
    check_refused_at("<1/>", 2);
    check_refused_at("< b/>", 2);
    check_refused_at("<>", 2);
    check_refused_at("<b:c:d xmlns:b='urn:x'/>", 2);
    check_refused_at("<:b/>", 2);
    check_refused_at("<b/ >", 2);
    check_refused_at("<b c/>", 5);
    check_refused_at("<b c=d/>", 6);
    check_refused_at("<b c='1'd='2'/>", 9);
    check_refused_at("<b c='<'/>", 7);
    check_refused_at("<b c='1' c='2'/>", 10);
    check_refused_at("<!ELEMENT b ANY>", 1);
    check_refused_at("<![cdata[x]]>", 1);
    check_refused_at("<!-- a -- b -->", 8);
    check_refused_at("<!-- a --->", 8);
    check_refused_at("<!-->", 1);
    check_refused_at("<?1 b?>", 3);
    check_refused_at("<? b?>", 3);
    check_refused_at("<?b:c d?>", 3);
    check_refused_at("<??>", 3);
    check_refused_at("x]]>", 2);
}

#[test]
fn names_need_not_be_ascii() {
    let record = only_record(&lead_of("<sf:Straße__c>1</sf:Straße__c><sf:名>2</sf:名>"));
    assert_eq!(record.field("Straße__c"), Some("1"));
    assert_eq!(record.field("名"), Some("2"));
}

#[test]
fn text_of_all_of_unicode_is_unchanged() {
    let text = "😀\u{200F}\u{200B}e\u{301}\u{FFFD}\u{85}\u{2028}\u{7F}\u{10FFFF}";
    let record = only_record(&lead_of(&format!("<sf:A>{text}</sf:A>")));
    assert_eq!(record.field("A"), Some(text));
}
