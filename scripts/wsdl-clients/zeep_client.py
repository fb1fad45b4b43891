"""Sends a Lead and an Opportunity with zeep, from the WSDL of an endpoint."""

import sys

import zeep
from zeep import xsd

RECORDS = "urn:sobject.enterprise.soap.sforce.com"


def field(name, value):
    """A field that the WSDL does not name."""
    return xsd.AnyObject(xsd.Element(f"{{{RECORDS}}}{name}", xsd.String()), value)


def main(url):
    client = zeep.Client(f"{url}&wsdl" if "?" in url else f"{url}?wsdl")
    lead = client.get_type(f"{{{RECORDS}}}Lead")
    opportunity = client.get_type(f"{{{RECORDS}}}Opportunity")
    acknowledged = client.service.notifications(
        OrganizationId="00D000000000062EAA",
        ActionId="04k000000000001EAA",
        Notification=[
            {
                "Id": "04l00000000Z001EAA",
                "sObject": lead(
                    Id="00Q000000000001EAA",
                    _value_1=[
                        field("Colour__c", "Blå & <grün>"),
                        field("Name", "Ann"),
                    ],
                ),
            },
            {
                "Id": "04l00000000Z002EAA",
                "sObject": opportunity(
                    Id="006000000000001EAA",
                    _value_1=[
                        field("Amount", "1250.5"),
                        field("Colour__c", "rouge"),
                    ],
                ),
            },
        ],
    )
    if acknowledged is not True:
        sys.exit(f"not acknowledged: {acknowledged!r}")
    print("zeep: acknowledged")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: zeep URL")
    main(sys.argv[1])
