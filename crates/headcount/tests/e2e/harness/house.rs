//! A directory with a configuration, a state directory, and at most one daemon.
//!
//! Promise: when a house is closed nothing of it runs any more, or the test fails; when a
//! test fails, its daemons' words are printed and nothing of it runs either.

use std::any::Any;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::api::Api;
use super::command::{self, Ended, Started};
use super::daemon::Daemon;
use super::ledger::Ledger;
use super::patience::until_or_tell;
use super::processes::{Process, carrying};

/// A pool of agents for label `linux`, at most so many.
pub fn pool_of(max: u32) -> String {
    format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: local\n\
         \x20   type: bare-metal\n\
         \x20   maxAgents: {max}\n\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n"
    )
}

/// One directory and what runs in it.
pub struct House {
    /// Dropped before the directory is removed.
    fixture: Option<Box<dyn Any>>,
    root: TempDir,
    daemon: Option<Daemon>,
    starts: usize,
    arguments: Vec<String>,
    wrapper: Vec<String>,
    token: Option<String>,
    closed: bool,
}

impl House {
    /// With this configuration; no daemon runs yet.
    pub fn new(config: &str) -> Self {
        let root = tempfile::Builder::new()
            .prefix("hc-e2e-")
            .tempdir()
            .unwrap();
        let house = Self {
            fixture: None,
            root,
            daemon: None,
            starts: 0,
            arguments: Vec::new(),
            wrapper: Vec::new(),
            token: None,
            closed: false,
        };
        house.write_config(config);
        house
    }

    /// With this configuration and a daemon that is ready.
    pub fn up(config: &str) -> Self {
        let mut house = Self::new(config);
        house.start();
        house
    }

