//! The messages that are sent.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// What messages of [`Kind::Full`] are sent with, for the installation 1001.
pub const QUERY: &str = "igrp=1001&txvField=Amount";

/// How much a notification holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Three fields.
    Small,
    /// Twenty fields, as a sales team's Opportunity has them: about 1,600 bytes.
    Full,
}

/// Requests of one organisation, each with other notifications.
#[derive(Clone, Debug)]
pub struct Requests {
    bytes: Vec<u8>,
    /// Where the body begins.
    body: usize,
    /// Where the numbers of the notifications stand.
    numbers: Vec<usize>,
    /// Where the visitor ids of the notifications stand.
    visitors: Vec<usize>,
}

/// Stands for a visitor id.
const VISITOR: &str = "vvvvvvvv-vvvv-4vvv-8vvv-vvvvvvvvvvvv";

/// Stands for a number.
const NUMBER: &str = "##########";

/// A notification, with a number in two places.
const FULL: &str = include_str!("notification.xml");
const SMALL: &str = r#"   <Notification>
    <Id>04l5g{number}</Id>
    <sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
     <sf:Id>0065g{number}</sf:Id>
     <sf:Infinity_VID__c>{visitor}</sf:Infinity_VID__c>
     <sf:Name>Renewal</sf:Name>
    </sObject>
   </Notification>
"#;

impl Kind {
    fn notification(self) -> &'static str {
        match self {
            Self::Small => SMALL,
            Self::Full => FULL,
        }
    }

    /// What stands behind the organisation's 15 characters: Salesforce sends 18,
    /// and generated readers insist on them.
    fn suffix(self) -> &'static str {
        match self {
            Self::Small => "",
            Self::Full => "EAA",
        }
    }

    /// What stands before the first notification. Salesforce sends the URLs
    /// always.
    fn urls(self, organization: &str) -> String {
        match self {
            Self::Small => String::new(),
            Self::Full => format!(
                "   <EnterpriseUrl>https://example.my.salesforce.com/services/Soap/c/60.0/{organization}\
                 </EnterpriseUrl>\n   \
                 <PartnerUrl>https://example.my.salesforce.com/services/Soap/u/60.0/{organization}\
                 </PartnerUrl>\n"
            ),
        }
    }

    fn query(self, igrp: u32) -> String {
        match self {
            Self::Small => format!("igrp={igrp}"),
            Self::Full => format!("igrp={igrp}&txvField=Amount"),
        }
    }
}

impl Requests {
    /// Requests for `gateway`, each with so many notifications. `organization`
    /// has 15 characters.
    pub fn new(
        gateway: SocketAddr,
        kind: Kind,
        igrp: u32,
        organization: &str,
        notifications: u32,
    ) -> Self {
        let mut body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n \
             <soapenv:Body>\n  <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\n   \
             <OrganizationId>{organization}{}</OrganizationId>\n   \
             <ActionId>04k5g0000000077AAA</ActionId>\n   <SessionId xsi:nil=\"true\"/>\n{}",
            kind.suffix(),
            kind.urls(organization)
        );
        let notification = kind
            .notification()
            .replace("{number}", NUMBER)
            .replace("{visitor}", VISITOR);
        for _ in 0..notifications {
            body.push_str(&notification);
        }
        body.push_str("  </notifications>\n </soapenv:Body>\n</soapenv:Envelope>\n");
        let mut request = String::new();
        let _ = write!(
            request,
            "POST /callback/v1/salesforce/events?{} HTTP/1.1\r\nHost: {gateway}\r\n\
             Content-Type: text/xml; charset=UTF-8\r\nSOAPAction: \"\"\r\n\
             Content-Length: {}\r\n\r\n",
            kind.query(igrp),
            body.len()
        );
        let head = request.len();
        request.push_str(&body);
        let numbers = request.match_indices(NUMBER).map(|(at, _)| at).collect();
        let visitors = request.match_indices(VISITOR).map(|(at, _)| at).collect();
        Self {
            bytes: request.into_bytes(),
            body: head,
            numbers,
            visitors,
        }
    }

    /// The request of this number, for as long as no other one is asked for.
    pub fn numbered(&mut self, number: u64) -> &[u8] {
        // Each notification has its number in two places.
        let each = (self.numbers.len() / 2) as u64;
        for (index, pair) in self.numbers.chunks(2).enumerate() {
            let number = number * each + index as u64;
            let digits = digits(number);
            for at in pair {
                self.bytes[*at..*at + NUMBER.len()].copy_from_slice(&digits);
            }
            if let Some(at) = self.visitors.get(index) {
                let place = &mut self.bytes[*at..*at + VISITOR.len()];
                crate::shape::visitor(number)
                    .hyphenated()
                    .encode_lower(place);
            }
        }
        &self.bytes
    }

    /// The body of this number, for as long as no other one is asked for.
    pub fn body(&mut self, number: u64) -> &[u8] {
        let body = self.body;
        &self.numbered(number)[body..]
    }
}

/// The last ten digits of a number. Who sends shares the machine with who is
/// measured, so this is quicker than formatting.
fn digits(mut number: u64) -> [u8; NUMBER.len()] {
    const ZERO: u8 = b'0';

    let mut digits = [ZERO; NUMBER.len()];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(kind: Kind, notifications: u32) -> Requests {
        let gateway = SocketAddr::from(([127, 0, 0, 1], 8080));
        Requests::new(gateway, kind, 1_001, "00D5g0000004242", notifications)
    }

    #[test]
    fn every_request_has_notifications_of_its_own() {
        for kind in [Kind::Small, Kind::Full] {
            let mut requests = requests(kind, 2);
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

    #[test]
    fn numbers_have_ten_digits() {
        assert_eq!(&digits(42), b"0000000042");
        assert_eq!(&digits(9_876_543_210), b"9876543210");
    }

    #[test]
    fn a_full_notification_has_twenty_fields_and_salesforce_size() {
        let mut requests = requests(Kind::Full, 100);
        let text = String::from_utf8(requests.body(3).to_vec()).unwrap();
        assert!(text.starts_with("<?xml"));
        assert_eq!(text.matches("<sf:").count(), 2_000);
        assert!((155_000..165_000).contains(&text.len()), "{}", text.len());
        let query = format!("/events?{QUERY} ");
        let request = String::from_utf8(requests.numbered(3).to_vec()).unwrap();
        assert!(
            request
                .lines()
                .next()
                .is_some_and(|line| line.contains(&query))
        );
    }
}
