//! An import of visits from a file, as an operator would do it.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use sfbridge_bench::shape;
use tokio::time::Instant;

use crate::instance::Instance;
use crate::table::Places;

/// Imports so many visits into an empty store, and says how long that took: from
/// the start of the command to its end.
pub(super) async fn measure(places: &Places, visits: u32) -> anyhow::Result<Duration> {
    let folder = places.data.join("import");
    let instance = Instance::start(&places.sfbridge, &folder, &[])?;
    drop(instance.channel().await?);
    let file = folder.join("visits.csv");
    write(&file, visits)?;
    let mut import = std::process::Command::new(&places.sfbridge);
    import
        .args(["import", "visits", "--igrp=1001", "--json"])
        .arg(format!("--core-url=http://{}", instance.core))
        .arg(format!("--data-dir={}", folder.display()))
        .arg(&file);
    let start = Instant::now();
    let done = tokio::task::spawn_blocking(move || import.output()).await??;
    let time = start.elapsed();
    ensure!(
        done.status.success(),
        "the import failed: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    // The summary says what became of the lines, so nothing can be lost unseen.
    let summary = String::from_utf8_lossy(&done.stdout);
    ensure!(
        summary.contains(&format!("\"recorded\": {visits}")),
        "not all visits were recorded: {summary}"
    );
    Ok(time)
}

/// Writes visits of as many visitors into a CSV file.
fn write(file: &Path, visits: u32) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    writeln!(
        file,
        "visitor_id,visit_time,channel_name,channel_type,source,campaign,term,landing_page"
    )?;
    for number in 0..visits {
        let (day, minute) = (1 + number % 28, number / 28 % 60);
        writeln!(
            file,
            "{},2026-05-{day:02}T09:{minute:02}:00Z,Paid Search,ppc,Google,UK-{}-Shoes,\
             buy running shoes online,https://www.example.com/shop/shoes/{number}.html?gclid=EAIaI{number}",
            shape::visitor(number.into()),
            number % 10,
        )?;
    }
    file.flush()?;
    Ok(())
}