    /// Further arguments for the daemon.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        self.arguments.extend(arguments);
        self
    }

    /// The daemon is started by these words, which end by becoming it.
    pub fn through(mut self, words: &[&str]) -> Self {
        self.wrapper = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// The API of this house asks for a token.
    pub fn with_token(mut self, token: &str) -> Self {
        let file = self.path("api-token");
        fs::write(&file, format!("{token}\n")).unwrap();
        self.token = Some(token.to_owned());
        self.with(&["--token-file", file.to_str().unwrap()])
    }

    /// Keeps something that belongs to the directory until nothing runs there any more.
    pub fn keep(&mut self, fixture: impl Any) {
        self.fixture = Some(Box::new(fixture));
    }

    /// Everything of this house is below this directory.
    pub fn home(&self) -> &Path {
        self.root.path()
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.path("scalers.yaml")
    }

    /// Replaces the configuration; the daemon is not told.
    pub fn write_config(&self, text: &str) {
        fs::write(self.config(), text).unwrap();
    }

    /// A file that jobs write to.
    pub fn ledger(&self) -> Ledger {
        Ledger(self.path("ledger"))
    }

    /// Starts a daemon on the state directory and waits until it is ready.
    pub fn start(&mut self) {
        assert!(self.daemon.is_none(), "one daemon is enough");
        self.starts += 1;
        let command = self.daemon_command();
        self.daemon = Some(Daemon::start(command, self.root.path(), self.starts));
    }

    /// Starts a daemon and ends it with SIGKILL after this long, whatever it has come to.
    pub fn start_and_kill(&mut self, after: Duration) {
        assert!(self.daemon.is_none(), "one daemon is enough");
        self.starts += 1;
        let command = self.daemon_command();
        let mut daemon = Daemon::begin(command, self.root.path(), self.starts);
        // The moment itself is what is chosen; nothing is waited for.
        std::thread::park_timeout(after);
        daemon.kill();
    }

    /// Starts a daemon that is expected not to start.
    pub fn refused(&self) -> Ended {
        Started::new(self.daemon_command()).end()
    }

    /// `up`, as this house has it.
    pub fn daemon_command(&self) -> Command {
        let mut command = command::headcount_through(&self.wrapper);
        command
            .arg("up")
            .arg("-c")
            .arg(self.config())
            .arg("--state-dir")
            .arg(self.state());
        if !self.arguments.iter().any(|argument| argument == "--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(&self.arguments);
        command
    }

    /// The daemon.
    pub fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().unwrap()
    }

    /// Ends the daemon with SIGKILL, in the middle of whatever it does.
    pub fn kill_daemon(&mut self) {
        self.daemon.take().unwrap().kill();
    }

    /// Ends the daemon with SIGTERM and makes sure that it calls that a success.
    pub fn stop_daemon(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.tell(Signal::TERM);
        let status = daemon.end();
        assert_eq!(status.code(), Some(0), "{}", daemon.said());
    }

    /// Its address.
    pub fn url(&self) -> String {
        let text = fs::read_to_string(self.state().join("api.url")).unwrap();
        text.trim().to_owned()
    }

    /// Its API.
    pub fn api(&self) -> Api {
        Api::new(&self.url(), self.token.as_deref())
    }

    /// The command line, pointed at this daemon.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command::headcount();
        command.env("HEADCOUNT_URL", self.url());
        if self.token.is_some() {
            command.env("HEADCOUNT_TOKEN_FILE", self.path("api-token"));
        }
        command.args(arguments);
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        command::run(self.command(arguments), "")
    }

    /// Runs a command to its end, with a text for its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        command::run(self.command(arguments), input)
    }

    /// Runs a command that needs no daemon.
    pub fn run_offline(&self, arguments: &[&str]) -> Ended {
        self.run_offline_with(arguments, &[])
    }

    /// The same, with these variables.
    pub fn run_offline_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = command::headcount();
        command.args(arguments).envs(variables.iter().copied());
        command::run(command, "")
    }

    /// Starts a command.
    pub fn begin(&self, arguments: &[&str]) -> Started {
        Started::new(self.command(arguments))
    }

    /// Every process of this house but the daemon: agents, jobs and what they left behind.
    pub fn processes(&self) -> Vec<Process> {
        let daemon = self.daemon.as_ref().map(|daemon| daemon.process().pid);
        let all = carrying(self.root.path()).into_iter();
        all.filter(|process| Some(process.pid) != daemon).collect()
    }

    /// The process of this agent.
    pub fn agent_process(&self, agent: &str) -> Option<Process> {
        let own = |process: &Process| {
            let id = process.variable("HEADCOUNT_AGENT_ID");
            process.is_agent() && id.as_deref() == Some(agent)
        };
        carrying(self.root.path()).into_iter().find(own)
    }

    /// Waits until nothing of this house runs but the daemon.
    pub fn await_empty(&self) {
        until_or_tell(
            "every agent and every job is gone",
            || self.processes().is_empty().then_some(()),
            || format!("{:?}", self.processes()),
        );
    }

    /// Lets every agent leave, ends the daemon politely, and makes sure that no process is
    /// left behind.
    pub fn close(mut self) {
        let api = self.api();
        let mut scalers: Vec<String> = api.pools().into_iter().map(|pool| pool.scaler).collect();
        scalers.dedup();
        for scaler in scalers {
            let answer = api.post(&format!("/pools/{scaler}/drain"), &serde_json::json!({}));
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        api.when("all agents have left", || {
            api.agents().is_empty().then_some(())
        });
        self.stop_daemon();
        self.await_empty();
        self.closed = true;
    }

    /// For a house whose daemon never started: makes sure that nothing runs.
    pub fn close_unused(mut self) {
        assert!(self.daemon.is_none(), "a daemon runs here");
        assert_eq!(
            self.processes(),
            [],
            "something runs in a house without a daemon"
        );
        self.closed = true;
    }

    fn print(&self) {
        for number in 1..=self.starts {
            let name = format!("daemon-{number}.log");
            let text = fs::read_to_string(self.path(&name)).unwrap_or_default();
            eprintln!("---- {name}\n{text}");
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill();
        }
        // A job may start another process while it is killed, so until none is seen.
        for _ in 0..100 {
            let left = carrying(self.root.path());
            if left.is_empty() {
                break;
            }
            left.iter().for_each(Process::kill);
            std::thread::yield_now();
        }
        if std::thread::panicking() {
            self.print();
        } else {
            assert!(self.closed, "a test must close its house");
        }
    }
}
