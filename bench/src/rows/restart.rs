//! A daemon with very many agents is killed; how long until the next one has found all of
//! them again. The agents are real processes: `sleep`, each with the pump of its output.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use headcount_api::{Pool, PoolCounts};
use rustix::process::{Resource, getrlimit};

use super::block_on;
use crate::daemon::{Daemon, Home};
use crate::http::Connection;
use crate::stats::{Sample, ms};
use crate::table::Line;

/// What the budget is for.
const AGENTS: u32 = 10_000;
const BUDGET: Duration = Duration::from_secs(2);
/// Kills; the median counts.
const RESTARTS: usize = 3;
/// An agent of this kind is two processes.
const PROCESSES_EACH: u64 = 2;
/// Left to the rest of the machine.
const PROCESSES_SPARE: u64 = 2_000;
/// The daemon holds one descriptor an agent.
const FILES_SPARE: u64 = 1_000;
/// An agent and its pump, with what the kernel keeps of them, in KiB: generously.
const KIB_EACH: u64 = 1_200;
/// They come up within this.
const GROW_PATIENCE: Duration = Duration::from_secs(1_200);
const STEP: Duration = Duration::from_millis(250);

pub(crate) fn measure() -> Result<Vec<Line>> {
    let agents = possible()?;
    let measured = block_on(run(agents))?;
    let all = agents == AGENTS;
    let median = measured.adopted.median();
    Ok(vec![Line {
        what: format!("restart to fully adopted, {agents} agents"),
        budget: "≤ 2 s".into(),
        measured: format!(
            "{} (worst of {RESTARTS}: {}; API ready after {}){}",
            ms(median),
            ms(measured.adopted.percentile(100)),
            ms(measured.ready.median()),
            if all {
                ""
            } else {
                "; this machine does not hold 10,000"
            }
        ),
        holds: (all && median <= BUDGET).into(),
    }])
}

/// How many agents this machine can hold, at most as many as are wanted.
fn possible() -> Result<u32> {
    let number = |path: &str| -> Result<u64> {
        let text = std::fs::read_to_string(path)?;
        let word = text.split_whitespace().next().context("an empty file")?;
        Ok(word.parse()?)
    };
    let pids = number("/proc/sys/kernel/pid_max")?.min(number("/proc/sys/kernel/threads-max")?);
    let pids = pids.min(getrlimit(Resource::Nproc).current.unwrap_or(u64::MAX));
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let info = std::fs::read_to_string("/proc/meminfo")?;
    let memory = info
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let memory: u64 = memory
        .and_then(|rest| rest.split_whitespace().next())
        .context("the kernel does not say how much memory is free")?
        .parse()?;
    let most = (pids.saturating_sub(PROCESSES_SPARE) / PROCESSES_EACH)
        .min(files.saturating_sub(FILES_SPARE))
        .min(memory / KIB_EACH)
        .min(u64::from(AGENTS));
    ensure!(most > 0, "this machine holds no agents at all");
    Ok(u32::try_from(most)?)
}

/// What the restarts took.
struct Measured {
    /// Until the daemon said that it is ready.
    ready: Sample,
    /// Until every agent was known and ready.
    adopted: Sample,
}

async fn run(agents: u32) -> Result<Measured> {
    let home = Home::new(&config(agents))?;
    let mut daemon = home.start()?;
    grow(&daemon, agents).await?;
    let before = workers(&home)?;
    ensure!(
        before.len() >= usize::try_from(agents)?,
        "only {} processes",
        before.len()
    );
    let (mut ready, mut adopted) = (Vec::new(), Vec::new());
    for _ in 0..RESTARTS {
        let address = daemon.address;
        daemon.crash()?;
        let started = Instant::now();
        daemon = home.start_at(address)?;
        let mut connection = daemon.ready().await?;
        ready.push(started.elapsed());
        wait_for(&mut connection, agents).await?;
        adopted.push(started.elapsed());
    }
    let after = workers(&home)?;
    ensure!(before == after, "agents were ended or made by a restart");
    daemon.stop(&home).await?;
    Ok(Measured {
        ready: Sample::new(ready),
        adopted: Sample::new(adopted),
    })
}

fn config(agents: u32) -> String {
    format!(
        "version: 1\n\
         globalMaxAgents: {agents}\n\
         scalers:\n  \
         - name: crowd\n    \
           type: bare-metal\n    \
           maxAgents: {agents}\n    \
           policy: {{ kind: idle, idleCount: {agents} }}\n    \
           labelSets:\n      \
           - labels: [crowd]\n        \
             command: [sleep, \"100000\"]\n"
    )
}

/// Waits until all are there.
async fn grow(daemon: &Daemon, agents: u32) -> Result<()> {
    let mut connection = daemon.ready().await?;
    let begun = Instant::now();
    loop {
        let counts = counts(&mut connection).await?;
        if is_full(&counts, agents) {
            return Ok(());
        }
        if begun.elapsed() > GROW_PATIENCE {
            bail!("only {counts:?} of {agents} agents came up");
        }
        tokio::time::sleep(STEP).await;
    }
}

/// Waits until a daemon that has just started knows all of them as ready.
async fn wait_for(connection: &mut Connection, agents: u32) -> Result<()> {
    let begun = Instant::now();
    loop {
        let counts = counts(connection).await?;
        if is_full(&counts, agents) {
            return Ok(());
        }
        if begun.elapsed() > GROW_PATIENCE {
            bail!("only {counts:?} of {agents} agents were found again");
        }
    }
}

const fn is_full(counts: &PoolCounts, agents: u32) -> bool {
    counts.idle + counts.busy == agents && counts.total == agents
}

async fn counts(connection: &mut Connection) -> Result<PoolCounts> {
    let pools: Vec<Pool> = connection.get("/api/v1/pools").await?;
    Ok(pools.first().context("no pool")?.agents)
}

/// The processes of the fleet, the daemon left out.
fn workers(home: &Home) -> Result<Vec<u32>> {
    let state = home.path().join("state").join("agents");
    let mut pids = crate::process::mentioning(&state.display().to_string())?;
    pids.sort_unstable();
    Ok(pids)
}
