//! Giving ratings their canonical form.

use sfbridge_values::{Currency, Timestamp};
use uuid::Uuid;

use crate::domain::{CallRating, Installation, NewCallRating, Rejection, RejectionReason};

/// Gives a new rating the form that its installation keeps. Whether it is
/// current, unchanged, and of a known call is worked out among the call's other
/// ratings.
///
/// # Errors
///
/// `UNKNOWN_RATING` when the installation has rating items and the text is
/// none of them.
pub fn canonical_rating(
    call_rating_id: Uuid,
    rating: NewCallRating,
    installation: &Installation,
    receive_time: Timestamp,
    idempotency_key: Option<String>,
) -> Result<CallRating, Rejection> {
    let (rating_time, rating_time_source) = rating.time.at(receive_time);

    let items = &installation.rating_items;
    let item = items.find(rating.rating.as_str());
    if item.is_none() && !items.is_free_text() {
        return Err(unknown(installation));
    }
    let text = item.map_or_else(|| rating.rating.as_str().trim(), |item| item.text.as_str());
    let captures_value = item.is_none_or(|item| item.captures_value);
    let transaction_value = rating.transaction_value.filter(|_| captures_value);
    let currency = transaction_value.and_then(|_| {
        rating
            .currency
            .or_else(|| item.and_then(|item| item.currency))
            .or(installation.currency)
    });

    Ok(CallRating {
        call_rating_id,
        igrp: installation.igrp,
        call_ref: rating.call_ref.as_str().to_owned(),
        rating: text.to_owned(),
        transaction_value: transaction_value.map(|value| value.to_string()),
        currency: currency.as_ref().map(Currency::to_string),
        rating_time,
        rating_time_source,
        receive_time,
        is_current: false,
        is_unchanged: false,
        is_call_known: false,
        warnings: rating.warnings,
        idempotency_key,
        origin: rating.origin,
    })
}

fn unknown(installation: &Installation) -> Rejection {
    let items: Vec<_> = installation
        .rating_items
        .iter()
        .take(20)
        .map(|item| item.text.as_str())
        .collect();
    Rejection::new(
        RejectionReason::UnknownRating,
        "rating",
        format!(
            "The text is none of the rating items of installation {}: {}. \
             Add it to them, or correct the field.",
            installation.igrp,
            items.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use sfbridge_values::{CallRef, Decimal, Igrp, ShortText};

    use super::*;
    use crate::domain::{GivenTime, RatingItem, RatingItems};

    fn installation(items: &[(&str, bool, Option<&str>)], currency: Option<&str>) -> Installation {
        let items = items
            .iter()
            .map(|(text, captures_value, currency)| RatingItem {
                text: ShortText::new(text).unwrap(),
                captures_value: *captures_value,
                currency: currency.map(|code| Currency::parse(code).unwrap()),
            });
        let mut installation =
            Installation::provisional(Igrp::new(7).unwrap(), None, Timestamp::from_micros(0));
        installation.rating_items = RatingItems::new(items.collect()).unwrap();
        installation.currency = currency.map(|code| Currency::parse(code).unwrap());
        installation
    }

    #[track_caller]
    fn check(
        given: (&str, Option<&str>, Option<&str>),
        installation: &Installation,
        expected: Result<(&str, Option<&str>, Option<&str>), RejectionReason>,
    ) {
        let rating = NewCallRating {
            call_ref: CallRef::parse("C-1").unwrap(),
            rating: ShortText::new(given.0).unwrap(),
            transaction_value: given.1.map(|value| Decimal::read(value).unwrap().decimal),
            currency: given.2.map(|code| Currency::parse(code).unwrap()),
            time: GivenTime::RECEIVED,
            warnings: Vec::new(),
            origin: None,
        };
        let kept = canonical_rating(
            Uuid::nil(),
            rating,
            installation,
            Timestamp::from_micros(0),
            None,
        );
        let kept = kept.map(|kept| (kept.rating, kept.transaction_value, kept.currency));
        let expected = expected.map(|(rating, value, currency)| {
            (
                rating.to_owned(),
                value.map(str::to_owned),
                currency.map(str::to_owned),
            )
        });
        assert_eq!(kept.map_err(|rejection| rejection.reason), expected);
    }

    #[test]
    fn a_rating_is_one_of_the_items_in_their_spelling() {
        let items = installation(&[("New Lead", true, None)], None);
        check(
            ("new lead ", None, None),
            &items,
            Ok(("New Lead", None, None)),
        );
        check(
            ("Spam", None, None),
            &items,
            Err(RejectionReason::UnknownRating),
        );
    }

    #[test]
    fn an_installation_without_items_takes_free_text_and_always_a_value() {
        let free = installation(&[], Some("GBP"));
        check(
            (" Great ", Some("5"), None),
            &free,
            Ok(("Great", Some("5"), Some("GBP"))),
        );
    }

    #[test]
    fn a_value_is_kept_only_for_items_that_capture_one() {
        let items = installation(
            &[("A", true, Some("EUR")), ("B", false, Some("EUR"))],
            Some("GBP"),
        );
        check(
            ("a", Some("5"), None),
            &items,
            Ok(("A", Some("5"), Some("EUR"))),
        );
        check(
            ("a", Some("5"), Some("USD")),
            &items,
            Ok(("A", Some("5"), Some("USD"))),
        );
        check(("b", Some("5"), Some("USD")), &items, Ok(("B", None, None)));
        check(("a", None, Some("USD")), &items, Ok(("A", None, None)));
    }
}
