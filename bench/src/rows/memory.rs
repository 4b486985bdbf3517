//! What the daemon holds in memory: at rest, and with a hundred thousand agents.
//!
//! At rest it is the real daemon. A hundred thousand agents are tracked by a child of this
//! program: the real controller over the real ledger, a made-up backend that lists them
//! all, every agent connected as far as the controller can tell, and one published view
//! held by a reader. The connections themselves are not in it: there are none.

mod hold;

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::block_on;
use super::idle::rest;
use crate::daemon::Home;
use crate::process::{self, Memory};
use crate::table::Line;

pub(crate) use hold::hold;

const AGENTS: u32 = 100_000;
const IDLE_BUDGET_KIB: u64 = 30 * 1024;
const TRACKED_BUDGET_KIB: u64 = 400 * 1024;

const CONFIG: &str = "version: 1\nscalers:\n  - name: local\n    type: bare-metal\n    \
                      maxAgents: 8\n    labelSets:\n      - labels: [linux]\n";

pub(crate) fn measure() -> Result<Vec<Line>> {
    let idle = block_on(idle())?;
    let tracked = tracked()?;
    Ok(vec![
        line("resident memory of the idle daemon", idle, IDLE_BUDGET_KIB),
        line(
            "resident memory with 100,000 agents tracked and one view published",
            tracked,
            TRACKED_BUDGET_KIB,
        ),
    ])
}

fn line(what: &str, memory: Memory, budget_kib: u64) -> Line {
    Line {
        what: what.into(),
        budget: format!("≤ {} MiB", budget_kib / 1024),
        measured: format!(
            "{} (at its highest {})",
            mib(memory.resident),
            mib(memory.peak)
        ),
        holds: (memory.resident <= budget_kib).into(),
    }
}

fn mib(kib: u64) -> String {
    let tenths = kib * 10 / 1024;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

async fn idle() -> Result<Memory> {
    let home = Home::new(CONFIG)?;
    let daemon = home.start()?;
    drop(daemon.ready().await?);
    rest(&daemon).await?;
    let memory = process::memory(daemon.pid())?;
    daemon.stop(&home).await?;
    Ok(memory)
}

/// A process of its own, so that nothing else of this one is counted.
fn tracked() -> Result<Memory> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("hold")
        .arg(AGENTS.to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "the child ended with {}",
        output.status
    );
    let text = String::from_utf8(output.stdout)?;
    let mut words = text.split_whitespace();
    let mut next =
        || -> Result<u64> { Ok(words.next().context("the child said nothing")?.parse()?) };
    Ok(Memory {
        resident: next()?,
        peak: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Holds;

    #[test]
    fn the_budget_is_for_what_is_resident() {
        let memory = |resident| Memory {
            resident,
            peak: 40 * 1024,
        };
        assert!(line("a", memory(30 * 1024), IDLE_BUDGET_KIB).holds == Holds::Yes);
        assert!(line("a", memory(30 * 1024 + 1), IDLE_BUDGET_KIB).holds == Holds::No);
        assert_eq!(
            line("a", memory(1_536), IDLE_BUDGET_KIB).measured,
            "1.5 MiB (at its highest 40.0 MiB)"
        );
    }
}
