//! Outbound messages to send.

/// The organisation that sends them.
pub(crate) const ORGANIZATION: &str = "00D5g0000004242EAA";

/// A message with a notification for each title.
pub(crate) fn message(titles: &[&str]) -> String {
    let notifications: String = titles
        .iter()
        .enumerate()
        .map(|(n, title)| notification(n, title))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\
         <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
         <OrganizationId>{ORGANIZATION}</OrganizationId>\
         <ActionId>04k5g0000004CAEAA2</ActionId><SessionId xsi:nil=\"true\"/>\
         <EnterpriseUrl>https://x.my.salesforce.com/services/Soap/c/66.0/00D5g0000004242</EnterpriseUrl>\
         <PartnerUrl>https://x.my.salesforce.com/services/Soap/u/66.0/00D5g0000004242</PartnerUrl>\
         {notifications}</notifications></soapenv:Body></soapenv:Envelope>"
    )
}

fn notification(n: usize, title: &str) -> String {
    format!(
        "<Notification><Id>04l5g00000{n:05}</Id><sObject xsi:type=\"sf:Opportunity\" \
         xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\"><sf:Id>0065g00000{n:05}</sf:Id>\
         <sf:Name>{title}</sf:Name></sObject></Notification>"
    )
}
