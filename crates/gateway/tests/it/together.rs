//! The gateway and the real agent, each with its own idea of what went wrong.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use headcount_agent::AgentSettings;
use headcount_api::agent::env;
use headcount_gateway::Gateway;
use headcount_model::{Exit, Outcome};
use headcount_ports::{AgentLink, StoreError, Stream};
use tokio::time::{sleep, timeout};

use crate::bench::{Bench, DEADLINE, TOKEN};
use crate::doubles::AGENT;
use crate::link::request;

/// An agent's process; killed with the test.
pub struct Agent {
    child: Child,
}

/// The process of [`start`].
pub fn agent_main() {
    if std::env::var_os(env::URL).is_none() {
        return;
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let settings = AgentSettings::from_env(|name| std::env::var_os(name)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let exit = runtime.block_on(headcount_agent::run(settings));
    std::process::exit(exit.code().into());
}

fn start(bench: &Bench, name: &str) -> Agent {
    let url = format!("unix:{}", bench.socket().display());
    start_with(bench, name, &BTreeMap::from([(env::URL, url)]))
}

/// Starts one that is told these variables too.
pub fn start_with(bench: &Bench, name: &str, told: &BTreeMap<&'static str, String>) -> Agent {
    let dir = bench.dir.path().join(name);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("token"), TOKEN).unwrap();
    let log = fs::File::create(dir.join("log")).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["agent_process", "--exact", "--ignored", "--nocapture"])
        .env(env::ID, AGENT.to_string())
        .env(env::TOKEN_FILE, dir.join("token"))
        .env(env::DIR, &dir)
        .envs(told)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    Agent { child }
}

impl Agent {
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub async fn exit_code(&mut self) -> Option<i32> {
        let mut status = None;
        eventually("the agent ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap().code()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls what the system gives no event for.
pub async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let polled = timeout(DEADLINE, async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    polled.await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Offers a script as job 1.
async fn offer(bench: &Bench, script: &str) {
    offer_over(bench, &bench.gateway, script).await;
}

/// The same through another gateway.
pub async fn offer_over(bench: &Bench, gateway: &Gateway, script: &str) {
    bench.controller.offer(1, 1);
    let mut request = request(1, 1 << 40);
    request.work.command = headcount_model::Command::Script(script.to_owned());
    request.work.timeout = None;
    gateway.assign(request).await.unwrap();
}

pub async fn ended(bench: &Bench) -> Outcome {
    bench.controller.saw("finished job-1").await;
    bench.controller.end_of(1).unwrap()
}

#[tokio::test]
async fn a_job_runs_and_the_agent_leaves() {
    let bench = Bench::new();
    let mut agent = start(&bench, "agent");
    bench.controller.saw("registered").await;
    offer(&bench, "echo hi; echo ho >&2; exit 7").await;
    assert_eq!(ended(&bench).await, Outcome::Exited(Exit::Code(7)));
    let log = bench.logs.of(1);
    assert_eq!(log.bytes(Stream::Out), b"hi\n");
    assert_eq!(log.bytes(Stream::Err), b"ho\n");
    bench.gateway.drain(AGENT).await.unwrap();
    assert_eq!(agent.exit_code().await, Some(0));
    bench.controller.saw("leaving").await;
    bench.controller.saw("disconnected").await;
}

#[tokio::test]
async fn a_daemon_that_restarts_loses_and_doubles_nothing() {
    let mut bench = Bench::new();
    let _agent = start(&bench, "agent");
    bench.controller.saw("registered").await;
    let ran = bench.dir.path().join("ran");
    let go = bench.dir.path().join("go");
    let script = format!(
        "echo run >> {}; seq 1 100000; while ! test -e {}; do sleep 0.01; done; seq 100001 200000",
        ran.display(),
        go.display()
    );
    offer(&bench, &script).await;
    eventually("some output is stored", || {
        !bench.logs.of(1).chunks.is_empty()
    })
    .await;
    bench.restart().await;
    fs::write(&go, "").unwrap();
    assert_eq!(ended(&bench).await, Outcome::Exited(Exit::Code(0)));
    let expected: String = (1..=200_000).map(|line| format!("{line}\n")).collect();
    assert!(bench.logs.of(1).bytes(Stream::Out) == expected.as_bytes());
    assert_eq!(fs::read_to_string(ran).unwrap(), "run\n");
}

#[tokio::test]
async fn a_store_without_room_stops_the_job_and_lets_it_go_on() {
    let bench = Bench::new();
    let _agent = start(&bench, "agent");
    bench.controller.saw("registered").await;
    bench
        .logs
        .fail_with(Some(StoreError::Full("no room".to_owned())));
    let progress = bench.dir.path().join("progress");
    let script = format!(
        "i=0; while test $i -lt 64; do head -c 1M /dev/zero; echo $i > {}; i=$((i+1)); done",
        progress.display()
    );
    offer(&bench, &script).await;
    let stand = still(&progress).await;
    assert!((2..8).contains(&stand), "stood after {stand} MiB");
    bench.logs.fail_with(None);
    assert_eq!(ended(&bench).await, Outcome::Exited(Exit::Code(0)));
    assert_eq!(bench.logs.of(1).bytes(Stream::Out).len(), 64 << 20);
    assert_eq!(bench.logs.of(1).repeats, 0);
}

/// The number in the file, once it has not changed for a while.
async fn still(file: &std::path::Path) -> u32 {
    let read = || -> Option<u32> { fs::read_to_string(file).ok()?.trim().parse().ok() };
    eventually("the job writes", || read().is_some()).await;
    let (mut last, mut looks) = (read(), 0);
    while looks < 50 {
        sleep(Duration::from_millis(10)).await;
        let now = read();
        looks = if now == last { looks + 1 } else { 0 };
        last = now.or(last);
    }
    last.unwrap()
}

#[tokio::test]
async fn a_second_process_with_the_same_token_is_sent_away() {
    let bench = Bench::new();
    let _agent = start(&bench, "agent");
    bench.controller.saw("registered").await;
    let mut thief = start(&bench, "thief");
    assert_eq!(thief.exit_code().await, Some(3));
    let log = fs::read_to_string(bench.dir.path().join("thief/log")).unwrap();
    assert!(log.contains("token_used") && !log.contains(TOKEN), "{log}");
    assert_eq!(bench.gateway.stats().refused.get("token_used"), Some(&1));
    offer(&bench, "exit 0").await;
    assert_eq!(ended(&bench).await, Outcome::Exited(Exit::Code(0)));
}

#[tokio::test]
async fn a_cancel_reaches_the_job() {
    let bench = Bench::new();
    let _agent = start(&bench, "agent");
    bench.controller.saw("registered").await;
    offer(&bench, "echo started; exec sleep 1000").await;
    eventually("it runs", || !bench.logs.of(1).chunks.is_empty()).await;
    bench
        .gateway
        .cancel(AGENT, headcount_model::JobId(1), 1)
        .await
        .unwrap();
    assert_eq!(ended(&bench).await, Outcome::Cancelled);
}

#[tokio::test]
async fn a_forgotten_agent_ends() {
    let bench = Bench::new();
    let mut agent = start(&bench, "agent");
    bench.controller.saw("registered").await;
    offer(&bench, "echo started; exec sleep 1000").await;
    eventually("it runs", || !bench.logs.of(1).chunks.is_empty()).await;
    bench.gateway.forget(AGENT).await;
    assert_eq!(agent.exit_code().await, Some(3));
}
