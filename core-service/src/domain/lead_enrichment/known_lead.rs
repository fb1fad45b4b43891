//! What is remembered of a Lead, whatever the job.

use std::collections::BTreeMap;

use sfbridge_values::Timestamp;

use crate::domain::Fingerprint;

/// Tells a text again that sfbridge wrote, without keeping it.
type WrittenMark = [u8; 16];

/// The mark of a text. Salesforce trims texts.
fn mark(text: &str) -> WrittenMark {
    Fingerprint::default().text(text.trim()).finish()
}

/// What is remembered of a Lead, whatever the job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownLead {
    /// What sfbridge wrote into it.
    pub written: WrittenMarks,
    /// When its latest enrichments began, those of retries left out.
    pub run_times: Vec<Timestamp>,
}

impl KnownLead {
    /// The most enrichments of one Lead within [`Self::WINDOW_MINUTES`]; more
    /// are taken for a loop in the organisation's flows.
    pub const MAX_RUNS: usize = 5;
    /// The time in which they are counted.
    pub const WINDOW_MINUTES: i64 = 10;

    /// Counts an enrichment that begins; `false` when it is one too many.
    pub(super) fn begin_run(&mut self, now: Timestamp) -> bool {
        let window = Self::WINDOW_MINUTES * 60 * 1_000_000;
        let start = now.micros().saturating_sub(window);
        self.run_times.retain(|time| time.micros() > start);
        if self.run_times.len() >= Self::MAX_RUNS {
            return false;
        }
        self.run_times.push(now);
        true
    }

    /// Counts anew, because an operator looked at it.
    pub(super) fn forget_runs(&mut self) {
        self.run_times.clear();
    }
}

/// The marks of what sfbridge wrote into a Lead, or was about to write, by
/// field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenMarks(BTreeMap<String, Vec<WrittenMark>>);

/// The most marks of a field: the last that is known to be written, and those
/// of pushes whose end nobody saw.
const MAX_MARKS: usize = 4;

impl WrittenMarks {
    /// Takes marks that were kept, by field name in lower case.
    pub fn new(marks: BTreeMap<String, Vec<WrittenMark>>) -> Self {
        Self(marks)
    }

    /// The marks, by field name in lower case.
    pub fn fields(&self) -> &BTreeMap<String, Vec<WrittenMark>> {
        &self.0
    }

    /// Whether sfbridge wrote this text into the field, or may have. The text
    /// is in the form of [`crate::domain::LeadFieldKind::canonical`].
    pub fn is_ours(&self, field: &str, text: &str) -> bool {
        let marks = self.0.get(&field.to_ascii_lowercase());
        marks.is_some_and(|marks| marks.contains(&mark(text)))
    }

    /// A text is about to be written: from now on the field may hold it.
    pub fn plan(&mut self, field: &str, text: &str) {
        let marks = self.0.entry(field.to_ascii_lowercase()).or_default();
        let planned = mark(text);
        if marks.contains(&planned) {
            return;
        }
        if marks.len() >= MAX_MARKS {
            // The first is the one that is certain.
            marks.remove(1);
        }
        marks.push(planned);
    }

    /// A text was written: the field held nothing else of ours since.
    pub fn confirm(&mut self, field: &str, text: &str) {
        let field = field.to_ascii_lowercase();
        self.0.insert(field, vec![mark(text)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planned_stands_beside_what_was_written() {
        let mut marks = WrittenMarks::default();
        marks.confirm("Source__c", "old");
        marks.plan("SOURCE__C", "new");
        assert!(marks.is_ours("source__c", "old") && marks.is_ours("Source__c", "new"));
        marks.confirm("Source__c", "new");
        assert!(!marks.is_ours("Source__c", "old") && marks.is_ours("Source__c", "new"));
    }

    #[test]
    fn marks_do_not_grow_without_end() {
        let mut marks = WrittenMarks::default();
        marks.confirm("Source__c", "certain");
        for n in 0..100 {
            marks.plan("Source__c", &n.to_string());
        }
        assert_eq!(marks.fields()["source__c"].len(), MAX_MARKS);
        assert!(marks.is_ours("Source__c", "certain") && marks.is_ours("Source__c", "99"));
    }

    #[test]
    fn the_sixth_enrichment_within_ten_minutes_is_one_too_many() {
        let minute = |n: i64| Timestamp::from_micros(n * 60_000_000);
        let mut lead = KnownLead::default();
        let runs: Vec<_> = [0, 1, 2, 3, 4, 5, 9, 10, 11]
            .map(|n| lead.begin_run(minute(n)))
            .into();
        let expected = [true, true, true, true, true, false, false, true, true];
        assert_eq!(runs, expected);
    }
}
