//! One daemon process: started, told, killed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::patience::{PATIENCE, until};
use super::processes::Process;

/// How often it is looked whether the daemon ended instead of becoming ready.
const GLANCE: Duration = Duration::from_millis(50);

/// A daemon that runs.
pub struct Daemon {
    child: Child,
    notices: UnixDatagram,
    log: PathBuf,
}

impl Daemon {
    /// Starts it and waits until it tells its service manager that it is ready.
    ///
    /// # Panics
    /// It ended instead, or did not become ready; with what it said.
    pub fn start(command: Command, home: &Path, number: usize) -> Self {
        let mut daemon = Self::begin(command, home, number);
        daemon.await_notice("READY=1");
        daemon
    }

    /// Starts it, and does not wait for anything.
    pub fn begin(mut command: Command, home: &Path, number: usize) -> Self {
        let log = home.join(format!("daemon-{number}.log"));
        let socket = home.join(format!("notify-{number}"));
        let notices = UnixDatagram::bind(&socket).unwrap();
        let file = File::create(&log).unwrap();
        let command = command.env("NOTIFY_SOCKET", &socket);
        let command = command.stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap();
        Self {
            child,
            notices,
            log,
        }
    }

    /// Waits for a word to the service manager.
    pub fn await_notice(&mut self, word: &str) {
        let deadline = Instant::now() + PATIENCE;
        self.notices.set_read_timeout(Some(GLANCE)).unwrap();
        let mut buffer = [0; 4096];
        while Instant::now() < deadline {
            match self.notices.recv(&mut buffer) {
                Ok(length) => {
                    let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    if text.lines().any(|line| line == word) {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!(
                    "the daemon ended with {status} instead of {word}:\n{}",
                    self.said()
                );
            }
        }
        panic!("the daemon did not say {word}:\n{}", self.said());
    }

    /// Everything it logged.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal.
    pub fn tell(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until it has ended.
    pub fn end(&mut self) -> ExitStatus {
        let what = "the daemon ends";
        until(what, || self.child.try_wait().unwrap())
    }

    /// Ends it at once, in the middle of whatever it does.
    pub fn kill(&mut self) {
        // It may have ended already: then there is nothing to kill.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// As a process.
    pub fn process(&self) -> Process {
        Process::find(self.pid().as_raw_nonzero().get()).unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}
