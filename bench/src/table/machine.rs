//! On what, and of what, it was measured.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A line for each thing that the figures depend on.
pub(super) fn describe() -> anyhow::Result<Vec<String>> {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .map_or("", str::trim);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let is_changed = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    Ok(vec![
        format!("{cores} cores, {model}, {memory} of memory"),
        format!("Linux {}", kernel.trim()),
        format!(
            "commit {}{}",
            said("git", &["rev-parse", "--short=12", "HEAD"]),
            if is_changed { ", with changes" } else { "" }
        ),
        format!("on {}", said("date", &["--utc", "+%Y-%m-%d %H:%M UTC"])),
    ])
}

/// What a program says, in the folder of the sources.
fn said(program: &str, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
