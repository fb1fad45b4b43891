// Sends a Lead and an Opportunity with gSOAP, to the address in the WSDL.

#include <iostream>
#include <string>

#include "NotificationBinding.nsmap"
#include "soapNotificationBindingProxy.h"

namespace {

// A field that the WSDL does not name; `ns3` is gSOAP's prefix for records.
void add_field(struct soap *soap, ns3__sObject *record, const std::string &name,
               const std::string &escaped) {
  const std::string xml = "<ns3:" + name + ">" + escaped + "</ns3:" + name + ">";
  record->__any.push_back(soap_strdup(soap, xml.c_str()));
}

}  // namespace

int main() {
  NotificationBindingProxy service(SOAP_C_UTFSTRING);
  struct soap *soap = service.soap;

  std::string lead_id = "00Q000000000001EAA";
  ns3__Lead *lead = soap_new_ns3__Lead(soap);
  lead->Id = &lead_id;
  add_field(soap, lead, "Colour__c", "Blå &amp; &lt;grün&gt;");
  add_field(soap, lead, "Name", "Ann");

  std::string opportunity_id = "006000000000001EAA";
  ns3__Opportunity *opportunity = soap_new_ns3__Opportunity(soap);
  opportunity->Id = &opportunity_id;
  add_field(soap, opportunity, "Amount", "1250.5");
  add_field(soap, opportunity, "Colour__c", "rouge");

  _ns1__notifications message;
  message.soap_default(soap);
  message.OrganizationId = "00D000000000062EAA";
  message.ActionId = "04k000000000001EAA";
  message.Notification.push_back(
      soap_new_req_ns1__Notification(soap, "04l00000000G001EAA", lead));
  message.Notification.push_back(
      soap_new_req_ns1__Notification(soap, "04l00000000G002EAA", opportunity));

  _ns1__notificationsResponse answer;
  if (service.notifications(&message, answer) != SOAP_OK) {
    service.soap_stream_fault(std::cerr);
    return 1;
  }
  if (!answer.Ack) {
    std::cerr << "not acknowledged\n";
    return 1;
  }
  std::cout << "gSOAP: acknowledged\n";
}
