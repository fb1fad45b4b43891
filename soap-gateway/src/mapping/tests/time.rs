//! Which time an event has.

use super::*;

#[test]
fn the_event_time_is_that_of_dt_field_then_of_last_modified_date_then_of_the_receipt() {
    let modified = ("LastModifiedDate", "2026-05-04T09:08:07.000Z");
    let time_of = |query, more: &[_]| {
        let (event, notification) = event_of(query, more);
        assert_eq!(reason(&notification), None);
        (event.event_time, event.event_time_source())
    };
    assert_eq!(
        time_of(
            "dtField=Close__c&tz=Europe/London",
            &[("Close__c", "2024-07-01"), modified]
        ),
        (Some(time("2024-07-01T22:59:59Z")), EventTimeSource::DtField)
    );
    assert_eq!(
        time_of("dtField=Close__c", &[("Close__c", " "), modified]),
        (
            Some(time("2026-05-04T09:08:07Z")),
            EventTimeSource::LastModifiedDate
        )
    );
    assert_eq!(
        time_of("dtField=Close__c", &[]),
        (None, EventTimeSource::Received)
    );
}

#[test]
fn an_unreadable_dt_field_is_a_fault_and_an_unreadable_last_modified_date_a_warning() {
    for text in [
        "2026-02-30",
        "yesterday",
        "01/02/2026",
        "2024-05-01T10:20:30",
    ] {
        let (event, notification) = event_of("dtField=Close__c", &[("Close__c", text)]);
        assert_eq!(
            reason(&notification),
            Some(RejectionReason::InvalidTimestamp)
        );
        assert_eq!(notification.rejection.unwrap().field, "Close__c");
        assert_eq!(event.event_time, None);
        assert_eq!(event.igrp, 840);
    }
    let (event, notification) = event_of("", &[("LastModifiedDate", "yesterday")]);
    assert_eq!(reason(&notification), None);
    assert_eq!(event.event_time_source(), EventTimeSource::Received);
    assert_eq!(event.warnings.len(), 1);
    assert!(
        event.warnings[0].contains("`LastModifiedDate`"),
        "{}",
        event.warnings[0]
    );
    assert!(!event.warnings[0].contains("yesterday"));
}

#[test]
fn a_call_start_needs_a_date_and_time() {
    let start = |text| event_of("callStartDtField=Start__c", &[("Start__c", text)]);
    let (event, notification) = start("2026-05-04T09:08:07+01:00");
    assert_eq!(event.call_start_time, Some(time("2026-05-04T08:08:07Z")));
    assert_eq!(reason(&notification), None);
    for text in ["2026-05-04", "nine o'clock"] {
        let (_, notification) = start(text);
        assert_eq!(
            reason(&notification),
            Some(RejectionReason::InvalidTimestamp)
        );
    }
}
