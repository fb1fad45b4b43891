//! What was tried for a job, and what came of it.

use sfbridge_values::Timestamp;

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Counted from 1 for each job.
    pub number: u32,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended, or was given up.
    pub end_time: Timestamp,
    /// What came of it.
    pub outcome: AttemptOutcome,
    /// Salesforce's code, kept raw; empty when it said none.
    pub code: String,
    /// Salesforce's words, or why there is nothing to write.
    pub description: String,
    /// The Lead fields that were written.
    pub written_fields: Vec<String>,
    /// What was doubtful, one sentence each.
    pub warnings: Vec<String>,
    /// When it was to be tried again, if it was.
    pub next_attempt_time: Option<Timestamp>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Values were written.
    Succeeded,
    /// The Lead held everything already.
    Unchanged,
    /// There was nothing to write.
    NoData,
    /// Salesforce refused for good, or for too long.
    Failed,
    /// Salesforce refused for now.
    Refused,
    /// Nothing was known of the visitor yet.
    WaitedForData,
    /// There was no working log-in.
    WaitedForConnection,
    /// It was put off, without a fault of this job.
    Postponed,
    /// Its process went away; what it was writing may or may not have been
    /// written.
    Interrupted,
}

/// The attempts of a job that are kept: the first and the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts(Vec<Attempt>);

/// How many of the first attempts are kept, and how many of the latest.
const FIRST: usize = 10;
const LATEST: usize = 40;

/// The most characters of a code, and of a sentence.
pub(super) const MAX_CODE: usize = 100;
pub(super) const MAX_TEXT: usize = 500;
const MAX_WARNINGS: usize = 20;

impl Attempts {
    /// Takes attempts that were kept.
    pub fn new(kept: Vec<Attempt>) -> Self {
        Self(kept)
    }

    /// Adds the latest. Its texts are cut, and of too many attempts one in the
    /// middle goes.
    pub(super) fn push(&mut self, mut attempt: Attempt) {
        cut(&mut attempt.code, MAX_CODE);
        cut(&mut attempt.description, MAX_TEXT);
        attempt.warnings.truncate(MAX_WARNINGS);
        for warning in &mut attempt.warnings {
            cut(warning, MAX_TEXT);
        }
        if self.0.len() >= FIRST + LATEST {
            self.0.remove(FIRST);
        }
        self.0.push(attempt);
    }

    /// Those that are kept, the earliest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Attempt> {
        self.0.iter()
    }

    /// The latest.
    pub fn last(&self) -> Option<&Attempt> {
        self.0.last()
    }
}

impl<'a> IntoIterator for &'a Attempts {
    type Item = &'a Attempt;
    type IntoIter = std::slice::Iter<'a, Attempt>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Cuts a text to so many characters.
pub(super) fn cut(text: &mut String, most: usize) {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u32) -> Attempt {
        Attempt {
            number,
            start_time: Timestamp::from_micros(1),
            end_time: Timestamp::from_micros(2),
            outcome: AttemptOutcome::Refused,
            code: "UNABLE_TO_LOCK_ROW".to_owned(),
            description: "é".repeat(10_000),
            written_fields: Vec::new(),
            warnings: vec!["w".repeat(10_000); 1_000],
            next_attempt_time: None,
        }
    }

    #[test]
    fn the_first_and_the_latest_attempts_are_kept() {
        let mut attempts = Attempts::default();
        for number in 1..=200 {
            attempts.push(attempt(number));
        }
        let numbers: Vec<_> = attempts.iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, (1..=10).chain(161..=200).collect::<Vec<_>>());
    }

    #[test]
    fn the_texts_of_an_attempt_are_cut() {
        let mut attempts = Attempts::default();
        attempts.push(attempt(1));
        let kept = attempts.last().unwrap();
        assert_eq!(kept.description.chars().count(), MAX_TEXT + 1);
        assert_eq!(kept.warnings.len(), MAX_WARNINGS);
        assert_eq!(kept.code, "UNABLE_TO_LOCK_ROW");
    }
}
