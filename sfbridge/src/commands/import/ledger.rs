//! What was sent and is not accepted yet, and what became of the rest.

use std::collections::VecDeque;

use sfbridge_proto::v1 as pb;

use super::chunks::Chunk;
use super::fault::Fault;
use super::progress::Progress;
use super::record::Told;
use super::rejected::Rejected;
use super::state::{Done, StateFile};

/// The books of an import.
pub(super) struct Ledger<M> {
    pub(super) done: Done,
    /// Chunks that are not accepted as a whole, the oldest first.
    open: VecDeque<Chunk<M>>,
    /// What the core has rejected of them.
    rejections: Vec<pb::ImportRejection>,
    /// What this stream had counted at its last answer.
    counted: (i64, i64),
    pub(super) rejected: Rejected,
    state: Option<StateFile>,
    pub(super) progress: Progress,
}

impl<M> Ledger<M> {
    pub(super) fn new(
        done: Done,
        rejected: Rejected,
        state: Option<StateFile>,
        progress: Progress,
    ) -> Self {
        Self {
            done,
            open: VecDeque::new(),
            rejections: Vec::new(),
            counted: (0, 0),
            rejected,
            state,
            progress,
        }
    }

    /// The chunks that a new stream begins with.
    pub(super) fn reopen(&mut self) -> impl Iterator<Item = &Chunk<M>> {
        self.rejections.clear();
        self.counted = (0, 0);
        self.open.iter()
    }

    /// How many chunks are open.
    pub(super) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Takes a chunk in.
    pub(super) fn open(&mut self, chunk: Chunk<M>) -> anyhow::Result<()> {
        self.open.push_back(chunk);
        // One without anything to send needs no answer.
        self.settle(self.done.accepted_through)
    }

    /// Takes an answer in; whether it says that more was accepted.
    pub(super) fn take(&mut self, told: Told) -> anyhow::Result<bool> {
        let more = |now: i64, before: i64| u64::try_from(now - before).unwrap_or(0);
        self.done.recorded += more(told.recorded, self.counted.0);
        self.done.duplicates += more(told.duplicates, self.counted.1);
        self.counted = (told.recorded, told.duplicates);
        self.rejections.extend(told.rejections);
        let is_more = told.accepted_through > self.done.accepted_through;
        self.settle(told.accepted_through)?;
        Ok(is_more)
    }

    /// Closes the chunks before this position.
    fn settle(&mut self, accepted_through: i64) -> anyhow::Result<()> {
        while let Some(chunk) = self.open.front() {
            let start = self.done.accepted_through;
            let end = start + i64::try_from(chunk.items.len()).unwrap_or(i64::MAX);
            if end > accepted_through {
                break;
            }
            let Some(chunk) = self.open.pop_front() else {
                break;
            };
            let Chunk {
                mut lines,
                mut unreadable,
                last_line,
                read,
                ..
            } = chunk;
            let (own, others) = std::mem::take(&mut self.rejections)
                .into_iter()
                .partition(|rejection| rejection.position < end);
            self.rejections = others;
            for rejection in own {
                let index = usize::try_from(rejection.position - start).ok();
                if let Some((line, raw)) = index.and_then(|index| lines.get_mut(index)) {
                    let fault = Fault::rejected(rejection.rejection);
                    unreadable.push((*line, std::mem::take(raw), fault));
                }
            }
            unreadable.sort_by_key(|(line, ..)| *line);
            self.rejected.add(&unreadable)?;
            for (line, _, fault) in unreadable {
                self.done.reject(line, fault);
            }
            self.done.accepted_through = end;
            self.done.lines = last_line;
            self.done.rejected_file = self.rejected.place();
            self.keep();
            self.progress.show(&self.done, read);
        }
        Ok(())
    }

    /// Keeps how far it has got, if there is a place for that.
    fn keep(&mut self) {
        if let Some(state) = &self.state
            && let Err(error) = state.write(&self.done)
        {
            self.progress.say(&format!(
                "How far the import has got can't be kept beside its file ({error}); if it stops, \
                 it begins again."
            ));
            self.state = None;
        }
    }

    /// Forgets how far it has got, once it is done.
    pub(super) fn forget(&mut self) -> std::io::Result<()> {
        self.state.take().map_or(Ok(()), |state| state.remove())
    }

    /// Whether a later import goes on from here.
    pub(super) fn is_kept(&self) -> bool {
        self.state.is_some() && self.done.count() > 0
    }
}
