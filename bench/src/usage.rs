//! What processes have used of the machine, as Linux tells it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// How many of the kernel's ticks are a second, for whoever reads `/proc`.
const TICKS: u64 = 100;

/// What a process says of itself in `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    parent: u32,
    /// Its own ticks and those of children that have ended.
    ticks: u64,
}

/// The processor time of a process and all its descendants, to a hundredth of a
/// second.
///
/// # Errors
///
/// When `/proc` can't be read.
pub(crate) fn processor_time(root: u32) -> anyhow::Result<Duration> {
    let ticks: u64 = tree(root)?.values().map(|stat| stat.ticks).sum();
    Ok(Duration::from_millis(ticks * 1_000 / TICKS))
}

/// The most bytes of memory that a process and all its descendants have had
/// since the [last mark](mark_memory), each at its own time.
///
/// # Errors
///
/// When `/proc` can't be read.
pub(crate) fn peak_memory(root: u32) -> anyhow::Result<u64> {
    memory(root, "VmHWM:")
}

/// The bytes of memory that a process and all its descendants have now.
///
/// # Errors
///
/// When `/proc` can't be read.
pub(crate) fn memory_now(root: u32) -> anyhow::Result<u64> {
    memory(root, "VmRSS:")
}

fn memory(root: u32, name: &str) -> anyhow::Result<u64> {
    let of = |id: &u32| {
        // It may have ended meanwhile.
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kilobytes.and_then(|number| number.parse::<u64>().ok())
    };
    // The shell that keeps a process alive is no part of it.
    let ids = tree(root)?;
    let bytes = ids.keys().filter(|id| **id != root).filter_map(of);
    Ok(bytes.sum::<u64>() * 1_024)
}

/// Has the kernel forget the peak of a process and its descendants.
///
/// # Errors
///
/// When `/proc` can't be read.
pub(crate) fn mark_memory(root: u32) -> anyhow::Result<()> {
    for id in tree(root)?.keys() {
        // It may have ended meanwhile.
        let _ = fs::write(format!("/proc/{id}/clear_refs"), "5");
    }
    Ok(())
}

/// A process and all its descendants; none when there is no such process.
///
/// # Errors
///
/// When `/proc` can't be read.
pub(crate) fn tree(root: u32) -> anyhow::Result<BTreeMap<u32, Stat>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("there is no /proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if let Some(stat) = stat(&text) {
            all.insert(id, stat);
        }
    }
    let mut found = BTreeMap::new();
    let mut waiting = vec![root];
    while let Some(id) = waiting.pop() {
        if let Some(stat) = all.remove(&id) {
            found.insert(id, stat);
        }
        waiting.extend(
            all.iter()
                .filter(|(_, stat)| stat.parent == id)
                .map(|(id, _)| *id),
        );
    }
    Ok(found)
}

/// Reads `/proc/PID/stat`. The name in it may hold anything.
fn stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // A zombie has ended, though nobody has asked for its status yet.
    if fields.first() == Some(&"Z") {
        return None;
    }
    Some(Stat {
        parent: u32::try_from(number(1)?).ok()?,
        ticks: (11..15).filter_map(number).sum(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_whatever_the_name() {
        let text = "42 (a) b) S 7 1 1 0 -1 0 10 0 0 0 100 20 3 4 20 0 1 0 5 6 7";
        let expected = Stat {
            parent: 7,
            ticks: 127,
        };
        assert_eq!(stat(text), Some(expected));
        assert_eq!(stat("42 (x) Z 7 1 1 0 -1 0 10 0 0 0 1 2 3 4"), None);
        assert_eq!(stat(""), None);
    }

    #[test]
    fn this_process_is_in_its_own_tree() {
        let tree = tree(std::process::id()).unwrap();
        assert!(tree.contains_key(&std::process::id()));
    }
}
