//! What a replay would send, for `--dry-run`.

use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;
use soap_gateway::mapping::CoreRequest;

use crate::commands::listing::rejection_text;
use crate::output::{Output, OutputError, json_of, printable};

/// For programs.
pub(super) fn json(id: &str, request: &CoreRequest) -> Result<Value, OutputError> {
    let would_be = match request {
        CoreRequest::Events(paired) => json!({ "event": first("Event", &paired.items)? }),
        CoreRequest::Ratings(paired) => json!({ "rating": first("CallRating", &paired.items)? }),
        CoreRequest::Leads(paired) => json!({ "lead": first("LeadToEnrich", &paired.items)? }),
    };
    let rejection = rejection(request)
        .map(|rejection| json_of("Rejection", rejection))
        .transpose()?;
    Ok(json!({
        "quarantined_notification_id": id,
        "would_be": would_be,
        "rejection": rejection,
    }))
}

/// For people.
pub(super) fn print(
    id: &str,
    request: &CoreRequest,
    output: &mut Output<'_>,
) -> Result<(), OutputError> {
    output.line(format_args!("{} would be sent as", printable(id)))?;
    match request {
        CoreRequest::Events(paired) => {
            let mut items = paired.items.iter();
            items.try_for_each(|event| output.fields("Event", event))?;
        }
        CoreRequest::Ratings(paired) => {
            let mut items = paired.items.iter();
            items.try_for_each(|rating| output.fields("CallRating", rating))?;
        }
        CoreRequest::Leads(paired) => {
            let mut items = paired.items.iter();
            items.try_for_each(|lead| output.fields("LeadToEnrich", lead))?;
        }
    }
    match rejection(request) {
        Some(rejection) => output.line(format_args!("and rejected: {}", rejection_text(rejection))),
        None => Ok(()),
    }
}

/// Why the notification can't be mapped, if it can't.
fn rejection(request: &CoreRequest) -> Option<&pb::Rejection> {
    let notifications = match request {
        CoreRequest::Events(paired) => &paired.notifications,
        CoreRequest::Ratings(paired) => &paired.notifications,
        CoreRequest::Leads(paired) => &paired.notifications,
    };
    notifications.iter().find_map(|one| one.rejection.as_ref())
}

/// The only item: a replay is of one notification.
fn first<T: prost::Message>(name: &str, items: &[T]) -> Result<Option<Value>, OutputError> {
    items.first().map(|item| json_of(name, item)).transpose()
}
