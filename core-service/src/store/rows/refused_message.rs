//! The row of a refused message.

use sfbridge_values::{OrganizationId, ShortText};

use super::super::StoreError;
use super::super::columns::{self, Columns, unreadable};
use crate::domain::{Place, Refusal, RefusalReason, RefusalStatus, RefusedMessage};

/// Reads a refused message.
pub(in super::super) fn read(row: &impl Columns) -> Result<RefusedMessage, StoreError> {
    let short = |column: &str| {
        let text: String = row.get(column)?;
        ShortText::new(&text).map_err(|invalid| unreadable(column, invalid))
    };
    let organization: String = row.get("organization_id")?;
    let organization_id = match organization.as_str() {
        "" => None,
        id => Some(
            OrganizationId::parse(id).map_err(|invalid| unreadable("organization_id", invalid))?,
        ),
    };
    let reason: String = row.get("reason")?;
    let (line, column): (u32, u32) = (row.get("line")?, row.get("column")?);
    Ok(RefusedMessage {
        refused_message_id: columns::uuid(row, "refused_message_id")?,
        refusal: Refusal {
            endpoint: row.get("endpoint")?,
            organization_id,
            status: RefusalStatus::new(row.get("status")?)
                .map_err(|invalid| unreadable("status", invalid))?,
            reason: RefusalReason::parse(&reason)
                .map_err(|invalid| unreadable("reason", invalid))?,
            parameter: short("parameter")?,
            place: (line > 0).then_some(Place { line, column }),
            request_id: short("request_id")?,
            first_receive_time: columns::timestamp(row, "first_receive_time")?,
            last_receive_time: columns::timestamp(row, "last_receive_time")?,
            count: row.get("count")?,
        },
    })
}
