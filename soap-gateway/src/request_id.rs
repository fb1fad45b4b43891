//! The id of one request.

use std::fmt;

use http::HeaderValue;
use uuid::Uuid;

/// Names one request in the log, in the `X-Request-Id` header and in a fault's
/// detail. Always made here: an id that came with the request is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    /// A new id. Later ids sort after earlier ones.
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// When the request came, to the millisecond: ids are made of it.
    pub(crate) fn time(self) -> Option<prost_types::Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Some(prost_types::Timestamp {
            seconds: i64::try_from(seconds).ok()?,
            nanos: i32::try_from(nanos).ok()?,
        })
    }

    /// The id as a header's value.
    pub(crate) fn header(self) -> HeaderValue {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = self.0.hyphenated().encode_lower(&mut buffer);
        // Hexadecimal digits and hyphens always are a header value.
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
