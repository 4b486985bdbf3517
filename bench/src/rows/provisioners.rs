//! A provisioner that hangs beside nine that work: how long jobs of the nine wait for their
//! machines, over the same without the tenth.
//!
//! Machines are processes that `examples/provisioners/forty-lines.sh` makes, one for each
//! job. In the second run a job waits for a machine of the program that never answers.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headcount_api::{Event, JobState};
use serde_json::json;

use super::block_on;
use crate::daemon::{Daemon, Home, binary};
use crate::stats::{Sample, ms};
use crate::table::Line;

const HEALTHY: usize = 9;
/// Each asks for one machine in every healthy pool.
const ROUNDS: usize = 10;
/// What two runs may differ by on a machine that is not quiet.
const NOISE: f64 = 1.25;
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn measure() -> Result<Vec<Line>> {
    if let Some(missing) = missing_tool() {
        let why = format!("`{missing}` is not installed, which the shell provisioner needs");
        return Ok(vec![Line::skipped("provisioners", &why)]);
    }
    let alone = block_on(run(false)).context("nine pools")?;
    let beside = block_on(run(true)).context("nine pools and one that hangs")?;
    Ok([50, 99]
        .map(|percent| line(percent, &alone, &beside))
        .into())
}

fn line(percent: usize, alone: &Sample, beside: &Sample) -> Line {
    let (alone, beside) = (alone.percentile(percent), beside.percentile(percent));
    let ratio = beside.as_secs_f64() / alone.as_secs_f64().max(1e-9);
    Line {
        what: format!(
            "job accepted → running on a machine of its own, nine pools with a provisioner each, \
             p{percent} of {}: beside a tenth that hangs, over without it",
            ROUNDS * HEALTHY
        ),
        budget: format!("≤ {NOISE}"),
        measured: format!("{ratio:.2} ({} against {})", ms(beside), ms(alone)),
        holds: (ratio <= NOISE).into(),
    }
}

fn missing_tool() -> Option<&'static str> {
    ["jq", "setsid", "flock"].into_iter().find(|tool| {
        let started = Command::new(tool)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        started.is_err()
    })
}

async fn run(with_hung: bool) -> Result<Sample> {
    let home = Home::new("version: 1\nscalers: []\n")?;
    home.configure(&config(&home, with_hung)?)?;
    let daemon = home.start()?;
    drop(daemon.ready_but_for(with_hung).await?);
    if with_hung {
        submit(&daemon, &["hung".to_owned()]).await?;
    }
    let labels: Vec<String> = (0..HEALTHY).map(|n| format!("p{n}")).collect();
    let mut times = Vec::new();
    for round in 0..=ROUNDS {
        let took = one_round(&daemon, &labels).await?;
        // Before the first everything is cold.
        if round > 0 {
            times.extend(took);
        }
    }
    // Machines of a program that hangs do not leave; what is left ends with the home.
    daemon.crash()?;
    Ok(Sample::new(times))
}

/// One job for each label: from just before they were sent to each running.
async fn one_round(daemon: &Daemon, labels: &[String]) -> Result<Vec<Duration>> {
    let mut events = daemon.events().await?;
    let begun = Instant::now();
    let ids = submit(daemon, labels).await?;
    let mut running = BTreeMap::new();
    let mut ended = 0;
    while ended < ids.len() {
        if begun.elapsed() > PATIENCE {
            bail!("{} of {} jobs ended", ended, ids.len());
        }
        let next = tokio::time::timeout(PATIENCE, events.next()).await;
        let Event::Job { job, state, .. } = next.context("no event comes")?? else {
            continue;
        };
        if !ids.contains(&job) {
            continue;
        }
        if state == JobState::Running {
            running.entry(job).or_insert_with(|| begun.elapsed());
        } else if state.is_ended() {
            ended += 1;
        }
    }
    Ok(running.into_values().collect())
}

async fn submit(daemon: &Daemon, labels: &[String]) -> Result<Vec<String>> {
    let jobs: Vec<_> = labels
        .iter()
        .map(|label| json!({"command": ["true"], "runsOn": [label]}))
        .collect();
    let mut connection = daemon.connect().await?;
    let answer = connection.post("/api/v1/jobs", json!(jobs).to_string());
    let accepted: Vec<serde_json::Value> = answer.await?.json()?;
    let ids = accepted.iter().filter_map(|job| job["id"].as_str());
    Ok(ids.map(str::to_owned).collect())
}

fn config(home: &Home, with_hung: bool) -> Result<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/provisioners/forty-lines.sh")
        .canonicalize()?;
    let mut text = "version: 1\nscalers:\n".to_owned();
    for n in 0..HEALTHY {
        // A program of its own is a backend of its own.
        let own = home.path().join(format!("provisioner-{n}.sh"));
        std::fs::copy(&program, &own)?;
        text.push_str(&scaler(home, &format!("p{n}"), &own)?);
    }
    if with_hung {
        let hung = home.path().join("hung.sh");
        std::fs::write(&hung, "#!/bin/sh\nexec sleep 1000\n")?;
        std::fs::set_permissions(&hung, std::fs::Permissions::from_mode(0o755))?;
        text.push_str(&scaler(home, "hung", &hung)?);
    }
    Ok(text)
}

fn scaler(home: &Home, name: &str, program: &Path) -> Result<String> {
    let machines: PathBuf = home.path().join("machines").join(name);
    Ok(format!(
        "\x20 - name: {name}\n\
         \x20   type: program\n\
         \x20   maxAgents: 4\n\
         \x20   program: {}\n\
         \x20   config: {}\n\
         \x20   timeouts: {{ retire: 1s }}\n\
         \x20   labelSets:\n\
         \x20     - labels: [{name}]\n\
         \x20       agentBinary: {}\n",
        program.display(),
        machines.display(),
        binary()?.display()
    ))
}
