//! The Opportunity.

use super::field::{Field, Kind};
use super::lead::{identity, open_picklist, system};

pub(super) fn fields() -> Vec<Field> {
    let stages = open_picklist(&[
        "Prospecting",
        "Qualification",
        "Proposal/Price Quote",
        "Negotiation/Review",
        "Closed Won",
        "Closed Lost",
    ]);
    let amount = Kind::Currency {
        precision: 18,
        scale: 2,
    };
    let description = Kind::TextArea { length: 32_000 };
    let mut fields = system();
    fields.extend([
        Field::new("Name", "Name", Kind::Text { length: 120 }).required(),
        Field::new("Description", "Description", description),
        Field::new("StageName", "Stage", stages).required(),
        Field::new("Amount", "Amount", amount),
        Field::new("CloseDate", "Close Date", Kind::Date).required(),
        Field::new("OwnerId", "Owner ID", Kind::Reference { to: &["User"] }).required(),
    ]);
    fields.extend(identity());
    fields
}
