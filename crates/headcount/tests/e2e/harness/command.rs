//! The command line, as a user types it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};

use rustix::process::{Pid, Signal, kill_process};

use super::patience::{PATIENCE, until};
use super::processes::Process;

/// Variables of whoever runs the tests that would change what is tested.
const FOREIGN: [&str; 17] = [
    "HEADCOUNT_URL",
    "HEADCOUNT_TOKEN_FILE",
    "HEADCOUNT_STATE_DIR",
    "HEADCOUNT_LISTEN",
    "HEADCOUNT_AGENT_LISTEN",
    "HEADCOUNT_AGENT_CERT",
    "HEADCOUNT_AGENT_KEY",
    "HEADCOUNT_AGENT_CA",
    "HEADCOUNT_ORCHESTRATOR_URL",
    "HEADCOUNT_LOG",
    "HEADCOUNT_SCALER_CONFIG_PATH",
    "HEADCOUNT_SCALER_CONFIG_DIR",
    "KICI_SCALER_CONFIG_PATH",
    "KICI_SCALER_CONFIG_DIR",
    "STATE_DIRECTORY",
    "NOTIFY_SOCKET",
    "RUST_BACKTRACE",
];

/// The binary under test, with none of the variables that would change what it does.
pub fn headcount() -> Command {
    headcount_through(&[])
}

/// The same, started by these words.
pub fn headcount_through(words: &[String]) -> Command {
    let binary = env!("CARGO_BIN_EXE_headcount");
    let mut command = match words.split_first() {
        Some((program, rest)) => {
            let mut command = Command::new(program);
            command.args(rest).arg(binary);
            command
        }
        None => Command::new(binary),
    };
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// A command that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code; 128 and more when a signal ended it.
    pub code: i32,
    /// Bytes of its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let signal = output.status.signal().map(|signal| 128 + signal);
        Self {
            code: output.status.code().or(signal).unwrap(),
            out: output.stdout,
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Its standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.out.clone()).unwrap()
    }

    /// Its standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same, having made sure that it did what it was asked.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

/// A command that runs.
pub struct Started(Child);

impl Started {
    /// Starts it; its output is kept.
    pub fn new(mut command: Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Sends a signal, as a terminal or a shell does.
    pub fn tell(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits for its end. One that does not end is killed, which its exit code then says.
    pub fn end(self) -> Ended {
        let process = Process::find(self.0.id().try_into().unwrap());
        let (ended, watch) = mpsc::channel::<()>();
        let watchman = std::thread::spawn(move || {
            if watch.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                process.iter().for_each(Process::kill);
            }
        });
        let output = self.0.wait_with_output().unwrap();
        drop(ended);
        watchman.join().unwrap();
        Ended::of(output)
    }
}

/// Runs it to its end, with a text for its standard input.
pub fn run(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped());
    let mut started = Started::new(command);
    let mut stdin = started.0.stdin.take().unwrap();
    let input = input.to_owned();
    // Written beside reading, so that neither waits for the other.
    let writer = std::thread::spawn(move || {
        // A command that does not read its input is no failure.
        let _ = stdin.write_all(input.as_bytes());
    });
    let ended = started.end();
    writer.join().unwrap();
    ended
}

/// Waits for a file to have something in it, and gives that.
pub fn content(path: &Path) -> String {
    let path: PathBuf = path.to_path_buf();
    until(&format!("{} has a line", path.display()), || {
        let text = std::fs::read_to_string(&path).ok()?;
        text.ends_with('\n').then_some(text)
    })
}
