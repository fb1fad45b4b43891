//! What comes back for an outbound message.

use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

/// What is of interest in a SOAP answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoapAnswer {
    /// What `Ack` said, if there was one.
    pub ack: Option<bool>,
    /// The fault's text, if there was one.
    pub fault: Option<String>,
}

/// The element whose text is being read.
#[derive(Clone, Copy)]
enum Inside {
    Ack,
    Fault,
}

impl SoapAnswer {
    const OUTBOUND: &str = "http://soap.sforce.com/2005/09/outbound";

    /// Reads as far as it is XML; an answer may be anything.
    pub fn read(text: &str) -> Self {
        let mut soap = Self::default();
        let mut reader = NsReader::from_str(text);
        let mut inside = None;
        let mut content = String::new();
        loop {
            match reader.read_resolved_event() {
                Ok((namespace, Event::Start(element))) => {
                    let name = element.local_name();
                    let is_outbound = matches!(
                        namespace,
                        ResolveResult::Bound(bound) if bound.into_inner() == Self::OUTBOUND
                    );
                    inside = match name.into_inner() {
                        "Ack" if is_outbound => Some(Inside::Ack),
                        "faultstring" => Some(Inside::Fault),
                        _ => None,
                    };
                    content.clear();
                }
                Ok((_, Event::Text(text))) => content.push_str(&text),
                Ok((_, Event::CData(text))) => content.push_str(&text),
                Ok((_, Event::GeneralRef(reference))) => match reference.resolve_char_ref() {
                    Ok(Some(character)) => content.push(character),
                    _ => content.push_str(
                        quick_xml::escape::resolve_predefined_entity(&reference)
                            .unwrap_or_default(),
                    ),
                },
                Ok((_, Event::End(_))) => match inside.take() {
                    Some(Inside::Ack) => soap.ack = Some(matches!(content.trim(), "true" | "1")),
                    Some(Inside::Fault) => soap.fault = Some(content.trim().to_owned()),
                    None => {}
                },
                Ok((_, Event::Eof)) | Err(_) => return soap,
                Ok(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, ack: Option<bool>, fault: Option<&str>) {
        let expected = SoapAnswer {
            ack,
            fault: fault.map(str::to_owned),
        };
        assert_eq!(SoapAnswer::read(text), expected, "{text}");
    }

    #[test]
    fn an_acknowledgement_counts_in_its_namespace() {
        let envelope = |body: &str| {
            format!(
                "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}\
                 </s:Body></s:Envelope>"
            )
        };
        let ours = "xmlns=\"http://soap.sforce.com/2005/09/outbound\"";
        for (text, ack) in [("true", true), (" 1 ", true), ("false", false)] {
            let body =
                format!("<notificationsResponse {ours}><Ack>{text}</Ack></notificationsResponse>");
            check(&envelope(&body), Some(ack), None);
        }
        check(&envelope("<Ack>true</Ack>"), None, None);
    }

    #[test]
    fn a_fault_is_read_with_its_references() {
        check(
            "<f:Fault xmlns:f='u'><faultstring>a &lt;b&gt; &#38; c</faultstring></f:Fault>",
            None,
            Some("a <b> & c"),
        );
    }

    #[test]
    fn anything_else_is_no_answer() {
        check("", None, None);
        check("{\"ok\": true}", None, None);
        check("<html><body>404", None, None);
    }
}
