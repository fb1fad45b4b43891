//! What becomes a call rating.

use super::*;

#[test]
fn a_rating_has_its_call_and_its_text() {
    let fields = [
        ("Id", "00T5g0000001079AAA"),
        ("IGRP__c", "840"),
        ("CallRef__c", "000123"),
        ("CallDisposition", "New Lead"),
        ("Outcome__c", "Sale"),
        ("Amount__c", "12.50"),
        ("CurrencyIsoCode", "EUR"),
        ("LastModifiedDate", "2026-05-04T09:08:07.000Z"),
    ];
    let (rating, notification) = rating_of("txvField=Amount__c", &fields);
    assert_eq!((rating.igrp, rating.call_ref.as_str()), (840, "000123"));
    assert_eq!(rating.rating, "New Lead");
    assert_eq!(rating.transaction_value, "12.50");
    // The rating item knows its currency.
    assert_eq!(rating.currency, "");
    assert_eq!(rating.rating_time, Some(time("2026-05-04T09:08:07Z")));
    assert_eq!(
        rating.rating_time_source(),
        EventTimeSource::LastModifiedDate
    );
    assert_eq!(notification.endpoint, "callRating");
    assert_eq!(reason(&notification), None);

    let (rating, _) = rating_of("callRatingField=Outcome__c&currency=GBP", &fields);
    assert_eq!(
        (rating.rating.as_str(), rating.currency.as_str()),
        ("Sale", "GBP")
    );
    let (rating, _) = rating_of("rating=Lost", &fields);
    assert_eq!(rating.rating, "Lost");
}

#[test]
fn what_a_rating_lacks_is_for_the_core_to_say() {
    let (rating, notification) = rating_of("igrp=840", &[("Id", "00T")]);
    assert_eq!((rating.call_ref.as_str(), rating.rating.as_str()), ("", ""));
    assert_eq!(reason(&notification), None);
}
