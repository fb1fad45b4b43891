//! What holds for all messages.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::namespaces::UNUSUAL;
use super::*;
use crate::encoding::decode;

/// What a generated message says.
#[derive(Clone, Debug)]
struct Said {
    action_id: String,
    notifications: Vec<SaidOfOne>,
}

#[derive(Clone, Debug)]
struct SaidOfOne {
    id: String,
    object_type: String,
    /// Names are unique, values are not blank.
    fields: Vec<(String, String)>,
}

/// Writes a message in one of the many ways that are legal.
struct Writer<'a> {
    text: String,
    choices: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    soap: &'static str,
    outbound: &'static str,
    xsi: &'static str,
    sf: &'static str,
}

impl<'a> Writer<'a> {
    fn new(choices: &'a [u8]) -> Self {
        let mut writer = Writer {
            text: String::new(),
            choices: choices.iter().cycle(),
            soap: "",
            outbound: "",
            xsi: "",
            sf: "",
        };
        writer.soap = writer.one_of(&["soapenv:", "S:", "_:", "é:"]);
        writer.outbound = writer.one_of(&["", "o:", "n.1-x:"]);
        writer.xsi = writer.one_of(&["xsi:", "i:"]);
        writer.sf = writer.one_of(&["sf:", "L:", "xs:"]);
        writer
    }

    fn one_of<T: Copy>(&mut self, options: &[T]) -> T {
        let choice = usize::from(*self.choices.next().expect("it cycles"));
        options[choice % options.len()]
    }

    fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// What says nothing, between elements.
    fn gap(&mut self) {
        let gap = self.one_of(&[
            "",
            "",
            "\n",
            " \t",
            "\r\n",
            "<!-- <x> & -->",
            "<?pi x?>",
            "<!---->",
        ]);
        self.raw(gap);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let space = self.one_of(&[" ", "\n", "\t "]);
        let equals = self.one_of(&["=", " = ", "\n="]);
        let quote = self.one_of(&["'", "\""]);
        let value = match self.one_of(&[0, 0, 1]) {
            0 => value.to_owned(),
            _ => joined(value.chars(), |c| format!("&#{};", u32::from(c))),
        };
        self.raw(&format!("{space}{name}{equals}{quote}{value}{quote}"));
    }

    fn declare(&mut self, prefix: &str, uri: &str) {
        match prefix.trim_end_matches(':') {
            "" => self.attribute("xmlns", uri),
            prefix => self.attribute(&format!("xmlns:{prefix}"), uri),
        }
    }

    fn start(&mut self, prefix: &str, local: &str) {
        self.raw(&format!("<{prefix}{local}"));
    }

    fn end(&mut self, prefix: &str, local: &str) {
        let space = self.one_of(&["", " ", "\n"]);
        self.raw(&format!("</{prefix}{local}{space}>"));
    }

    fn content(&mut self, text: &str) {
        for character in text.chars() {
            let code = u32::from(character);
            let remark = self.one_of(&["", "", "", "<!-- x -->", "<?x?>", "<![CDATA[]]>"]);
            self.raw(remark);
            let written = match (character, self.one_of(&[0, 0, 0, 1, 2, 3])) {
                (_, 1) | ('\r', _) => format!("&#{code};"),
                (_, 2) => format!("&#x{code:X};"),
                ('\n', 3) => "\r\n".to_owned(),
                (_, 3) => format!("<![CDATA[{character}]]>"),
                ('&', _) => "&amp;".to_owned(),
                ('<', _) => "&lt;".to_owned(),
                ('>', _) => "&gt;".to_owned(),
                _ => character.to_string(),
            };
            self.raw(&written);
        }
    }

    fn element(&mut self, prefix: &str, local: &str, text: &str) {
        self.start(prefix, local);
        self.raw(">");
        self.content(text);
        self.end(prefix, local);
        self.gap();
    }

