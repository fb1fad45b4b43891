//! What comes back for an outbound message.

use std::fmt;

use anyhow::Context as _;
use http::StatusCode;
use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

use crate::output::printable;

/// The answer as Salesforce would take it.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// What `Ack` said, if there was one.
    ack: Option<bool>,
    /// The fault's text, if there was one.
    pub(super) fault: Option<String>,
    /// By which it is found in the gateway's log.
    pub(super) request_id: Option<String>,
}

impl Answer {
    /// Reads a response, as much of it as an answer may have.
    pub(super) async fn read(mut response: reqwest::Response) -> anyhow::Result<Self> {
        const LARGEST: usize = 64 * 1024;

        let status = response.status();
        let request_id = response
            .headers()
            .get("x-request-id")
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(reqwest::Error::without_url)
            .context("the answer broke off")?
        {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                body.truncate(LARGEST);
                break;
            }
        }
        let Soap { ack, fault } = Soap::read(&String::from_utf8_lossy(&body));
        Ok(Self {
            status,
            ack,
            fault,
            request_id,
        })
    }

    /// Whether Salesforce would take the message from its queue.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.status == StatusCode::OK && self.ack == Some(true)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.status)?;
        match (&self.fault, self.ack) {
            _ if self.is_acknowledged() => f.write_str("acknowledged.")?,
            (Some(fault), _) => write!(f, "{}", printable(fault))?,
            (None, Some(false)) => f.write_str("refused by an Ack that is false.")?,
            (None, _) => f.write_str("no acknowledgement and no SOAP fault.")?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {})", printable(id)),
            None => Ok(()),
        }
    }
}

/// What is of interest in a SOAP answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Soap {
    ack: Option<bool>,
    fault: Option<String>,
}

/// The element whose text is being read.
#[derive(Clone, Copy)]
enum Inside {
    Ack,
    Fault,
}

impl Soap {
    const OUTBOUND: &str = "http://soap.sforce.com/2005/09/outbound";

    /// Reads as far as it is XML; an answer may be anything.
    fn read(text: &str) -> Self {
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
        let expected = Soap {
            ack,
            fault: fault.map(str::to_owned),
        };
        assert_eq!(Soap::read(text), expected, "{text}");
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
