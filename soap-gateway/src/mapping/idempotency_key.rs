//! The key by which a second delivery is known.

use sfbridge_values::{OrganizationId, SalesforceId};
use sha2::{Digest, Sha256};

use crate::parameters::Parameters;
use crate::soap::SObject;

/// Makes the keys of one message.
pub(super) struct KeyMaker {
    /// The organisation.
    before: String,
    /// The endpoint and a digest of its canonical query.
    after: String,
}

impl KeyMaker {
    pub(super) fn new(organization_id: &OrganizationId, parameters: &Parameters) -> Self {
        let mut query = Sha256::new();
        query.update(parameters.canonical_query());
        Self {
            before: format!("{}/", organization_id.key()),
            after: format!("/{}/{}", parameters.endpoint(), half_hex(query)),
        }
    }

    /// The key of one notification: organisation, notification, endpoint and
    /// query.
    ///
    /// A notification without an id is known by its content. One whose id is
    /// not a Salesforce id is known by a digest of all of it, because its
    /// first 15 characters may be those of another.
    pub(super) fn key(&self, notification_id: &str, action_id: &str, record: &SObject) -> String {
        if let Some(id) = SalesforceId::key_of(notification_id) {
            return [&self.before, id, &self.after].concat();
        }
        let digest = if notification_id.is_empty() {
            digest_of_content(action_id, record)
        } else {
            digest_of([notification_id])
        };
        [&self.before, "~", &digest, &self.after].concat()
    }
}

/// A digest of what a notification says, whatever the order of its fields.
fn digest_of_content(action_id: &str, record: &SObject) -> String {
    let mut fields: Vec<_> = record
        .fields
        .iter()
        .map(|(name, text)| (name.to_ascii_lowercase(), text.as_str()))
        .collect();
    fields.sort_unstable();
    let fields = fields.iter().flat_map(|(name, text)| [name.as_str(), text]);
    digest_of(
        [action_id, &record.object_type, record.record_id()]
            .into_iter()
            .chain(fields),
    )
}

/// A digest of texts, each with its length, so that no two lists run together
/// to the same.
fn digest_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_string());
        hash.update(":");
        hash.update(text);
    }
    half_hex(hash)
}

/// The first 16 bytes in hexadecimal: enough that nothing collides.
fn half_hex(hash: Sha256) -> String {
    let digest = hash.finalize();
    let half = digest
        .first_chunk()
        .map_or(0, |half| u128::from_be_bytes(*half));
    format!("{half:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endpoint;

    const ORGANIZATION: &str = "00D000000000062EAA";

    fn key(organization: &str, query: &str, id: &str, fields: &[(&str, &str)]) -> String {
        let organization = OrganizationId::parse(organization).unwrap();
        let parameters = Parameters::parse(Endpoint::Events, query).unwrap();
        let record = SObject {
            object_type: "Lead".to_owned(),
            fields: fields
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
        };
        KeyMaker::new(&organization, &parameters).key(id, "04k000000000001EAA", &record)
    }

    #[test]
    fn a_key_is_made_of_organisation_notification_endpoint_and_query() {
        assert_eq!(
            key(ORGANIZATION, "", "04l000000000001EAA", &[]),
            // The digest of no text at all.
            "00D000000000062/04l000000000001/events/e3b0c44298fc1c149afbf4c8996fb924"
        );
    }

    #[test]
    fn ids_of_15_and_18_characters_and_equal_queries_give_the_same_key() {
        let one = key(
            ORGANIZATION,
            "tField=A__c&igrp=1&token=x",
            "04l000000000001EAA",
            &[],
        );
        let other = key(
            "00D000000000062",
            "igrp=1&titleField=A__c",
            "04l000000000001",
            &[("Name", "newer")],
        );
        assert_eq!(one, other);
    }

    #[test]
    fn another_query_is_another_key() {
        let one = key(ORGANIZATION, "act=a", "04l000000000001EAA", &[]);
        let other = key(ORGANIZATION, "act=b", "04l000000000001EAA", &[]);
        assert_ne!(one, other);
    }

    #[test]
    fn without_an_id_the_content_counts_whatever_its_order() {
        let one = key(ORGANIZATION, "", "", &[("Id", "1"), ("Name", "x")]);
        let same = key(ORGANIZATION, "", "", &[("name", "x"), ("ID", "1")]);
        let other = key(ORGANIZATION, "", "", &[("Id", "1"), ("Name", "y")]);
        let shifted = key(ORGANIZATION, "", "", &[("Id", "1"), ("Namex", "")]);
        assert_eq!(one, same);
        assert_ne!(one, other);
        assert_ne!(one, shifted);
        assert!(one.contains("/~"), "{one}");
    }

    #[test]
    fn ids_that_only_begin_alike_are_not_the_same() {
        let one = key(ORGANIZATION, "", "notification-number-1", &[]);
        let other = key(ORGANIZATION, "", "notification-number-2", &[]);
        assert_ne!(one, other);
        assert!(key(ORGANIZATION, "", &"x".repeat(10_000), &[]).len() <= 255);
    }
}
