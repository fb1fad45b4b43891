//! The Task, as far as it is a call.

use super::field::{Field, Kind};
use super::lead::{identity, open_picklist, system};

pub(super) fn fields() -> Vec<Field> {
    let subject = Kind::Text { length: 255 };
    let description = Kind::TextArea { length: 32_000 };
    let disposition = Kind::Text { length: 255 };
    let statuses = open_picklist(&["Not Started", "In Progress", "Completed"]);
    let priorities = open_picklist(&["High", "Normal", "Low"]);
    let seconds = Kind::Integer { digits: 8 };
    let owner = Kind::Reference {
        to: &["Group", "User"],
    };
    let mut fields = system();
    fields.extend([
        Field::new("Subject", "Subject", subject),
        Field::new("Description", "Description", description),
        Field::new("Status", "Status", statuses).required(),
        Field::new("Priority", "Priority", priorities).required(),
        Field::new("ActivityDate", "Due Date Only", Kind::Date),
        Field::new("WhoId", "Name ID", Kind::Reference { to: &["Lead"] }),
        Field::new("CallDisposition", "Call Result", disposition),
        Field::new("CallDurationInSeconds", "Call Duration", seconds),
        Field::new("OwnerId", "Assigned To ID", owner).required(),
    ]);
    fields.extend(identity());
    fields
}
