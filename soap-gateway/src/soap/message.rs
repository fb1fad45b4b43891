//! What an outbound message holds.

use sfbridge_values::OrganizationId;

/// An outbound message: one organisation's notifications.
///
/// The session id that a message may carry is not here: it is dropped unread.
#[derive(Debug)]
pub struct OutboundMessage {
    /// The organisation that sent it.
    pub organization_id: OrganizationId,
    /// The outbound message's definition (`04k...`), as sent, trimmed; empty
    /// when absent.
    pub action_id: String,
    /// The notifications in document order.
    pub notifications: Vec<Notification>,
    /// What was doubtful about the message, one sentence each.
    pub warnings: Vec<String>,
}

/// One notification of a message.
#[derive(Debug)]
pub struct Notification {
    /// The notification's id (`04l...`), as sent, trimmed; empty when absent.
    pub id: String,
    /// The record, or what is wrong with it.
    pub content: Content,
    /// What was doubtful about the notification, one sentence each.
    pub warnings: Vec<String>,
}

/// What a notification says of its record.
#[derive(Debug)]
pub enum Content {
    /// A record.
    Record(SObject),
    /// The record was deleted before Salesforce sent it: its sObject is absent,
    /// nil or without children.
    Gone {
        /// The type, when the sObject still had one; else empty.
        object_type: String,
    },
    /// The notification contradicts itself or lacks its type.
    Malformed {
        /// What could be read, for the quarantine.
        record: SObject,
        /// The field at fault; empty when it is none.
        field: String,
        /// One sentence: what is wrong and what to do about it.
        description: String,
    },
}

/// One Salesforce record.
#[derive(Debug, Default)]
pub struct SObject {
    /// The type by its local name, for instance `Lead`; empty when absent.
    pub object_type: String,
    /// The populated fields in document order, each name once, names compared
    /// without regard to ASCII case. Values have their exact text. Nested
    /// elements are flattened as `Outer.Inner`. `Id` is one of them.
    pub fields: Vec<(String, String)>,
}

impl SObject {
    /// The exact text of a field, if it is populated: present, not nil, and
    /// not empty after trimming. Case does not count in names.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .filter(|value| !is_blank(value))
    }

    /// The record's `Id`, trimmed; empty when absent.
    pub fn record_id(&self) -> &str {
        self.field("Id").map_or("", str::trim)
    }
}

/// Whether nothing is left of a text after trimming.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}