    fn message(mut self, said: &Said) -> String {
        let (soap, outbound) = (self.soap, self.outbound);
        let prolog = self.one_of(&[
            "",
            "\u{FEFF}",
            "\n",
            "<?xml version='1.0'?>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n",
        ]);
        self.raw(prolog);
        self.start(soap, "Envelope");
        self.declare(soap, "http://schemas.xmlsoap.org/soap/envelope/");
        self.declare(self.xsi, "http://www.w3.org/2001/XMLSchema-instance");
        self.raw(">");
        let header = self.one_of(&["", "Header"]);
        if !header.is_empty() {
            self.raw(&format!("<{soap}Header/>"));
        }
        self.gap();
        self.raw(&format!("<{soap}Body>"));
        self.gap();
        self.start(outbound, "notifications");
        self.declare(outbound, "http://soap.sforce.com/2005/09/outbound");
        self.raw(">");
        let last = self.one_of(&[true, false]);
        if !last {
            self.element(outbound, "OrganizationId", "00D000000000062EAA");
        }
        self.element(outbound, "ActionId", &said.action_id);
        for notification in &said.notifications {
            self.notification(notification);
        }
        if last {
            self.element(outbound, "OrganizationId", " 00D000000000062EAA\n");
        }
        self.end(outbound, "notifications");
        self.end(soap, "Body");
        self.end(soap, "Envelope");
        self.gap();
        self.text
    }

    fn notification(&mut self, said: &SaidOfOne) {
        let (outbound, sf) = (self.outbound, self.sf);
        self.raw(&format!("<{outbound}Notification>"));
        self.gap();
        self.element(outbound, "Id", &said.id);
        self.start(outbound, "sObject");
        if self.one_of(&[true, false]) {
            self.declare(sf, "urn:sobject.enterprise.soap.sforce.com");
            self.attribute(
                &format!("{}type", self.xsi),
                &format!("{sf}{}", said.object_type),
            );
        } else {
            self.attribute(
                &format!("{}type", self.xsi),
                &format!("{sf}{}", said.object_type),
            );
            self.declare(sf, "urn:sobject.enterprise.soap.sforce.com");
        }
        self.raw(">");
        self.gap();
        for (name, value) in &said.fields {
            self.element(sf, name, value);
        }
        self.end(outbound, "sObject");
        self.end(outbound, "Notification");
        self.gap();
    }
}

/// Characters that need care, and others.
fn value() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => proptest::sample::select(vec!['<', '>', '&', '"', '\'', ']', ' ', '\n', '\r', '\t', '-']),
        4 => proptest::char::range(' ', '~'),
        1 => proptest::char::range('\u{A0}', '\u{D7FF}'),
        1 => proptest::char::range('\u{10000}', '\u{10FFFF}'),
    ];
    vec(character, 1..30)
        .prop_map(String::from_iter)
        .prop_filter("populated", |value: &String| !value.trim().is_empty())
}

fn said() -> impl Strategy<Value = Said> {
    let fields = btree_map("[A-Z][a-z0-9_]{0,8}", value(), 1..8);
    let one = ("[0-9A-Za-z]{1,18}", "[A-Z][a-z]{1,8}(__c)?", fields).prop_map(
        |(id, object_type, fields)| SaidOfOne {
            id,
            object_type,
            fields: fields.into_iter().collect(),
        },
    );
    ("[0-9A-Za-z]{1,18}", vec(one, 1..4)).prop_map(|(action_id, notifications)| Said {
        action_id,
        notifications,
    })
}

