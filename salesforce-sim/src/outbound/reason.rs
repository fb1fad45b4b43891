//! Why a message was not delivered, in the words of Setup.

use std::error::Error as _;

use http::StatusCode;

use super::answer::SoapAnswer;

/// Why an answer is no acknowledgement; none when it is.
pub(super) fn of_answer(status: StatusCode, body: &str) -> Result<(), String> {
    let soap = SoapAnswer::read(body);
    if let Some(fault) = soap.fault {
        return Err(fault);
    }
    if status != StatusCode::OK {
        let phrase = status.canonical_reason().unwrap_or_default();
        return Err(format!("({}){phrase}", status.as_u16()));
    }
    match soap.ack {
        Some(true) => Ok(()),
        Some(false) => Err("SOAP response was a nack".to_owned()),
        None if body.is_empty() => Err(not_xml("Premature end of file.")),
        None if !body.starts_with('<') => Err(not_xml("Content is not allowed in prolog.")),
        None => Err("SOAP response has no acknowledgement".to_owned()),
    }
}

/// Why there is no answer.
pub(super) fn of_error(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "java.net.SocketTimeoutException: Read timed out".to_owned();
    }
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        causes.push(inner.to_string().to_lowercase());
        cause = inner.source();
    }
    let says = |words: &str| causes.iter().any(|cause| cause.contains(words));
    if says("certificate") {
        "javax.net.ssl.SSLPeerUnverifiedException: peer not authenticated".to_owned()
    } else if says("dns") || says("lookup") {
        "java.net.UnknownHostException".to_owned()
    } else if error.is_connect() {
        "java.net.ConnectException: Connection refused".to_owned()
    } else {
        "java.net.SocketException: Connection reset".to_owned()
    }
}

fn not_xml(problem: &str) -> String {
    format!("org.xml.sax.SAXParseException; lineNumber: 1; columnNumber: 1; {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let reason = of_answer(StatusCode::from_u16(status).unwrap(), body);
        assert_eq!(reason, Err(expected.to_owned()));
    }

    fn response(ack: &str) -> String {
        format!(
            "<notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
             <Ack>{ack}</Ack></notificationsResponse>"
        )
    }

    #[test]
    fn only_200_with_a_true_ack_counts() {
        assert_eq!(of_answer(StatusCode::OK, &response("true")), Ok(()));
        check(200, &response("false"), "SOAP response was a nack");
        check(202, &response("true"), "(202)Accepted");
        check(302, "", "(302)Found");
        check(405, "<html>no</html>", "(405)Method Not Allowed");
        check(
            200,
            "<html>welcome</html>",
            "SOAP response has no acknowledgement",
        );
    }

    #[test]
    fn a_fault_is_shown_as_it_is() {
        check(
            400,
            "<Fault><faultstring>The igrp is missing</faultstring></Fault>",
            "The igrp is missing",
        );
    }

    #[test]
    fn what_is_no_xml_is_told_as_by_the_parser() {
        let prolog = "org.xml.sax.SAXParseException; lineNumber: 1; columnNumber: 1; \
                      Content is not allowed in prolog.";
        check(200, "{\"ok\": true}", prolog);
        check(200, " <a/>", prolog);
        let end = "org.xml.sax.SAXParseException; lineNumber: 1; columnNumber: 1; \
                   Premature end of file.";
        check(200, "", end);
    }
}
