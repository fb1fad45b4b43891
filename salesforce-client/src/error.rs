//! Why a call, or one record of it, came to nothing.
//!
//! One type for both, because one table judges both: what matters to a caller
//! is the class.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::client::CallKind;
use crate::error_table;

/// What an error means for whoever wanted the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Likely to work later.
    Transient,
    /// The organisation has no API calls left. It will have some later.
    Quota,
    /// Nothing works until somebody mends the log-in or the organisation's
    /// settings.
    Connection,
    /// The record is not there any more.
    RecordGone,
    /// The Lead was converted, and can't be changed any more.
    RecordConverted,
    /// Fields can't be written or read; [`Error::fields`] names them.
    Field,
    /// The record can't take this, and never will.
    Data,
    /// Nobody knows. It may be tried a few times.
    Unknown,
}

/// A call, or one record of it, came to nothing.
///
/// It shows as Salesforce's code and words, bounded in length, without tokens
/// and secrets.
#[derive(Clone, Debug)]
pub struct Error(Box<Details>);

#[derive(Clone, Debug)]
struct Details {
    call: CallKind,
    class: ErrorClass,
    code: Option<String>,
    message: String,
    fields: Vec<String>,
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    is_outcome_unknown: bool,
    source: Option<Arc<reqwest::Error>>,
}

/// What Salesforce says of a failure, in either of its two forms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) fields: Vec<String>,
}

impl Error {
    /// What it means.
    pub fn class(&self) -> ErrorClass {
        self.0.class
    }

    /// Which call it was.
    pub fn call(&self) -> CallKind {
        self.0.call
    }

    /// Salesforce's code, such as `UNABLE_TO_LOCK_ROW`, or OAuth's, such as
    /// `invalid_grant`. `None` when there was no answer, or not from
    /// Salesforce.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Salesforce's words, or ours where it said nothing.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that it is about, as Salesforce spells them.
    pub fn fields(&self) -> &[String] {
        &self.0.fields
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status.map(|status| status.as_u16())
    }

    /// How long the server wants to be left alone; at most a day.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the call may have been done all the same. All calls here may be
    /// repeated.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.is_outcome_unknown
    }

    /// Whether the session was over, or never good.
    pub(crate) fn is_session_over(&self) -> bool {
        self.0.call != CallKind::LogIn
            && (self.0.status == Some(StatusCode::UNAUTHORIZED)
                || self.code() == Some("INVALID_SESSION_ID"))
    }

    /// Whether a new log-in may change anything: Salesforce may have moved the
    /// organisation, too.
    pub(crate) fn doubts_session(&self) -> bool {
        let is_unreachable = self
            .0
            .source
            .as_ref()
            .is_some_and(|error| error.is_connect());
        self.is_session_over() || self.0.class == ErrorClass::Connection || is_unreachable
    }

    /// All of a call was refused, in Salesforce's words.
    pub(crate) fn refused(call: CallKind, status: StatusCode, words: &Words) -> Self {
        let class = error_table::of_call(call, status, words);
        Self::said(call, class, words).with_status(status)
    }

    /// One record of a call was refused, in Salesforce's words.
    pub(crate) fn of_row(words: &Words) -> Self {
        let class = error_table::of_row(words);
        Self::said(CallKind::Update, class, words)
    }

    /// An error without Salesforce's words: judged by its status.
    pub(crate) fn of_status(call: CallKind, status: StatusCode) -> Self {
        let class = error_table::of_status(status);
        let message = format!(
            "the server answered with the HTTP status {status}, and not in Salesforce's form"
        );
        Self::new(call, class, message).with_status(status)
    }

    /// There was no answer, or not all of one.
    pub(crate) fn of_transport(call: CallKind, error: reqwest::Error) -> Self {
        // The URL of a query would show in logs.
        let error = error.without_url();
        let is_outcome_unknown = !error.is_connect() && !error.is_builder();
        let reason = last_cause(&error);
        let message = if error.is_connect() {
            format!("no connection could be made: {reason}")
        } else if error.is_timeout() {
            "the answer did not come in time".to_owned()
        } else {
            format!("the connection broke: {reason}")
        };
        let mut made = Self::new(call, ErrorClass::Transient, message);
        made.0.is_outcome_unknown = is_outcome_unknown;
        made.0.source = Some(Arc::new(error));
        made
    }

    /// An answer that says it is good, but can't be read.
    pub(crate) fn unreadable(call: CallKind, message: impl Into<String>) -> Self {
        let mut made = Self::new(call, ErrorClass::Unknown, message);
        made.0.is_outcome_unknown = true;
        made
    }

    pub(crate) fn new(call: CallKind, class: ErrorClass, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            call,
            class,
            code: None,
            message: message.into(),
            fields: Vec::new(),
            status: None,
            retry_after: None,
            is_outcome_unknown: false,
            source: None,
        }))
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    fn said(call: CallKind, class: ErrorClass, words: &Words) -> Self {
        const LONGEST_CODE: usize = 80;
        const LONGEST_MESSAGE: usize = 1_000;
        const MOST_FIELDS: usize = 100;

        let fields = error_table::fields(words);
        let mut made = Self::new(call, class, bounded(&words.message, LONGEST_MESSAGE));
        made.0.code = Some(bounded(&words.code, LONGEST_CODE)).filter(|code| !code.is_empty());
        let fields = fields.iter().take(MOST_FIELDS);
        made.0.fields = fields.map(|field| bounded(field, LONGEST_CODE)).collect();
        made
    }

    fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.code, self.0.message.as_str()) {
            (Some(code), "") => f.write_str(code),
            (Some(code), message) => write!(f, "{code}: {message}"),
            (None, message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    // The message holds the source's words already.
}

/// What Salesforce says may be of any length, and have line breaks.
fn bounded(text: &str, longest: usize) -> String {
    let mut words = String::new();
    for word in text.split(|character: char| character.is_whitespace() || character.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > longest {
            let mut end = longest;
            while !words.is_char_boundary(end) {
                end -= 1;
            }
            words.truncate(end);
            words.push('…');
            break;
        }
    }
    words
}

fn last_cause(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    bounded(&last.to_string(), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salesforces_words_are_bounded_and_in_one_line() {
        assert_eq!(bounded("a\n  b\u{0}c\t", 10), "a b c");
        assert_eq!(bounded("ééééé", 5), "éé…");
        let words = Words {
            code: "X".repeat(1_000),
            message: "m ".repeat(10_000),
            fields: vec!["F".to_owned(); 1_000],
        };
        let error = Error::of_row(&words);
        assert!(error.to_string().len() < 1_200);
        assert_eq!(error.fields().len(), 100);
        assert_eq!(error.class(), ErrorClass::Unknown);
    }

    #[test]
    fn an_error_shows_its_code_and_its_words() {
        let words = |code: &str, message: &str| Words {
            code: code.to_owned(),
            message: message.to_owned(),
            fields: Vec::new(),
        };
        let shown = |words: Words| Error::of_row(&words).to_string();
        assert_eq!(shown(words("CODE", "words")), "CODE: words");
        assert_eq!(shown(words("CODE", "")), "CODE");
        assert_eq!(shown(words("", "words")), "words");
    }
}
