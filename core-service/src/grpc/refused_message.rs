//! Refused messages of the contract.

use sfbridge_proto::v1 as pb;
use sfbridge_values::{OrganizationId, ShortText, Timestamp};

use super::{notification_message, time};
use crate::domain::{Place, Refusal, RefusalReason, RefusalStatus, RefusedMessage};
use crate::error::Error;
use crate::recording::RecordKind;

/// The most characters of a parameter's name, which is what somebody typed,
/// and of a request's id.
const MAX_NAME_CHARS: usize = 64;

/// Reads what a gateway reports.
pub(super) fn read(message: pb::RefusedMessage, now: Timestamp) -> Result<Refusal, Error> {
    let pb::RefusedMessage {
        refused_message_id: _,
        first_receive_time,
        last_receive_time,
        count,
        endpoint,
        organization_id,
        status,
        reason,
        parameter,
        line,
        column,
        request_id,
    } = message;
    let moment = |field: &str, moment: Option<prost_types::Timestamp>| {
        let moment = moment.map_or(Ok(now), time::read);
        let moment = moment.map_err(|invalid| invalid_field(field, invalid))?;
        // A clock that is ahead must not keep a row at the front for ever.
        Ok::<_, Error>(moment.min(now))
    };
    let last_receive_time = moment("last_receive_time", last_receive_time)?;
    let first_receive_time = moment("first_receive_time", first_receive_time)?;
    let organization_id =
        match organization_id.trim() {
            "" => None,
            id => Some(OrganizationId::parse(id).map_err(|_| {
                invalid_field("organization_id", "is not the id of an organisation")
            })?),
        };
    Ok(Refusal {
        endpoint: known_endpoint(endpoint).map_err(|invalid| invalid_field("endpoint", invalid))?,
        organization_id,
        status: RefusalStatus::new(status).map_err(|invalid| invalid_field("status", invalid))?,
        reason: RefusalReason::parse(&reason)
            .map_err(|invalid| invalid_field("reason", invalid))?,
        parameter: name("parameter", &parameter)?,
        place: place(line, column),
        request_id: name("request_id", &request_id)?,
        first_receive_time: first_receive_time.min(last_receive_time),
        last_receive_time,
        count: u32::try_from(count.max(1)).unwrap_or(u32::MAX),
    })
}

fn invalid_field(field: &str, invalid: impl std::fmt::Display) -> Error {
    Error::invalid(&format!("refused_messages.{field}"), invalid)
}

fn known_endpoint(endpoint: String) -> Result<String, &'static str> {
    match RecordKind::of_endpoint(&endpoint) {
        Some(_) => Ok(endpoint),
        None => Err("must be events, callRating or leadEnrich"),
    }
}

fn name(field: &str, text: &str) -> Result<ShortText, Error> {
    let text = notification_message::cut(text.to_owned(), MAX_NAME_CHARS);
    ShortText::new(&text).map_err(|invalid| invalid_field(field, invalid))
}

fn place(line: i32, column: i32) -> Option<Place> {
    let from_one = |number: i32| u32::try_from(number).ok().filter(|number| *number > 0);
    Some(Place {
        line: from_one(line)?,
        column: from_one(column)?,
    })
}

/// Reads an endpoint to filter by.
pub(super) fn endpoint_filter(text: &str) -> Result<Option<String>, Error> {
    super::given(text.trim())
        .map(known_endpoint)
        .transpose()
        .map_err(|invalid| Error::invalid("endpoint", invalid))
}

pub(super) fn write(message: RefusedMessage) -> pb::RefusedMessage {
    let RefusedMessage {
        refused_message_id,
        refusal,
    } = message;
    let Refusal {
        endpoint,
        organization_id,
        status,
        reason,
        parameter,
        place,
        request_id,
        first_receive_time,
        last_receive_time,
        count,
    } = refusal;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    pb::RefusedMessage {
        refused_message_id: refused_message_id.to_string(),
        first_receive_time: Some(time::write(first_receive_time)),
        last_receive_time: Some(time::write(last_receive_time)),
        count: i64::from(count),
        endpoint,
        organization_id: organization_id.map(|id| id.to_string()).unwrap_or_default(),
        status: i32::from(status.get()),
        reason: reason.to_string(),
        parameter: parameter.to_string(),
        line: place.map_or(0, |place| number(place.line)),
        column: place.map_or(0, |place| number(place.column)),
        request_id: request_id.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> pb::RefusedMessage {
        pb::RefusedMessage {
            endpoint: "events".to_owned(),
            status: 400,
            reason: "INVALID_MESSAGE".to_owned(),
            ..Default::default()
        }
    }

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn what_is_left_out_is_one_refusal_now() {
        let refusal = read(message(), seconds(9)).unwrap();
        let times = (refusal.first_receive_time, refusal.last_receive_time);
        assert_eq!((times, refusal.count), ((seconds(9), seconds(9)), 1));
        assert_eq!((refusal.organization_id, refusal.place), (None, None));
    }

    #[test]
    fn no_time_is_ahead_and_the_first_is_not_after_the_last() {
        #[track_caller]
        fn check(first: i64, last: i64, expected: (i64, i64)) {
            let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
            let message = pb::RefusedMessage {
                first_receive_time: time(first),
                last_receive_time: time(last),
                ..message()
            };
            let read = read(message, seconds(9)).unwrap();
            let times = (read.first_receive_time, read.last_receive_time);
            assert_eq!(times, (seconds(expected.0), seconds(expected.1)));
        }
        check(3, 5, (3, 5));
        check(5, 3, (3, 3));
        check(3, 99, (3, 9));
        check(99, 99, (9, 9));
    }

    #[test]
    fn names_are_cut_and_no_number_is_too_much() {
        let long = pb::RefusedMessage {
            parameter: "ü".repeat(200),
            request_id: "x\0".repeat(200),
            line: i32::MAX,
            column: 1,
            count: i64::MAX,
            ..message()
        };
        let refusal = read(long, seconds(9)).unwrap();
        assert_eq!(refusal.parameter.as_str(), "ü".repeat(64));
        assert_eq!(refusal.request_id.as_str(), "x".repeat(64));
        assert_eq!(refusal.count, u32::MAX);
        assert_eq!(refusal.place.unwrap().line, i32::MAX.unsigned_abs());
        let odd = pb::RefusedMessage {
            line: -1,
            column: 5,
            count: i64::MIN,
            ..message()
        };
        let refusal = read(odd, seconds(9)).unwrap();
        assert_eq!((refusal.place, refusal.count), (None, 1));
    }
}
