//! Records by the thousand, as one message of an import holds them.

use std::io;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::fault::Fault;
use super::records::Records;

/// The most records of a chunk.
const RECORDS: usize = 1_000;

/// After so many bytes a chunk takes no more records. With the longest record
/// it stays below the 4 MiB that a message of an import may have.
const BYTES: usize = 1 << 20;

/// Some records, one after the other.
#[derive(Debug)]
pub(super) struct Chunk<M> {
    /// Those that the core is to judge.
    pub(super) items: Vec<M>,
    /// Their lines, in the same order.
    pub(super) lines: Vec<(u64, Vec<u8>)>,
    /// Those that can't be read.
    pub(super) unreadable: Vec<(u64, Vec<u8>, Fault)>,
    /// The line that the last record ends on.
    pub(super) last_line: u64,
    /// How many bytes of the file were read.
    pub(super) read: u64,
}

/// Reads chunks in a thread of its own, a few ahead.
pub(super) fn read<R, M>(
    mut records: Records<R, M>,
    read: Arc<AtomicU64>,
) -> io::Result<mpsc::Receiver<io::Result<Chunk<M>>>>
where
    R: BufRead + Send + 'static,
    M: Default + Send + 'static,
{
    const AHEAD: usize = 2;

    let (sender, chunks) = mpsc::channel(AHEAD);
    std::thread::Builder::new()
        .name("import-reader".to_owned())
        .spawn(move || {
            loop {
                let chunk = next(&mut records, &read).transpose();
                let is_last = !matches!(chunk, Some(Ok(_)));
                // Nobody takes it any more when the import has stopped.
                let is_taken = chunk.is_none_or(|chunk| sender.blocking_send(chunk).is_ok());
                if is_last || !is_taken {
                    return;
                }
            }
        })?;
    Ok(chunks)
}

fn next<R: BufRead, M: Default>(
    records: &mut Records<R, M>,
    read: &AtomicU64,
) -> io::Result<Option<Chunk<M>>> {
    let mut chunk = Chunk {
        items: Vec::new(),
        lines: Vec::new(),
        unreadable: Vec::new(),
        last_line: 0,
        read: 0,
    };
    let mut bytes = 0;
    while chunk.items.len() + chunk.unreadable.len() < RECORDS && bytes < BYTES {
        let Some(entry) = records.next()? else { break };
        bytes += entry.raw.len();
        chunk.last_line = entry.last_line;
        match entry.item {
            Ok(item) => {
                chunk.items.push(item);
                chunk.lines.push((entry.line, entry.raw));
            }
            Err(fault) => chunk.unreadable.push((entry.line, entry.raw, fault)),
        }
    }
    chunk.read = read.load(Ordering::Relaxed);
    Ok((chunk.last_line > 0).then_some(chunk))
}