/// One small change that may break a message.
#[derive(Clone, Debug)]
enum Change {
    Delete(usize),
    Insert(usize, String),
    Cut(usize),
    Double(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        "[<>&;/!?'\"= :\\[\\]-]",
        proptest::sample::select(vec![
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?",
            "?>",
            "&#",
            "&#x0;",
            "<!DOCTYPE x>",
            "</",
            "/>",
            "xmlns:p=''",
            " xsi:nil='true'",
            "\u{0}",
            "\u{FFFF}",
            "\u{FEFF}",
            "ü",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop_oneof![
        any::<usize>().prop_map(Change::Delete),
        (any::<usize>(), piece).prop_map(|(at, piece)| Change::Insert(at, piece)),
        any::<usize>().prop_map(Change::Cut),
        (any::<usize>(), 1_usize..60).prop_map(|(at, length)| Change::Double(at, length)),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for change in changes {
        let length = characters.len();
        let place = |at: usize| at % (length + 1);
        match *change {
            Change::Delete(at) if place(at) < length => {
                characters.remove(place(at));
            }
            Change::Delete(_) => {}
            Change::Insert(at, ref piece) => {
                let at = place(at);
                characters.splice(at..at, piece.chars());
            }
            Change::Cut(at) => characters.truncate(place(at)),
            Change::Double(at, count) => {
                let at = place(at);
                let piece = characters[at..length.min(at + count)].to_vec();
                characters.splice(at..at, piece);
            }
        }
    }
    characters.into_iter().collect()
}

/// A body in one of the encodings that a byte order mark tells.
fn encoded(text: &str, encoding: usize) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    match encoding {
        0 => text.as_bytes().to_vec(),
        1 => units.flat_map(u16::to_le_bytes).collect(),
        _ => units.flat_map(u16::to_be_bytes).collect(),
    }
}

proptest! {
    #[test]
    fn every_legal_spelling_reads_to_what_was_said(
        said in said(),
        choices in vec(any::<u8>(), 1..200),
    ) {
        let text = Writer::new(&choices).message(&said);
        let message = read(&text, &Limits::default())
            .map_err(|invalid| TestCaseError::fail(format!("{invalid:?}\n{text}")))?;
        prop_assert_eq!(message.organization_id.as_str(), "00D000000000062EAA");
        prop_assert_eq!(&message.action_id, &said.action_id);
        prop_assert!(message.warnings.is_empty(), "{:?}", message.warnings);
        prop_assert_eq!(message.notifications.len(), said.notifications.len());
        for (read, said) in message.notifications.iter().zip(&said.notifications) {
            prop_assert_eq!(&read.id, &said.id);
            let Content::Record(record) = &read.content else {
                return Err(TestCaseError::fail(format!("{read:?}\n{text}")));
            };
            prop_assert_eq!(&record.object_type, &said.object_type);
            prop_assert_eq!(&record.fields, &said.fields, "{}", text);
        }
    }

    #[test]
    fn no_change_of_a_message_panics_or_misplaces_the_flaw(
        message in proptest::sample::select(vec![MESSAGE, UNUSUAL]),
        changes in vec(change(), 1..4),
    ) {
        let text = changed(message, &changes);
        if let Err(invalid) = read(&text, &Limits::default()) {
            let lines = text.split('\n').count() as u64 + text.matches('\r').count() as u64;
            prop_assert!((1..=lines).contains(&invalid.line()), "{:?}", invalid);
            prop_assert!(invalid.column() >= 1 && invalid.column() <= text.chars().count() as u64 + 1);
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,300}", markup in "[<>&;/!?'\"=a: \\[\\]-]{0,100}") {
        let _ = read(&text, &Limits::default());
        let _ = read(&format!("<a>{text}{markup}"), &Limits::default());
        let _ = read(&format!("<{markup}"), &Limits::default());
    }

    #[test]
    fn no_bytes_panic(
        message in proptest::sample::select(vec![MESSAGE, UNUSUAL]),
        encoding in 0_usize..3,
        changes in vec((any::<usize>(), any::<u8>()), 1..6),
        length in any::<usize>(),
    ) {
        let mut body = encoded(message, encoding);
        for (at, byte) in changes {
            let at = at % body.len();
            body[at] = byte;
        }
        for end in [body.len(), length % body.len()] {
            if let Ok(text) = decode(&body[..end], None) {
                let _ = read(&text, &Limits::default());
            }
        }
    }
}

#[test]
fn a_message_reads_the_same_in_every_encoding() {
    for encoding in 0..3 {
        let body = encoded(UNUSUAL, encoding);
        check_same(&decode(&body, None).expect("it is encoded well"));
    }
}
