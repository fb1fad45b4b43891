//! Call ratings: the outcomes that people gave calls.

use sfbridge_values::{CallRef, Currency, Decimal, Igrp, ShortText, Timestamp};
use uuid::Uuid;

use super::{Fingerprint, GivenTime, Origin, TimeSource};

/// A rating as it came in, every value parsed.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct NewCallRating {
    pub call_ref: CallRef,
    /// Trimmed, not empty. Whether it is one of the installation's rating
    /// items is not known yet.
    pub rating: ShortText,
    pub transaction_value: Option<Decimal>,
    pub currency: Option<Currency>,
    pub time: GivenTime,
    pub warnings: Vec<String>,
    pub origin: Option<Origin>,
}

impl NewCallRating {
    /// What tells a repeat of this rating from one with other content.
    pub fn fingerprint(&self, igrp: Igrp) -> [u8; 16] {
        let transaction_value = self.transaction_value.map(|value| value.to_string());
        Fingerprint::default()
            .integer(igrp.get())
            .text(self.call_ref.as_str())
            .text(&self.rating.as_str().to_lowercase())
            .optional(transaction_value.as_deref())
            .optional(self.currency.as_ref().map(Currency::as_str))
            .optional_integer(self.time.given().map(Timestamp::micros))
            .finish()
    }
}

/// A rating as it is kept.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the contract explains each field, and the names are the same"
)]
pub struct CallRating {
    pub call_rating_id: Uuid,
    pub igrp: Igrp,
    pub call_ref: String,
    pub rating: String,
    pub transaction_value: Option<String>,
    pub currency: Option<String>,
    pub rating_time: Timestamp,
    pub rating_time_source: TimeSource,
    pub receive_time: Timestamp,
    pub is_current: bool,
    pub is_unchanged: bool,
    pub is_call_known: bool,
    pub warnings: Vec<String>,
    pub idempotency_key: Option<String>,
    pub origin: Option<Origin>,
}
