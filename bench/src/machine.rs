//! What the numbers were measured on.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::stats::{Sample, ms};

/// Flushes timed for the description.
const FLUSHES: usize = 50;
/// Written before each, in bytes: a page of the ledger.
const PAGE: usize = 4096;

/// One line: processors, kernel, and how long the disk needs to make a page durable.
pub(crate) fn describe() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let flush = flushes()?;
    Ok(format!(
        "{cores} cores ({model}), Linux {}, load {}, one page made durable: \
         p50 {}, p99 {}",
        kernel.trim(),
        load.split(' ').next().unwrap_or_default(),
        ms(flush.median()),
        ms(flush.percentile(99)),
    ))
}

/// How long the disk that holds the state directories takes to make a page durable.
pub(crate) fn flushes() -> Result<Sample> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("page");
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let page = [7; PAGE];
    let mut times: Vec<Duration> = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        file.write_all(&page)?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    Ok(Sample::new(times))
}
