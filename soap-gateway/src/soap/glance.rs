//! A glance at a message, before it is read.

use sfbridge_values::OrganizationId;

use super::invalid_message::Flaw;
use super::limits::Limits;
use super::namespaces::Namespace;
use super::tokens::Tokens;

/// The organisation that a message seems to come from, where this costs little
/// to learn: Salesforce names it first of all. Only reading the message tells
/// for certain.
pub(crate) fn organization(text: &str, limits: &Limits) -> Option<OrganizationId> {
    find(text, limits).ok().flatten()
}

fn find(text: &str, limits: &Limits) -> Result<Option<OrganizationId>, Flaw> {
    let path = [
        (Namespace::SOAP, "Envelope"),
        (Namespace::SOAP, "Body"),
        (Namespace::OUTBOUND, "notifications"),
        (Namespace::OUTBOUND, "OrganizationId"),
    ];
    let mut tokens = Tokens::new(text, limits)?;
    for (namespace, local) in path {
        match tokens.next_child()? {
            Some(child) if child.is(namespace, local) => {}
            _ => return Ok(None),
        }
    }
    Ok(OrganizationId::parse(&tokens.scalar()?.text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&str>) {
        let text = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
             <notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">{body}"
        );
        let seen = organization(&text, &Limits::default());
        assert_eq!(seen.as_ref().map(OrganizationId::as_str), expected);
    }

    #[test]
    fn the_organisation_is_seen_where_salesforce_writes_it() {
        let id = "<OrganizationId>00D5g0000004242EAA</OrganizationId>";
        // What follows is not looked at.
        check(&format!("{id}<"), Some("00D5g0000004242EAA"));
        check(&format!("<ActionId/>{id}"), None);
        check("<OrganizationId>Acme</OrganizationId>", None);
        check("<OrganizationId>00D5g0000004242EAA", None);
        check("", None);
    }
}
