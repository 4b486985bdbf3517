//! A child process that leads a group of its own.
//!
//! Promise: the group is killed as a whole, and only while its leader is not collected yet,
//! so that its number cannot belong to somebody else; dropped, it is killed and collected.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, test_kill_process_group,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::time::timeout;

use crate::call::{Call, Stop};
use crate::maker::Maker;
use crate::output::{Head, Tail};

/// A file that somebody still writes cannot be executed; a fork beside us may hold it open.
const BUSY_RETRIES: u32 = 10;
const BUSY_STEP: Duration = Duration::from_millis(10);

/// A child that runs, or has ended and is not collected.
pub(crate) struct Child {
    pipes: Pipes,
    process: Process,
}

/// What it is talked to through.
pub(crate) struct Pipes {
    pub(crate) input: Option<Sender>,
    pub(crate) output: Receiver,
    pub(crate) errors: Receiver,
}

/// The process itself.
pub(crate) struct Process {
    pid: Pid,
    watch: AsyncFd<OwnedFd>,
    /// `None` once it is collected.
    child: Option<std::process::Child>,
    /// Its exit code, once it is collected; `None` when a signal ended it.
    code: Option<i32>,
    /// Whether it goes on when nobody waits for it.
    lives_on: bool,
}

/// Why there is no child; each a sentence.
#[derive(Debug)]
pub(crate) enum NoChild {
    /// Nothing ran.
    NotStarted(String),
    /// It ran, could not be watched, and was ended.
    Lost(String),
}

impl Child {
    /// Starts it.
    pub(crate) fn start(call: &Call) -> Result<Self, NoChild> {
        let system = |error: io::Error| NoChild::NotStarted(error.to_string());
        let (input, stdin) = pipe_to().map_err(system)?;
        let (stdout, output) = pipe_from().map_err(system)?;
        let (stderr, errors) = pipe_from().map_err(system)?;
        let mut command = command(call);
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let child = spawn(&mut command).map_err(|error| not_started(&error))?;
        let process = Process::watch(child)?;
        let pipes = Pipes {
            input: Some(input),
            output,
            errors,
        };
        Ok(Self { pipes, process })
    }

    /// Starts it without pipes: it reads nothing and writes here.
    pub(crate) fn start_on(call: &Call, log: &File) -> Result<Process, NoChild> {
        let system = |error: io::Error| NoChild::NotStarted(error.to_string());
        let other = log.try_clone().map_err(system)?;
        let log = log.try_clone().map_err(system)?;
        let mut command = command(call);
        command.stdin(Stdio::null()).stdout(log).stderr(other);
        let child = spawn(&mut command).map_err(|error| not_started(&error))?;
        Process::watch(child)
    }

    pub(crate) fn parts(&mut self) -> (&mut Pipes, &Process) {
        (&mut self.pipes, &self.process)
    }

    /// Who it is, for others than its parent.
    pub(crate) fn who(&self) -> io::Result<Maker> {
        self.process.who()
    }

    /// Whether anybody of its group is left; for a child that has ended, which is collected
    /// by this. Only while somebody is left does the group's number stay taken.
    pub(crate) fn leaves_somebody(&mut self) -> io::Result<bool> {
        self.process.collect()?;
        let left = test_kill_process_group(self.process.pid).is_ok();
        if left {
            // They may have gone by now.
            let _ = kill_process_group(self.process.pid, Signal::KILL);
        }
        Ok(left)
    }

    /// See [`Process::end`].
    pub(crate) async fn end(&mut self, wait: Duration) -> io::Result<Option<i32>> {
        self.process.end(wait).await
    }

    /// Takes what is left in the pipes and waits for nothing.
    pub(crate) fn drain(&self, output: &mut Head, words: &mut Tail) -> Result<(), Stop> {
        output.drain(&self.pipes.output)?;
        words.drain(&self.pipes.errors);
        Ok(())
    }
}

impl Process {
    fn watch(child: std::process::Child) -> Result<Self, NoChild> {
        let opened = pid(&child).and_then(|pid| {
            let watch = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
            Ok((pid, register(watch, Interest::READABLE)?))
        });
        match opened {
            Ok((pid, watch)) => Ok(Self {
                pid,
                watch,
                child: Some(child),
                code: None,
                lives_on: false,
            }),
            Err(error) => {
                give_up(child);
                Err(NoChild::Lost(error.to_string()))
            }
        }
    }

