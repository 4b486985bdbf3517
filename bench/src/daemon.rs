//! The real daemon, the released binary, started in a directory of its own, and ended with
//! everything it made.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headcount_api::{Event, Pool};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::http::{Connection, Lines};
use crate::process;

/// The daemon is up, or gone, within this.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pools are empty within this once they drain; ten thousand agents leave one by one.
const LEAVE_PATIENCE: Duration = Duration::from_secs(900);
/// The system tells nobody when a port is open or a process of somebody else is gone.
const STEP: Duration = Duration::from_millis(1);
/// Between two looks at something that takes long.
const LONG_STEP: Duration = Duration::from_millis(200);

/// A directory for one daemon after the other. What they leave running ends with it.
pub(crate) struct Home {
    dir: TempDir,
}

/// A running daemon.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Home {
    /// A fresh one with this configuration.
    pub(crate) fn new(config: &str) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("headcount-bench-")
            .tempdir()?;
        fs::write(dir.path().join("scalers.yaml"), config)?;
        Ok(Self { dir })
    }

    /// Another configuration for daemons that start from now on.
    pub(crate) fn configure(&self, config: &str) -> Result<()> {
        Ok(fs::write(self.dir.path().join("scalers.yaml"), config)?)
    }

    /// Starts a daemon and waits until it says where it listens.
    pub(crate) fn start(&self) -> Result<Daemon> {
        let said = self.state().join("api.url");
        if said.exists() {
            fs::remove_file(&said)?;
        }
        let mut child = self.spawn(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let begun = Instant::now();
        loop {
            let text = fs::read_to_string(&said).unwrap_or_default();
            if let Some(address) = text.trim().strip_prefix("http://") {
                let address = address.parse().context("a strange address")?;
                return Ok(Daemon { child, address });
            }
            if let Some(status) = child.try_wait()? {
                bail!("the daemon ended with {status}:\n{}", self.log());
            }
            if begun.elapsed() > PATIENCE {
                // Its own end is all that is left to ask for.
                child.kill()?;
                child.wait()?;
                bail!("the daemon does not come up:\n{}", self.log());
            }
            std::thread::sleep(STEP);
        }
    }

    /// Starts a daemon at an address that is known to be free, and returns at once.
    pub(crate) fn start_at(&self, address: SocketAddr) -> Result<Daemon> {
        let child = self.spawn(address)?;
        Ok(Daemon { child, address })
    }

    fn spawn(&self, listen: SocketAddr) -> Result<Child> {
        let binary = binary()?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        Command::new(&binary)
            .arg("up")
            .arg("-c")
            .arg(self.dir.path().join("scalers.yaml"))
            .arg("--state-dir")
            .arg(self.state())
            .arg("--listen")
            .arg(listen.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // What is meant for this program is not meant for it.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))
    }

    /// Living processes of this home: daemons, agents, pumps.
    pub(crate) fn processes(&self) -> Result<Vec<u32>> {
        process::mentioning(&self.dir.path().display().to_string())
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The last lines that daemons wrote.
    pub(crate) fn log(&self) -> String {
        let text = fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join("daemon.log")
    }
}

impl Drop for Home {
    /// After an error something may still run; its directory's name is nobody else's.
    fn drop(&mut self) {
        for _ in 0..10 {
            let left = self.processes().unwrap_or_default();
            for pid in &left {
                signal(*pid, Signal::KILL);
            }
            if left.is_empty() {
                return;
            }
            std::thread::sleep(LONG_STEP);
        }
    }
}

impl Daemon {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn connect(&self) -> Result<Connection> {
        Connection::open(self.address).await
    }

    /// Changes from now on.
    pub(crate) async fn events(&self) -> Result<Events> {
        let lines = self.connect().await?.stream("/api/v1/events").await?;
        Ok(Events(lines))
    }

    /// Waits until it says that it can do its work.
    pub(crate) async fn ready(&self) -> Result<Connection> {
        let begun = Instant::now();
        loop {
            if let Ok(mut connection) = self.connect().await {
                let answer = connection.ask("/readyz").await?;
                if answer.status == 200 {
                    return Ok(connection);
                }
            }
            if begun.elapsed() > PATIENCE {
                bail!("the daemon does not become ready");
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// Waits until all backends have answered, but for one where `one_hangs`.
    pub(crate) async fn ready_but_for(&self, one_hangs: bool) -> Result<Connection> {
        if !one_hangs {
            return self.ready().await;
        }
        let begun = Instant::now();
        loop {
            if let Ok(mut connection) = self.connect().await {
                let plan: headcount_api::Plan = connection.get("/api/v1/plan").await?;
                let silent = plan.backends.iter().filter(|backend| !backend.fresh);
                if !plan.backends.is_empty() && silent.count() <= 1 {
                    return Ok(connection);
                }
            }
            if begun.elapsed() > PATIENCE {
                bail!("the daemon does not become ready");
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// Ends it as a crash would.
    pub(crate) fn crash(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Lets every agent go, ends it politely, and checks that nothing is left.
    pub(crate) async fn stop(mut self, home: &Home) -> Result<()> {
        self.drain().await?;
        signal(self.child.id(), Signal::TERM);
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if begun.elapsed() > PATIENCE {
                bail!("the daemon does not end:\n{}", home.log());
            }
            tokio::time::sleep(STEP).await;
        };
        if !status.success() {
            bail!("the daemon ended with {status}:\n{}", home.log());
        }
        let left = home.processes()?;
        if !left.is_empty() {
            bail!("{} processes were left behind", left.len());
        }
        Ok(())
    }

    async fn drain(&self) -> Result<()> {
        let mut connection = self.connect().await?;
        let pools: Vec<Pool> = connection.get("/api/v1/pools").await?;
        for pool in pools {
            let path = format!("/api/v1/pools/{}/drain", pool.scaler);
            let answer = connection.post(&path, "{}".to_owned()).await?;
            answer.json::<serde_json::Value>()?;
        }
        let begun = Instant::now();
        loop {
            let pools: Vec<Pool> = connection.get("/api/v1/pools").await?;
            let left: u32 = pools.iter().map(|pool| pool.agents.total).sum();
            if left == 0 {
                return Ok(());
            }
            if begun.elapsed() > LEAVE_PATIENCE {
                bail!("{left} agents do not leave");
            }
            tokio::time::sleep(LONG_STEP).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended long ago; then there is nobody to end and nothing to collect.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What changes, as it does.
pub(crate) struct Events(Lines);

impl Events {
    /// The next change.
    pub(crate) async fn next(&mut self) -> Result<Event> {
        loop {
            let line = self.0.next().await?;
            if let Some(data) = line.strip_prefix("data:") {
                return serde_json::from_str(data.trim())
                    .with_context(|| format!("an event that is not understood: {data}"));
            }
        }
    }
}

/// The released binary beside this program.
pub(crate) fn binary() -> Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("headcount");
    if !binary.is_file() {
        bail!(
            "{} is missing; start with `cargo xtask bench`",
            binary.display()
        );
    }
    Ok(binary)
}

/// A process that is gone already need not be told.
fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = kill_process(pid, signal);
    }
}
