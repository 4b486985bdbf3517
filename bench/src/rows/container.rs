//! Jobs in containers, on real engines, each beside what the engine takes by itself in the
//! same run: a cold start against `podman run` or `docker run`, a ready container, and two
//! hundred at once against the engine's own calls.
//!
//! The job is this program with the word `stamp`, in the image: containers have this
//! machine's clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bollard::models::{ContainerCreateBody, HostConfig};
use headcount_backend_container::{KEPT_CAPABILITIES, MAX_PROCESSES};
use headcount_controller::MAX_PER_BACKEND;
use headcount_test_engines::{Engine, Kind, skip};

use super::{Interrupted, block_on};
use crate::client::{Client, between, now};
use crate::daemon::Home;
use crate::stats::{Sample, ms};
use crate::table::Line;

/// A busybox and this program.
const IMAGE: &str = "headcount.bench/stamp:1";
const STAMP: [&str; 2] = ["/bin/headcount-bench", "stamp"];
/// Stamps, and stays until it is ended: two hundred at once are all there.
const STAMP_AND_STAY: [&str; 3] = [
    "/bin/sh",
    "-c",
    "/bin/headcount-bench stamp; exec sleep 3600",
];
/// Cold starts of either side.
const COLD_JOBS: usize = 20;
/// Beyond what the engine takes by itself, in percent at the median.
const COLD_BUDGET: f64 = 15.0;
/// Jobs for a container that is ready.
const READY_JOBS: usize = 100;
const READY_BUDGET: Duration = Duration::from_millis(10);
/// Containers asked for at once.
const MANY: usize = 200;
/// Before those that count.
const WARM_UP: usize = 3;
/// Of each container, in the file's words and the engine's.
const MEMORY: (&str, i64) = ("64m", 64 * 1024 * 1024);
const CPUS: (&str, i64) = ("1", 1_000_000_000);

/// Cold starts, on each engine.
pub(crate) fn measure_cold() -> Result<Vec<Line>> {
    on_each_engine("cold containers", cold)
}

/// Containers that are ready, on each engine.
pub(crate) fn measure_ready() -> Result<Vec<Line>> {
    on_each_engine("ready containers", ready)
}

/// Many containers at once, on each engine.
pub(crate) fn measure_many() -> Result<Vec<Line>> {
    on_each_engine("many containers at once", many)
}

/// An engine of its own for each, which ends with all that is left in it. One that cannot be
/// measured does not keep the other from it.
fn on_each_engine(row: &str, measure: fn(&Engine) -> Result<Line>) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for kind in Kind::ALL {
        let name = format!("{row} of {kind:?}");
        if skip(kind) {
            let why = "this machine cannot run the engine; standard error says why";
            lines.push(Line::skipped(&name, why));
            continue;
        }
        match attempt(|| measure(&engine(kind)?)) {
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => lines.push(Line::failed(&name, &error)),
            Ok(line) => lines.push(line),
        }
    }
    Ok(lines)
}

fn engine(kind: Kind) -> Result<Engine> {
    let engine = Engine::start(kind);
    engine.import_with(IMAGE, &std::env::current_exe()?);
    Ok(engine)
}

/// Engines for tests panic where something is not as it must be; a row says so instead.
fn attempt<T>(act: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(anyhow!("{}", text.unwrap_or("it panicked")))
    })
}

/// So many containers at most, so many of them ready.
fn config(engine: &Engine, max: usize, ready: usize) -> String {
    format!(
        "version: 1\n\
         globalMaxAgents: {max}\n\
         scalers:\n  \
         - name: bench\n    \
           type: container\n    \
           maxAgents: {max}\n    \
           socketPath: {}\n    \
           networkIsolation: false\n    \
           policy: {{ kind: idle, idleCount: {ready} }}\n    \
           labelSets:\n      \
           - labels: [bench]\n        \
             image: {IMAGE}\n        \
             imagePullPolicy: Never\n        \
             resources: {{ limits: {{ cpus: {}, memory: {} }} }}\n",
        engine.socket().display(),
        CPUS.0,
        MEMORY.0,
    )
}

fn cold(engine: &Engine) -> Result<Line> {
    let (direct, ours) = block_on(async {
        let home = Home::new(&config(engine, 2, 0))?;
        let daemon = home.start()?;
        let mut client = Client::to_run(&daemon, &STAMP).await?;
        let (mut direct, mut ours) = (Vec::new(), Vec::new());
        for n in 0..WARM_UP + COLD_JOBS {
            client.rest(0).await?;
            let by_itself = run_directly(engine)?;
            let (by_us, _) = client.job().await?;
            if n >= WARM_UP {
                direct.push(by_itself);
                ours.push(by_us);
            }
        }
        drop(client);
        daemon.stop(&home).await?;
        Ok((Sample::new(direct), Sample::new(ours)))
    })?;
    let over = percent_over(ours.median(), direct.median());
    Ok(Line {
        what: format!(
            "submit → first output of a cold container, over `{} run --rm`, p50 of {}",
            program(engine.kind()),
            ours.len()
        ),
        budget: format!("≤ {COLD_BUDGET} %"),
        measured: format!(
            "{over:+.0} % ({} against {})",
            ms(ours.median()),
            ms(direct.median())
        ),
        holds: (over <= COLD_BUDGET).into(),
    })
}

