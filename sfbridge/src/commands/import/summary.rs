//! What is said of an import at its end.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::ledger::Ledger;
use crate::failure::Failure;
use crate::output::{Output, OutputError, printable};

/// What is said of an import at its end.
pub(super) struct Summary<'a> {
    pub(super) file: &'a Path,
    pub(super) kind: &'static str,
    pub(super) time: Duration,
}

impl Summary<'_> {
    /// Prints what became of the records, and says whether all is well.
    pub(super) fn print<M>(
        &self,
        mut ledger: Ledger<M>,
        ended: Result<(), Failure>,
        output: &mut Output<'_>,
    ) -> Result<(), Failure> {
        let is_complete = ended.is_ok();
        let can_go_on = !is_complete && ledger.is_kept();
        if is_complete && let Err(error) = ledger.forget() {
            let error = anyhow::Error::new(error);
            ledger.progress.say(&format!(
                "What was kept of the import is still there: {error}."
            ));
        }
        if output.is_json() {
            self.print_json(&ledger, is_complete, output)?;
        } else {
            self.print_text(&ledger, output)?;
        }
        let rejected = ledger.done.rejected_count();
        match ended {
            Err(Failure::Failed(error)) => {
                let lines = ledger.done.lines;
                let advice = if can_go_on {
                    "the same command goes on there"
                } else {
                    "the same command begins again"
                };
                Err(Failure::Failed(error.context(format!(
                    "the import stopped after line {lines}; {advice}"
                ))))
            }
            Err(failure) => Err(failure),
            Ok(()) if rejected > 0 => {
                Err(Failure::failed(format!("{rejected} lines were rejected")))
            }
            Ok(()) => Ok(()),
        }
    }

    fn print_json<M>(
        &self,
        ledger: &Ledger<M>,
        is_complete: bool,
        output: &mut Output<'_>,
    ) -> Result<(), OutputError> {
        let done = &ledger.done;
        let rejected_file = done.rejected_file.as_ref().map(|(path, _)| path);
        output.json(&json!({
            "kind": self.kind,
            "file": self.file,
            "complete": is_complete,
            "lines": done.lines,
            "accepted_through": done.accepted_through,
            "recorded": done.recorded,
            "duplicates": done.duplicates,
            "rejected": done.rejected_count(),
            "rejected_by_reason": done.rejected,
            "first_rejected": done.first_rejected,
            "rejected_file": rejected_file,
            "seconds": self.time.as_secs_f64(),
        }))
    }

    fn print_text<M>(
        &self,
        ledger: &Ledger<M>,
        output: &mut Output<'_>,
    ) -> Result<(), OutputError> {
        let done = &ledger.done;
        output.line(format_args!(
            "{} {} from {} in {:.1} s: {} recorded, {} duplicates, {} rejected.",
            done.count(),
            self.kind,
            printable(&self.file.to_string_lossy()),
            self.time.as_secs_f64(),
            done.recorded,
            done.duplicates,
            done.rejected_count()
        ))?;
        for (reason, count) in &done.rejected {
            output.line(format_args!("  {count} {reason}"))?;
        }
        for shown in &done.first_rejected {
            output.line(format_args!(
                "  line {}: {}: {}",
                shown.line, shown.reason, shown.description
            ))?;
        }
        if let Some((path, _)) = &done.rejected_file {
            output.line(format_args!(
                "The rejected lines are in {}: mend them there and import that file.",
                path.display()
            ))?;
        }
        Ok(())
    }
}
