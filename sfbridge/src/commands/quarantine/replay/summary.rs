//! What became of many, in a few lines.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sfbridge_proto::v1 as pb;

use crate::commands::listing::short;
use crate::output::{Output, OutputError, printable};

/// How many of each there are.
#[derive(Debug, Default)]
pub(super) struct Summary {
    recorded: usize,
    duplicate: usize,
    rejected: BTreeMap<String, Rejected>,
}

/// Those that were rejected for one reason.
#[derive(Debug, Default)]
struct Rejected {
    count: usize,
    /// The first few: their ids, and what is wrong with them.
    examples: Vec<(String, String)>,
}

impl Summary {
    /// Counts one.
    pub(super) fn add(&mut self, result: &pb::ReplayedNotification) {
        const EXAMPLES: usize = 3;

        match result.outcome() {
            pb::Outcome::Recorded => self.recorded += 1,
            pb::Outcome::Duplicate => self.duplicate += 1,
            pb::Outcome::Rejected | pb::Outcome::Unspecified => {
                let rejection = result.rejection.clone().unwrap_or_default();
                let reason = short(rejection.reason().as_str_name(), "REJECTION_REASON_");
                let rejected = self.rejected.entry(reason).or_default();
                rejected.count += 1;
                if rejected.examples.len() < EXAMPLES {
                    let id = result.quarantined_notification_id.clone();
                    rejected.examples.push((id, rejection.description));
                }
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.recorded + self.duplicate + self.rejected()
    }

    pub(super) fn rejected(&self) -> usize {
        self.rejected.values().map(|rejected| rejected.count).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// For people; `verb` is `were` or `would be`.
    pub(super) fn print(&self, verb: &str, output: &mut Output<'_>) -> Result<(), OutputError> {
        if self.is_empty() {
            return output.line("There are no such open quarantined notifications.");
        }
        let count = self.count();
        output.line(format_args!("Of {count} open notifications"))?;
        output.line(format_args!("  {} {verb} recorded", self.recorded))?;
        if self.duplicate > 0 {
            let duplicate = self.duplicate;
            output.line(format_args!(
                "  {duplicate} {verb} duplicates of what was recorded before"
            ))?;
        }
        for (reason, rejected) in &self.rejected {
            let count = rejected.count;
            output.line(format_args!("  {count} {verb} rejected: {reason}"))?;
            for (id, description) in &rejected.examples {
                let (id, description) = (printable(id), printable(description));
                output.line(format_args!("      {id}: {description}"))?;
            }
        }
        Ok(())
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let rejected: BTreeMap<_, _> = self
            .rejected
            .iter()
            .map(|(reason, rejected)| (reason, rejected.count))
            .collect();
        json!({
            "count": self.count(),
            "recorded": self.recorded,
            "duplicate": self.duplicate,
            "rejected": rejected,
        })
    }
}
