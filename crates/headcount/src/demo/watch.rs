//! Watches the daemon from the burst until everything is gone, and draws what it sees.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headcount_controller::{PoolCounts, View};
use headcount_ports::{JobBook, JobStatus};

use super::picture::{Frame, draw, plain};
use super::{DemoArgs, burst};
use crate::console::Console;
use crate::up::Daemon;

/// How often the picture is drawn.
const TICK: Duration = Duration::from_millis(100);
/// Longer than any burst takes on a slow machine; beyond it something is wrong.
const PATIENCE: Duration = Duration::from_secs(600);

/// What was seen.
pub(super) struct Seen {
    /// Agents at each tick.
    pub(super) fleet: Vec<u32>,
    /// Jobs by status, at the end.
    pub(super) jobs: BTreeMap<JobStatus, u64>,
    /// How many were submitted.
    pub(super) submitted: u64,
    /// From submission until nothing was left.
    pub(super) took: Duration,
}

impl Seen {
    /// The most agents ever seen at once.
    pub(super) fn peak(&self) -> u32 {
        self.fleet.iter().copied().max().unwrap_or(0)
    }

    /// Whether a job did not end as it should.
    pub(super) fn lost(&self) -> bool {
        let ended = self
            .jobs
            .iter()
            .filter(|(status, _)| status.is_ended())
            .map(|(_, n)| n);
        ended.sum::<u64>() != self.submitted
    }
}

/// Submits the burst and draws until all jobs have ended and all agents are gone.
pub(super) async fn until_over(daemon: &Daemon, args: &DemoArgs) -> Result<Seen> {
    let terminal = std::io::stdout().is_terminal();
    let console = Console::detect(false);
    intro(daemon, args)?;
    let started = Instant::now();
    let submitted = daemon.queue().submit(burst::jobs(args.jobs)).await;
    let submitted = submitted.context("the burst was refused")?.len() as u64;
    let mut fleet = Vec::new();
    let mut tick = tokio::time::interval(TICK);
    let mut said = String::new();
    loop {
        tick.tick().await;
        let view = daemon.handle().view().await?;
        let jobs = daemon.book().counts().await?;
        let counts = agents(&view);
        fleet.push(counts.total());
        let frame = Frame {
            counts,
            cap: args.max_agents,
            jobs: &jobs,
            submitted,
            why: why(&view),
            fleet: &fleet,
            elapsed: started.elapsed(),
            color: console.page.color,
        };
        show(&frame, terminal, fleet.len() > 1, &mut said)?;
        let ended: u64 = jobs
            .iter()
            .filter(|(s, _)| s.is_ended())
            .map(|(_, n)| n)
            .sum();
        if ended == submitted && counts.total() == 0 {
            return Ok(Seen {
                fleet,
                jobs,
                submitted,
                took: started.elapsed(),
            });
        }
        if started.elapsed() > PATIENCE {
            bail!(
                "the demo did not end within {PATIENCE:?}; see {}",
                daemon.api_url()
            );
        }
    }
}

fn intro(daemon: &Daemon, args: &DemoArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "A daemon is up, with nothing in its fleet. Its page: {}/",
        daemon.api_url()
    )?;
    writeln!(
        out,
        "Now {} jobs are submitted at once; at most {} agents may run them.\n",
        args.jobs, args.max_agents
    )?;
    Ok(out.flush()?)
}

fn agents(view: &View) -> PoolCounts {
    view.pools
        .iter()
        .fold(PoolCounts::default(), |sum, pool| PoolCounts {
            starting: sum.starting + pool.counts.starting,
            idle: sum.idle + pool.counts.idle,
            busy: sum.busy + pool.counts.busy,
            draining: sum.draining + pool.counts.draining,
            destroying: sum.destroying + pool.counts.destroying,
            quarantined: sum.quarantined + pool.counts.quarantined,
        })
}

/// Why the youngest waiting jobs wait.
fn why(view: &View) -> Option<(u64, &'static str)> {
    let shares = view.classes.iter().flat_map(|class| &class.shares);
    shares
        .last()
        .map(|share| (share.jobs, share.reason.sentence()))
}

/// On a terminal the picture is drawn over the last one; elsewhere a line is added when
/// it says something new.
fn show(frame: &Frame<'_>, terminal: bool, again: bool, said: &mut String) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if terminal {
        let lines = draw(frame);
        if again {
            write!(out, "\x1b[{}A", lines.len())?;
        }
        for line in lines {
            writeln!(out, "\x1b[2K{line}")?;
        }
    } else {
        let line = plain(frame);
        if line != *said {
            writeln!(out, "{:>5.1}s  {line}", frame.elapsed.as_secs_f64())?;
            *said = line;
        }
    }
    Ok(out.flush()?)
}
