//! The SOAP answers: the acknowledgement and faults.

use std::fmt::Write;

use quick_xml::escape::escape;

/// The acknowledgement. Salesforce takes the message out of its queue when it
/// reads this, so it is sent only when all of the message is durable.
pub(crate) const ACKNOWLEDGEMENT: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?>"#,
    "\n",
    r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">"#,
    r#"<soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">"#,
    r"<Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>",
);

/// The media type of every answer.
pub(crate) const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// The fault codes of SOAP 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultCode {
    /// The request is at fault.
    Client,
    /// The request may be good; we could not work on it.
    Server,
    /// The envelope is not one of SOAP 1.1.
    VersionMismatch,
    /// A header block must be understood, and is not.
    MustUnderstand,
}

/// What a fault says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultText<'a> {
    /// The fault code.
    pub(crate) code: FaultCode,
    /// One sentence that the admin sees in Salesforce.
    pub(crate) sentence: &'a str,
    /// The stable name of the reason.
    pub(crate) reason: &'a str,
    /// The query parameter at fault.
    pub(crate) parameter: Option<&'a str>,
    /// Line and column in the body.
    pub(crate) position: Option<(u64, u64)>,
    /// The request's id, which the log has too.
    pub(crate) request_id: &'a str,
}

/// The most characters of a text that a request had a say in.
const MAX_CHARS: usize = 600;

/// Writes a SOAP 1.1 fault.
pub(crate) fn fault(text: &FaultText<'_>) -> String {
    let code = match text.code {
        FaultCode::Client => "Client",
        FaultCode::Server => "Server",
        FaultCode::VersionMismatch => "VersionMismatch",
        FaultCode::MustUnderstand => "MustUnderstand",
    };
    // Salesforce shows the sentence alone, so the place is said there too.
    let place = text.position.map_or_else(String::new, |(line, column)| {
        format!("Line {line}, column {column}: ")
    });
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <soapenv:Body><soapenv:Fault><faultcode>soapenv:{code}</faultcode>\
         <faultstring>{place}{}</faultstring>\
         <detail><error xmlns=\"urn:sfbridge:fault\"><reason>{}</reason>",
        content(text.sentence),
        text.reason,
    );
    // Writing to a string can't fail.
    if let Some(parameter) = text.parameter {
        let _ = write!(xml, "<parameter>{}</parameter>", content(parameter));
    }
    if let Some((line, column)) = text.position {
        let _ = write!(xml, "<line>{line}</line><column>{column}</column>");
    }
    let _ = write!(
        xml,
        "<requestId>{}</requestId></error></detail></soapenv:Fault></soapenv:Body>\
         </soapenv:Envelope>",
        text.request_id,
    );
    xml
}

/// A text as an element's content: bounded, with nothing that XML forbids, and
/// on one line.
fn content(text: &str) -> String {
    let mut characters = text.chars();
    let mut kept: String = characters.by_ref().take(MAX_CHARS).map(allowed).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    escape(&kept).into_owned()
}

/// The character, or what stands for one that XML 1.0 forbids.
fn allowed(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => ' ',
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    fn text_of(sentence: &str) -> String {
        fault(&FaultText {
            code: FaultCode::Client,
            sentence,
            reason: "INVALID_PARAMETER",
            parameter: Some(sentence),
            position: Some((3, 17)),
            request_id: "0199",
        })
    }

    #[test]
    fn the_acknowledgement_is_the_one_that_salesforce_knows() {
        assert_eq!(
            ACKNOWLEDGEMENT,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope xmlns:soapenv=\"http://\
             schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><notificationsResponse \
             xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack>\
             </notificationsResponse></soapenv:Body></soapenv:Envelope>"
        );
    }

    #[test]
    fn a_fault_says_what_applies_in_its_detail() {
        assert_eq!(
            text_of("No <b>."),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope xmlns:soapenv=\"http://\
             schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><soapenv:Fault><faultcode>\
             soapenv:Client</faultcode><faultstring>Line 3, column 17: No &lt;b&gt;.</faultstring>\
             <detail><error \
             xmlns=\"urn:sfbridge:fault\"><reason>INVALID_PARAMETER</reason><parameter>No \
             &lt;b&gt;.</parameter><line>3</line><column>17</column><requestId>0199</requestId>\
             </error></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        );
    }

    #[test]
    fn a_long_sentence_is_cut_between_characters() {
        let xml = text_of(&"😀".repeat(MAX_CHARS + 1));
        assert!(xml.contains(&format!("{}…<", "😀".repeat(MAX_CHARS))));
        let xml = text_of(&"😀".repeat(MAX_CHARS));
        assert!(xml.contains(&format!("{}<", "😀".repeat(MAX_CHARS))));
    }

    proptest::proptest! {
        #[test]
        fn a_fault_is_well_formed_whatever_the_request_held(sentence in "\\PC*|.{0,40}|[\\x00-\\x20<>&'\"]{0,40}") {
            let xml = text_of(&sentence);
            let mut reader = Reader::from_str(&xml);
            loop {
                match reader.read_event().unwrap() {
                    Event::Eof => break,
                    Event::CData(_) | Event::Comment(_) | Event::PI(_) => panic!("{xml}"),
                    _ => {}
                }
            }
            let is_forbidden = |c: char| c < '\u{20}' && c != '\n';
            proptest::prop_assert!(!xml.contains(is_forbidden), "{:?}", xml);
        }
    }
}
