//! A process that outlives whoever started it, and is found again.
//!
//! Promise: a number that belongs to another process by now is not taken for it, and nobody
//! else is ended.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::str::FromStr;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal,
    test_kill_process_group,
};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{sleep, timeout};

use crate::call::KILL_WAIT;
use crate::child::register;

/// Milliseconds of a tick of proc(5), `USER_HZ`: 100 a second on all that we run on.
const TICK: u64 = 10;

/// Which process, for as long as this host runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Maker {
    /// Its number.
    pub pid: i32,
    /// When it was started, in the kernel's ticks since this host was.
    pub started: u64,
}

impl Maker {
    /// Of a child that is not collected yet, so that its number is its own.
    pub(crate) fn of(pid: Pid) -> io::Result<Self> {
        let pid = pid.as_raw_nonzero().get();
        let (_, started) = stat(pid)?.ok_or_else(|| io::Error::other("it is collected"))?;
        Ok(Self { pid, started })
    }

    /// Whether it runs. What cannot be told counts as running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        match started(self.pid) {
            Ok(now) => now == Some(self.started),
            Err(_) => true,
        }
    }

    /// Returns once it has ended.
    ///
    /// # Errors
    /// It cannot be told.
    pub async fn ended(&self) -> io::Result<()> {
        match self.watch()? {
            Some(watch) => watch.readable().await.map(drop),
            None => Ok(()),
        }
    }

    /// Returns once nothing of the group that it leads can run any more: awaits its end at
    /// most so long, and then kills all of it. Where it has ended before this was asked, a
    /// group of its number may be what it left or somebody else's: that is awaited for as
    /// long, and not touched.
    ///
    /// # Errors
    /// It cannot be told, or it cannot be killed.
    pub async fn end_within(&self, wait: Duration) -> io::Result<()> {
        let Some(watch) = self.watch()? else {
            if self.may_have_left() {
                sleep(wait).await;
            }
            return Ok(());
        };
        match timeout(wait, watch.readable()).await {
            Err(_) => self.kill()?,
            // It has ended this moment, so its number is nobody else's yet.
            Ok(_) => self.kill_group(),
        }
        match timeout(KILL_WAIT, watch.readable()).await {
            Ok(ended) => ended.map(drop),
            Err(_) => Err(io::Error::other("it cannot be killed")),
        }
    }

    /// Its end, to be awaited; `None` when it has ended.
    fn watch(&self) -> io::Result<Option<AsyncFd<OwnedFd>>> {
        let handle = self.handle(PidfdFlags::NONBLOCK)?;
        let watch = handle.map(|handle| register(handle, Interest::READABLE));
        watch.transpose()
    }

    /// Itself, whoever gets its number; `None` when it has ended.
    fn handle(&self, flags: PidfdFlags) -> io::Result<Option<OwnedFd>> {
        let pid = Pid::from_raw(self.pid).ok_or_else(|| io::Error::other("no process"))?;
        let handle = match pidfd_open(pid, flags) {
            Ok(handle) => handle,
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Asked after it was opened: nobody else can have the number from now on.
        Ok((started(self.pid)? == Some(self.started)).then_some(handle))
    }

    /// Whether there is a group of its number.
    fn may_have_left(&self) -> bool {
        let group = Pid::from_raw(self.pid).map(test_kill_process_group);
        group.is_some_and(|there| there != Err(Errno::SRCH))
    }

    /// How long ago it was started, the time this host slept included.
    #[must_use]
    pub fn age(&self) -> Duration {
        let up = clock_gettime(ClockId::Boottime);
        let up = Duration::new(
            u64::try_from(up.tv_sec).unwrap_or(0),
            u32::try_from(up.tv_nsec).unwrap_or(0),
        );
        up.saturating_sub(Duration::from_millis(self.started.saturating_mul(TICK)))
    }

    /// Kills it with its group, if it runs. It may take a moment to end.
    ///
    /// # Errors
    /// It may not be killed, or that cannot be told.
    pub fn kill(&self) -> io::Result<()> {
        let Some(handle) = self.handle(PidfdFlags::empty())? else {
            return Ok(());
        };
        // While it stands still it does not end, so the number stays its own and its group's.
        match pidfd_send_signal(&handle, Signal::STOP) {
            Ok(()) => {}
            Err(Errno::SRCH) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if started(self.pid)? == Some(self.started) {
            self.kill_group();
        }
        match pidfd_send_signal(&handle, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Only while its number is its own. One that leads no group has none to kill.
    fn kill_group(&self) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// `<pid> <start>`.
impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.started)
    }
}

impl FromStr for Maker {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pid, started) = text.split_once(' ').unwrap_or((text, ""));
        Ok(Self {
            pid: pid.parse()?,
            started: started.parse()?,
        })
    }
}

/// When a process was started; `None` when there is none, or only what is not collected.
pub(crate) fn started(pid: i32) -> io::Result<Option<u64>> {
    let found = stat(pid)?;
    let found = found.filter(|(state, _)| !matches!(state.as_str(), "Z" | "X"));
    Ok(found.map(|(_, started)| started))
}

/// State and start of a process, collected or not; `None` when there is none.
fn stat(pid: i32) -> io::Result<Option<(String, u64)>> {
    let stat = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The name may have blanks and brackets in it; proc(5) counts fields from 1.
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let mut fields = fields.split(' ');
    let state = fields.next();
    let started = fields.nth(18).and_then(|field| field.parse().ok());
    match (state, started) {
        (Some(state), Some(started)) => Ok(Some((state.to_owned(), started))),
        _ => Err(io::Error::other("/proc has another form")),
    }
}
