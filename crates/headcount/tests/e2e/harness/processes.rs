//! The processes of this host, as `/proc` shows them.
//!
//! Promise: a process counts as ours when its arguments, its environment or its directory
//! name the house's directory, which agents and jobs do without knowing of the tests. A
//! process is known by pid and start time, never by its pid alone.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::patience::until;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Fields of `/proc/PID/stat`, counted from the one after the program's name.
const STATE: usize = 0;
const PARENT: usize = 1;
const START_TIME: usize = 19;

/// One process.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it started, in ticks since boot.
    start: u64,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Process {
    /// The process that has this pid now, unless it has ended.
    pub fn find(pid: i32) -> Option<Self> {
        let Stat { state, start, .. } = stat(pid)?;
        let args = arguments(&fs::read(format!("/proc/{pid}/cmdline")).ok()?);
        (state != 'Z').then_some(Self { pid, start, args })
    }

    /// Whether it has not ended. One that nobody has waited for has ended.
    pub fn lives(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.state != 'Z' && stat.start == self.start)
    }

    /// Whether it is an agent. A process that an agent is about to turn into a job looks
    /// like the agent for a moment, and is none.
    pub fn is_agent(&self) -> bool {
        let looks = |args: &[String]| args.len() == 2 && args[1] == "agent";
        let parent = stat(self.pid).and_then(|stat| Self::find(stat.parent));
        looks(&self.args) && !parent.is_some_and(|parent| looks(&parent.args))
    }

    /// What its environment says, if that can be read.
    pub fn variable(&self, name: &str) -> Option<String> {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        let prefix = format!("{name}=");
        arguments(&environment)
            .iter()
            .find_map(|pair| pair.strip_prefix(&prefix).map(str::to_owned))
    }

    /// Resident memory, in KiB.
    pub fn resident_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it at once, and waits until it has ended.
    pub fn end(&self) {
        self.kill();
        until("a killed process is dead", || (!self.lives()).then_some(()));
    }

    /// Ends it at once, and nobody else who got its pid meanwhile.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return;
        };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            return;
        };
        // The handle is of whoever has the pid now; only then is it checked who that is.
        if self.lives() {
            // It may end on its own at this very moment.
            let _ = pidfd_send_signal(&handle, signal);
        }
    }
}

/// All processes that carry this directory in arguments, environment or current directory.
pub fn carrying(mark: &Path) -> Vec<Process> {
    let needle = mark.as_os_str().as_bytes();
    let own = i32::try_from(std::process::id()).unwrap();
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| *pid != own && carries(*pid, needle))
        .filter_map(Process::find)
        .collect()
}

fn carries(pid: i32, needle: &[u8]) -> bool {
    // What has ended meanwhile, or belongs to somebody else, is not readable and not ours.
    let holds = |name: &str| {
        let text = fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        text.windows(needle.len()).any(|window| window == needle)
    };
    let here = fs::read_link(format!("/proc/{pid}/cwd"));
    holds("cmdline")
        || holds("environ")
        || here.is_ok_and(|dir| dir.as_os_str().as_bytes().starts_with(needle))
}

fn arguments(zero_ended: &[u8]) -> Vec<String> {
    let words = zero_ended.split(|byte| *byte == 0);
    let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
    let mut words: Vec<String> = words.collect();
    words.pop();
    words
}

/// What the kernel tells of a process.
struct Stat {
    state: char,
    parent: i32,
    start: u64,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name may hold anything, so what follows it is found from the right.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    Some(Stat {
        state: fields.get(STATE)?.chars().next()?,
        parent: fields.get(PARENT)?.parse().ok()?,
        start: fields.get(START_TIME)?.parse().ok()?,
    })
}
