//! The end of the demo: what happened, in a few lines.

use std::io::Write;

use anyhow::Result;
use headcount_model::Timestamp;
use headcount_ports::{JobBook, JobFilter, JobRecord, JobStatus};

use super::DemoArgs;
use super::watch::Seen;
use crate::up::Daemon;

pub(super) async fn print(daemon: &Daemon, args: &DemoArgs, seen: &Seen) -> Result<()> {
    let filter = JobFilter {
        limit: args.jobs as usize,
        ..JobFilter::default()
    };
    let records = daemon.book().list(filter).await?;
    let n = |status| seen.jobs.get(&status).copied().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    writeln!(out)?;
    writeln!(
        out,
        "All {} jobs ended in {:.1} s: {} succeeded, {} failed (one fails on purpose).",
        seen.submitted,
        seen.took.as_secs_f64(),
        n(JobStatus::Succeeded),
        n(JobStatus::Failed)
    )?;
    writeln!(
        out,
        "The fleet went 0 -> {} -> 0, under its cap of {}; each job had an agent of its own.",
        seen.peak(),
        args.max_agents
    )?;
    if let Some((median, longest)) = waits(&records) {
        writeln!(
            out,
            "Jobs waited {median} ms in the middle and {longest} ms at most."
        )?;
    }
    writeln!(out, "No agent process remains.\n\nNext:")?;
    writeln!(out, "  headcount up -c examples/scalers.yaml")?;
    writeln!(
        out,
        "  headcount submit --runs-on linux --wait --follow -- sh -c 'echo hi; exit 7'"
    )?;
    Ok(out.flush()?)
}

pub(super) fn stay(daemon: &Daemon) {
    // Nobody reads a closed terminal; the daemon stays up all the same.
    let _ = writeln!(
        std::io::stdout(),
        "\nThe page stays open at {}/ until Ctrl-C.",
        daemon.api_url()
    );
}

/// The median and the longest time from acceptance to claim, in milliseconds.
fn waits(records: &[JobRecord]) -> Option<(u128, u128)> {
    let mut waits: Vec<u128> = records.iter().filter_map(wait).collect();
    waits.sort_unstable();
    Some((*waits.get(waits.len() / 2)?, *waits.last()?))
}

fn wait(record: &JobRecord) -> Option<u128> {
    let claimed: Timestamp = record.latest.as_ref()?.claimed_at?;
    Some(claimed.since(record.accepted_at).as_millis())
}
