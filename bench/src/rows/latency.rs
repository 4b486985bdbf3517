//! How soon a job runs: from just before it is sent to the first act of its own command,
//! beyond what a plain fork and exec of the same program takes.
//!
//! The program is this one with the word `stamp`: its first act is to read the clock, and
//! then it prints what it read. One job at a time, each begun when the fleet has come to
//! rest. Before each job the same program is started plainly, so both see the same machine.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::block_on;
use crate::client::{Client, between, now};
use crate::daemon::{Daemon, Home};
use crate::stats::{Sample, ms};
use crate::table::Line;

/// A variant of the row.
struct Case {
    words: &'static str,
    /// Agents ready before each job.
    ready: usize,
    jobs: usize,
    budget: Budget,
}

/// In milliseconds, over a plain start.
struct Budget {
    p50: u64,
    p99: u64,
}

const CASES: [Case; 2] = [
    Case {
        words: "ready agent",
        ready: 1,
        jobs: 300,
        budget: Budget { p50: 5, p99: 20 },
    },
    Case {
        words: "cold agent",
        ready: 0,
        jobs: 150,
        budget: Budget { p50: 25, p99: 80 },
    },
];
/// Jobs before those that count: caches are empty, and the first agent is not made yet.
const WARM_UP: usize = 10;

/// What one variant measured.
struct Measured {
    plain: Sample,
    /// From just before the job was sent.
    sent: Sample,
    /// From when the answer had arrived that it is accepted.
    accepted: Sample,
}

/// The job: says when it began.
#[expect(clippy::print_stdout, reason = "the job's output")]
pub(crate) fn stamp(now: SystemTime) -> Result<()> {
    println!("{}", now.duration_since(UNIX_EPOCH)?.as_nanos());
    std::io::stdout().flush()?;
    Ok(())
}

pub(crate) fn measure() -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for case in &CASES {
        let measured = block_on(run(case)).context(case.words)?;
        lines.push(line(case, &measured, 50, case.budget.p50));
        lines.push(line(case, &measured, 99, case.budget.p99));
    }
    Ok(lines)
}

fn line(case: &Case, measured: &Measured, percent: usize, budget_ms: u64) -> Line {
    let plain = measured.plain.percentile(percent);
    let sent = measured.sent.percentile(percent);
    let accepted = measured.accepted.percentile(percent);
    let over = sent.saturating_sub(plain);
    Line {
        what: format!(
            "job accepted → its command executed, {}, p{percent} of {} jobs, over a plain start",
            case.words,
            measured.sent.len()
        ),
        budget: format!("≤ {budget_ms} ms"),
        measured: format!(
            "{} ({} − {} plain; counted from the answer: {})",
            ms(over),
            ms(sent),
            ms(plain),
            ms(accepted.saturating_sub(plain)),
        ),
        holds: (over <= Duration::from_millis(budget_ms)).into(),
    }
}

async fn run(case: &Case) -> Result<Measured> {
    let home = Home::new(&config(case.ready))?;
    let daemon = home.start()?;
    let mut client = client(&daemon).await?;
    let (mut plain, mut sent, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..WARM_UP + case.jobs {
        client.rest(case.ready).await?;
        let started = plain_start()?;
        let (from_sent, from_accepted) = client.job().await?;
        if n >= WARM_UP {
            plain.push(started);
            sent.push(from_sent);
            accepted.push(from_accepted);
        }
    }
    drop(client);
    daemon.stop(&home).await?;
    Ok(Measured {
        plain: Sample::new(plain),
        sent: Sample::new(sent),
        accepted: Sample::new(accepted),
    })
}

/// Its jobs run this program.
async fn client(daemon: &Daemon) -> Result<Client> {
    let program = std::env::current_exe()?.display().to_string();
    Client::to_run(daemon, &[&program, "stamp"]).await
}

/// One single-use agent a job; so many wait for one.
fn config(ready: usize) -> String {
    format!(
        "version: 1\n\
         scalers:\n  \
         - name: bench\n    \
           type: bare-metal\n    \
           maxAgents: 4\n    \
           policy: {{ kind: idle, idleCount: {ready} }}\n    \
           labelSets:\n      \
           - labels: [bench]\n"
    )
}

/// From just before the fork to the program's first act.
fn plain_start() -> Result<Duration> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("stamp")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let before = now();
    let output = command.output()?;
    between(before, &String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_keeps_so_many_ready() {
        assert_eq!(
            config(1),
            "version: 1\nscalers:\n  - name: bench\n    type: bare-metal\n    maxAgents: 4\n    \
             policy: { kind: idle, idleCount: 1 }\n    labelSets:\n      - labels: [bench]\n"
        );
    }
}