fn ready(engine: &Engine) -> Result<Line> {
    let times = block_on(async {
        let home = Home::new(&config(engine, 4, 1))?;
        let daemon = home.start()?;
        let mut client = Client::to_run(&daemon, &STAMP).await?;
        let mut times = Vec::new();
        for n in 0..WARM_UP + READY_JOBS {
            client.rest(1).await?;
            let (time, _) = client.job().await?;
            if n >= WARM_UP {
                times.push(time);
            }
        }
        drop(client);
        daemon.stop(&home).await?;
        Ok(Sample::new(times))
    })?;
    let slow = times.percentile(99);
    Ok(Line {
        what: format!(
            "submit → the job's process in a ready container of {:?}, p99 of {} jobs",
            engine.kind(),
            times.len()
        ),
        budget: format!("≤ {}", ms(READY_BUDGET)),
        measured: format!("{} (p50 {})", ms(slow), ms(times.median())),
        holds: (slow <= READY_BUDGET).into(),
    })
}

fn many(engine: &Engine) -> Result<Line> {
    let begun = Instant::now();
    engine.start_many(&like_ours(), MANY, MAX_PER_BACKEND);
    let direct = begun.elapsed();
    engine.remove_all();
    let (made, began) = block_on(async {
        let home = Home::new(&config(engine, MANY, 0))?;
        let daemon = home.start()?;
        let mut client = Client::to_run(&daemon, &STAMP_AND_STAY).await?;
        let times = client.many(MANY).await?;
        drop(client);
        daemon.stop(&home).await?;
        Ok(times)
    })?;
    Ok(Line {
        what: format!(
            "{MANY} containers of {:?} at once: until the last was started, over the engine's \
             own calls with the same settings, {MAX_PER_BACKEND} at a time",
            engine.kind()
        ),
        budget: "no more than the engine's own time".into(),
        measured: format!(
            "{:+.0} % ({} against {}; the last job began after {})",
            percent_over(made, direct),
            ms(made),
            ms(direct),
            ms(began)
        ),
        holds: (made <= direct).into(),
    })
}

/// What the engine is asked for by itself: the bounds that our containers have, without our
/// agent, its mounts and its token.
fn like_ours() -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(IMAGE.to_owned()),
        cmd: Some(STAMP_AND_STAY.map(str::to_owned).to_vec()),
        // Nobody waits for them to end politely.
        stop_timeout: Some(0),
        host_config: Some(HostConfig {
            memory: Some(MEMORY.1),
            memory_swap: Some(MEMORY.1),
            nano_cpus: Some(CPUS.1),
            pids_limit: Some(MAX_PROCESSES),
            cap_drop: Some(vec!["ALL".to_owned()]),
            cap_add: Some(KEPT_CAPABILITIES.map(str::to_owned).to_vec()),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// From just before the command line is started to the first act of the container.
fn run_directly(engine: &Engine) -> Result<Duration> {
    let socket = format!("unix://{}", engine.socket().display());
    let program = program(engine.kind());
    let mut command = Command::new(program);
    match engine.kind() {
        Kind::Docker => command.args(["--host", &socket]),
        Kind::Podman => command.args(["--remote", "--url", &socket]),
    };
    command.args(["run", "--rm", IMAGE]).args(STAMP);
    let before = now();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} run: {said}");
    between(before, &String::from_utf8(output.stdout)?)
}

const fn program(kind: Kind) -> &'static str {
    match kind {
        Kind::Docker => "docker",
        Kind::Podman => "podman",
    }
}

/// How much longer, in percent; less than nothing when it is shorter.
fn percent_over(ours: Duration, direct: Duration) -> f64 {
    (ours.as_secs_f64() / direct.as_secs_f64().max(1e-9) - 1.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_time_is_more_percent() {
        let time = Duration::from_millis;
        assert!((percent_over(time(115), time(100)) - 15.0).abs() < 1e-6);
        assert!((percent_over(time(50), time(100)) + 50.0).abs() < 1e-6);
    }

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let panicked = attempt(|| -> Result<()> { panic!("no {}", "engine") });
        assert_eq!(panicked.unwrap_err().to_string(), "no engine");
        assert_eq!(attempt(|| Ok(1)).unwrap(), 1);
    }
}
