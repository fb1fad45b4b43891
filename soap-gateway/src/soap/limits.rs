//! How much a message may hold.

/// The bounds of an XML document, enforced while it is read.
///
/// The size of the whole is limited before it comes here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Elements inside each other. A Salesforce message has six levels.
    pub depth: usize,
    /// Attributes of one element, namespace declarations counted.
    pub attributes: usize,
    /// Bytes in the name of an element, attribute or processing instruction.
    pub name_bytes: usize,
    /// Elements, comments, processing instructions and CDATA sections in one
    /// notification. As many may stand outside of the notifications.
    pub nodes_per_notification: usize,
    /// Such nodes in the whole message. 100 records with every field that an
    /// object may have are less than half of the default.
    pub nodes: usize,
    /// Notifications of one message. Salesforce sends at most 100; the empty
    /// ones of a large body would take many times its memory.
    pub notifications: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            attributes: 300,
            name_bytes: 1_024,
            nodes_per_notification: 10_000,
            nodes: 200_000,
            notifications: 10_000,
        }
    }
}