    /// Returns once it has ended. Safe to cancel; it is not collected by this.
    pub(crate) async fn ended(&self) -> io::Result<()> {
        // It stays readable from then on.
        self.watch.readable().await.map(|mut guard| {
            guard.retain_ready();
        })
    }

    /// Kills the group and collects the leader. Its exit code, or `None` if by a signal.
    pub(crate) async fn end(&mut self, wait: Duration) -> io::Result<Option<i32>> {
        self.kill();
        match timeout(wait, self.ended()).await {
            Ok(ended) => ended?,
            Err(_) => return Err(io::Error::other("it cannot be killed")),
        }
        self.collect()
    }

    /// Who it is, for others than its parent.
    pub(crate) fn who(&self) -> io::Result<Maker> {
        Maker::of(self.pid)
    }

    /// From now on being dropped does not end it.
    pub(crate) fn let_go_when_dropped(&mut self) {
        self.lives_on = true;
    }

    /// The exit code of a process that has ended.
    fn collect(&mut self) -> io::Result<Option<i32>> {
        if let Some(mut child) = self.child.take() {
            self.code = child.wait()?.code();
        }
        Ok(self.code)
    }

    fn kill(&self) {
        if self.child.is_some() {
            // Nobody of it may be left.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.lives_on {
            self.kill();
        }
        if let Some(mut child) = self.child.take() {
            // Dead, dying, or let go: somebody must collect it, and nobody waits for that.
            std::thread::spawn(move || child.wait());
        }
    }
}

/// With its variables, and in a group of its own.
fn command(call: &Call) -> Command {
    let mut command = Command::new(&call.program);
    command
        .args(&call.arguments)
        .env_clear()
        .envs(&call.environment)
        .current_dir("/")
        .process_group(0);
    command
}

#[expect(unsafe_code, reason = "tokio wants a promise about descriptors")]
pub(crate) fn register(watch: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` stays open and the same for as long as it is owned, and nothing
    // takes it out before the registration is dropped.
    let registered = unsafe { AsyncFd::register_with_interest(watch, interest) };
    registered.map_err(io::Error::from)
}

/// Ends one that cannot be watched, with its group: it may have begun what it is for.
fn give_up(mut child: std::process::Child) {
    if let Ok(pid) = pid(&child) {
        // Nobody of it may be left.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    // Somebody must collect it, and nobody waits for that.
    std::thread::spawn(move || child.wait());
}

fn pid(child: &std::process::Child) -> io::Result<Pid> {
    let raw = i32::try_from(child.id()).map_err(io::Error::other)?;
    Pid::from_raw(raw).ok_or_else(|| io::Error::other("it has no number"))
}

fn pipe_to() -> io::Result<(Sender, Stdio)> {
    let (read, write) = io::pipe()?;
    Ok((Sender::from_owned_fd(write.into())?, Stdio::from(read)))
}

fn pipe_from() -> io::Result<(Stdio, Receiver)> {
    let (read, write) = io::pipe()?;
    Ok((Stdio::from(write), Receiver::from_owned_fd(read.into())?))
}

fn spawn(command: &mut Command) -> io::Result<std::process::Child> {
    for _ in 0..BUSY_RETRIES {
        match command.spawn() {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::TXTBSY) => {
                std::thread::sleep(BUSY_STEP);
            }
            other => return other,
        }
    }
    command.spawn()
}

fn not_started(error: &io::Error) -> NoChild {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => {
            "; write the path of an executable, and see that what its first line names is there"
        }
        io::ErrorKind::PermissionDenied => "; make it executable, `chmod +x`",
        _ if Errno::from_io_error(error) == Some(Errno::NOEXEC) => {
            "; a script starts with a line such as `#!/bin/sh`"
        }
        _ => "",
    };
    NoChild::NotStarted(format!("{error}{hint}"))
}

#[cfg(test)]
mod tests {
    use std::io::BufRead as _;

    use super::*;

    #[test]
    fn one_that_cannot_be_watched_is_ended_with_its_group() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & echo $!; wait"]);
        shell.process_group(0).stdout(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        let mut line = String::new();
        let mut output = io::BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert!(line.trim().parse::<u32>().is_ok(), "{line}");
        give_up(child);
        // Both hold the pipe, which ends with the last of them.
        assert_eq!(output.read_line(&mut line).unwrap(), 0);
    }
}
