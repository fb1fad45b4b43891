//! What a body was read as, for comparison with other readers.

use serde_json::{Value, json};

use crate::encoding::{UndecodableBody, decode};
use crate::soap::{Content, Limits, Notification, SObject, read};

/// Reads a body that no header describes, and says in JSON what it means or
/// why it is refused. Warnings are left out.
pub fn reading(body: &[u8]) -> Value {
    let text = match decode(body, None) {
        Ok(text) => text,
        Err(undecodable) => {
            let sentence = undecodable.to_string();
            let (line, column) = match undecodable {
                UndecodableBody::InvalidBytes { line, column, .. } => (line, column),
                UndecodableBody::UnknownEncoding { .. } | UndecodableBody::TooLarge => (1, 1),
            };
            return refused(&sentence, line, column);
        }
    };
    match read(&text, &Limits::default()) {
        Ok(message) => json!({
            "organization": message.organization_id.as_str(),
            "action": message.action_id,
            "notifications": message.notifications.iter().map(notification).collect::<Vec<_>>(),
        }),
        Err(invalid) => refused(&invalid.to_string(), invalid.line(), invalid.column()),
    }
}

fn refused(sentence: &str, line: u64, column: u64) -> Value {
    json!({ "refused": sentence, "line": line, "column": column })
}

fn notification(notification: &Notification) -> Value {
    let (content, object_type, record) = match &notification.content {
        Content::Record(record) => ("record", &record.object_type, Some(record)),
        Content::Malformed { record, .. } => ("malformed", &record.object_type, Some(record)),
        Content::Gone { object_type } => ("gone", object_type, None),
    };
    json!({
        "id": notification.id,
        "content": content,
        "type": object_type,
        "fields": record.map_or(&[][..], |SObject { fields, .. }| fields),
    })
}
