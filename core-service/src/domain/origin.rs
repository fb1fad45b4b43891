//! Where in Salesforce a record came from.

use sfbridge_values::ShortText;

/// Where in Salesforce a record came from, as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The organisation, 15 or 18 characters.
    pub organization_id: Option<ShortText>,
    /// The outbound message's definition.
    pub action_id: Option<ShortText>,
    /// The notification.
    pub notification_id: Option<ShortText>,
    /// The sObject's type.
    pub object_type: Option<ShortText>,
    /// The sObject's `Id`.
    pub record_id: Option<ShortText>,
}

/// The part of a Salesforce id that identifies: its first 15 characters.
pub fn identity(id: &str) -> &str {
    match id.char_indices().nth(15) {
        Some((end, _)) => &id[..end],
        None => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_both_lengths_have_one_identity() {
        assert_eq!(identity("00Q000000000001EAA"), "00Q000000000001");
        assert_eq!(identity("00Q000000000001"), "00Q000000000001");
        assert_eq!(identity("ü"), "ü");
    }
}
