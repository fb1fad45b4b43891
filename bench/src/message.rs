//! The messages that are sent.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// Requests of one organisation, each with other notifications.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    /// Where the numbers of the notifications stand.
    numbers: Vec<usize>,
    /// Where the visitor ids of the notifications stand.
    visitors: Vec<usize>,
}

/// Stands for a visitor id.
const VISITOR: &str = "vvvvvvvv-vvvv-4vvv-8vvv-vvvvvvvvvvvv";

/// The digits of a number.
const DIGITS: usize = 10;

impl Requests {
    /// Requests for `gateway`, each with so many notifications. `organization`
    /// has 15 characters.
    pub(crate) fn new(
        gateway: SocketAddr,
        igrp: u32,
        organization: &str,
        notifications: u32,
    ) -> Self {
        let place = "#".repeat(DIGITS);
        let mut body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n \
             <soapenv:Body>\n  <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\n   \
             <OrganizationId>{organization}</OrganizationId>\n   \
             <ActionId>04k5g0000000077AAA</ActionId>\n   <SessionId xsi:nil=\"true\"/>\n"
        );
        for _ in 0..notifications {
            let _ = write!(
                body,
                "   <Notification>\n    <Id>04l5g{place}</Id>\n    \
                 <sObject xsi:type=\"sf:Opportunity\" \
                 xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">\n     \
                 <sf:Id>0065g{place}</sf:Id>\n     \
                 <sf:Infinity_VID__c>{VISITOR}</sf:Infinity_VID__c>\n     \
                 <sf:Name>Renewal</sf:Name>\n    </sObject>\n   </Notification>\n"
            );
        }
        body.push_str("  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n");
        let request = format!(
            "POST /callback/v1/salesforce/events?igrp={igrp} HTTP/1.1\r\nHost: {gateway}\r\n\
             Content-Type: text/xml; charset=UTF-8\r\nSOAPAction: \"\"\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let numbers = request.match_indices(&place).map(|(at, _)| at).collect();
        let visitors = request.match_indices(VISITOR).map(|(at, _)| at).collect();
        Self {
            bytes: request.into_bytes(),
            numbers,
            visitors,
        }
    }

    /// The request of this number, for as long as no other one is asked for.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        // Each notification has its number in two places.
        let each = (self.numbers.len() / 2) as u64;
        for (index, pair) in self.numbers.chunks(2).enumerate() {
            let number = number * each + index as u64;
            let digits = format!("{number:0DIGITS$}");
            for at in pair {
                self.bytes[*at..at + DIGITS].copy_from_slice(&digits.as_bytes()[..DIGITS]);
            }
            if let Some(at) = self.visitors.get(index) {
                let visitor = crate::shape::visitor(number).to_string();
                self.bytes[*at..at + VISITOR.len()].copy_from_slice(visitor.as_bytes());
            }
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_notifications_of_its_own() {
        let gateway = SocketAddr::from(([127, 0, 0, 1], 8080));
        let mut requests = Requests::new(gateway, 7, "00D5g0000004242", 2);
        let mut ids = |number| {
            let text = String::from_utf8(requests.numbered(number).to_vec()).unwrap();
            let ids = text.split("<Id>").skip(1);
            ids.map(|rest| rest[..15].to_owned()).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = (0..10).flat_map(&mut ids).collect();
        assert_eq!(all.len(), 20);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20);
    }
}
