"""Works on Leads of a pretend org with simple-salesforce."""

import json
import sys
from urllib.parse import urlsplit, urlunsplit

import requests
from simple_salesforce import Salesforce, SalesforceAuthenticationFailed
from simple_salesforce.exceptions import (
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)


class Plain(requests.adapters.HTTPAdapter):
    """Sends to the simulator, which has no TLS, what the library sends by https."""

    def __init__(self, address):
        super().__init__()
        self.address = address

    def send(self, request, **options):
        parts = urlsplit(request.url)
        request.url = urlunsplit(("http", self.address, parts.path, parts.query, ""))
        return super().send(request, **options)


def connect(simulator, **credentials):
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Plain(simulator["address"]))
    return Salesforce(version="66.0", session=session, **credentials)


def refused(kind, call, *parts):
    """The call is refused with an exception of this kind that says these."""
    try:
        call()
    except kind as error:
        for part in parts:
            assert part in str(error), (part, str(error))
        return
    raise AssertionError(f"not refused with {kind.__name__}")


def main(path):
    with open(path, encoding="utf-8") as file:
        simulator = json.load(file)

    by_jwt = {
        "username": simulator["username"],
        "consumer_key": simulator["client_id"],
        "privatekey_file": simulator["key_file"],
    }
    sf = connect(simulator, domain="login", **by_jwt)
    refused(
        SalesforceAuthenticationFailed,
        lambda: connect(simulator, domain="test", **by_jwt),
        "audience is invalid",
    )
    other = connect(
        simulator,
        domain="acme.my",
        consumer_key=simulator["client_id"],
        consumer_secret=simulator["client_secret"],
    )

    found = sf.query("SELECT Id, Name FROM Lead WHERE LastName != null LIMIT 1")
    lead = found["records"][0]["Id"]
    assert other.query(f"SELECT Id FROM Lead WHERE Id = '{lead}'")["totalSize"] == 1
    assert sf.query_all("SELECT Id FROM Lead")["totalSize"] == 450
    pages = list(sf.query_all_iter("SELECT Id FROM Lead"))
    assert len({row["Id"] for row in pages}) == 450

    assert sf.Lead.update(lead, {"Infinity_Channel__c": "PPC", "Infinity_Visits__c": 3}) == 204
    assert sf.Lead.get(lead)["Infinity_Channel__c"] == "PPC"
    assert sf.Lead.update(lead[:15], {"Fax": None}, headers={"Sforce-Auto-Assign": "FALSE"}) == 204

    fields = {field["name"]: field for field in sf.Lead.describe()["fields"]}
    assert fields["Company"]["length"] == 255 and not fields["Name"]["updateable"]
    assert {"Lead", "Opportunity", "Task"} <= {o["name"] for o in sf.describe()["sobjects"]}

    results = sf.restful(
        "composite/sobjects",
        method="PATCH",
        json={
            "allOrNone": False,
            "records": [
                {"attributes": {"type": "Lead"}, "id": lead, "Infinity_Source__c": "google"},
                {"attributes": {"type": "Lead"}, "id": "00Q000000000009EAA", "Fax": "1"},
            ],
        },
    )
    assert [result["success"] for result in results] == [True, False], results
    rows = sf.restful("composite/sobjects/Lead", params={"ids": lead, "fields": "Infinity_Source__c"})
    assert rows[0]["Infinity_Source__c"] == "google"

    made = sf.Lead.create({"LastName": "New", "Company": "Example"})
    assert made["success"] and sf.Lead.delete(made["id"]) == 204

    refused(
        SalesforceMalformedRequest,
        lambda: sf.Lead.update(lead, {"Nonsense__c": 1}),
        "INVALID_FIELD",
        "No such column 'Nonsense__c' on sobject of type Lead",
    )
    refused(
        SalesforceMalformedRequest,
        lambda: sf.Lead.update(lead, {"Title": "x" * 129}),
        "STRING_TOO_LONG",
        "(max length=128)",
    )
    refused(SalesforceMalformedRequest, lambda: sf.query("SELECT Id FRM Lead"), "MALFORMED_QUERY")
    refused(SalesforceResourceNotFound, lambda: sf.Lead.get("00Q000000000009EAA"), "NOT_FOUND")
    assert sf.limits()["DailyApiRequests"]["Max"] == 15000
    assert sf.api_usage["api-usage"].total == 15000

    requests.post(f"http://{simulator['address']}/__sim/sessions/expire", timeout=10)
    session = sf.session_id
    assert sf.Lead.get(lead)["Id"] == lead, "it logs in again by itself"
    assert sf.session_id != session
    print("simple-salesforce: done")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: simple-salesforce FILE")
    main(sys.argv[1])
