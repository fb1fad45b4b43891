//! One `Notification`: its id and its record.

use super::invalid_message::Flaw;
use super::message::{Content, Notification, SObject};
use super::namespaces::Namespace;
use super::record::{Defect, Record};
use super::shape::Shape;
use super::tokens::Tokens;

/// Reads a `Notification` to its end, after its start tag.
pub(super) fn read<'a>(
    tokens: &mut Tokens<'a>,
    shape: &mut Shape<'a>,
) -> Result<Notification, Flaw> {
    let outside = tokens.enter_notification();
    let mut draft = Draft::default();
    while let Some(child) = tokens.next_child()? {
        let known = match child.namespace {
            Namespace::OUTBOUND => child.local,
            _ => "",
        };
        match known {
            "Id" => draft.read_id(tokens)?,
            "sObject" => draft.read_record(tokens, shape)?,
            _ => {
                tokens.skip()?;
            }
        }
    }
    tokens.leave_notification(outside);
    Ok(draft.finish())
}

#[derive(Default)]
struct Draft {
    id: String,
    record: Option<Record>,
    /// The first that was found.
    defect: Option<Defect>,
}

impl Draft {
    fn read_id(&mut self, tokens: &mut Tokens<'_>) -> Result<(), Flaw> {
        if tokens.is_nil() {
            tokens.skip()?;
            return Ok(());
        }
        let value = tokens.scalar()?;
        let id = value.text.trim();
        if self.id.is_empty() {
            id.clone_into(&mut self.id);
        } else if self.id != id && !id.is_empty() {
            self.find(Defect::of_notification(
                "The notification has two different ids; send one `Id`.",
            ));
        }
        if value.has_elements {
            self.find(Defect::of_notification(
                "The notification's `Id` holds other elements; send it as plain text.",
            ));
        }
        Ok(())
    }

    fn read_record<'a>(
        &mut self,
        tokens: &mut Tokens<'a>,
        shape: &mut Shape<'a>,
    ) -> Result<(), Flaw> {
        if self.record.is_none() {
            self.record = Some(Record::read(tokens, shape)?);
            return Ok(());
        }
        tokens.skip()?;
        self.find(Defect::of_notification(
            "The notification has two elements `sObject`; send one notification for each record.",
        ));
        Ok(())
    }

    fn find(&mut self, defect: Defect) {
        self.defect.get_or_insert(defect);
    }

    fn finish(self) -> Notification {
        let record = self.record.unwrap_or_else(Record::absent);
        let found = self.defect.or(record.defect);
        let content = match found {
            None if record.is_gone => Content::Gone {
                object_type: record.sobject.object_type,
            },
            None => Content::Record(record.sobject),
            Some(defect) => malformed(record.sobject, defect),
        };
        Notification {
            id: self.id,
            content,
            warnings: record.warnings,
        }
    }
}

fn malformed(record: SObject, defect: Defect) -> Content {
    Content::Malformed {
        record,
        field: defect.field,
        description: defect.description,
    }
}
