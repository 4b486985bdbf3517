//! One process at a time: who it is, whether it lives, and how to signal it safely.
//!
//! Promise: a [`ProcessKey`] names one process of this boot for ever, and a [`Handle`] acts
//! on that process or on none. Leaves to others: looking at all processes (`census`).

use std::fs;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use headcount_model::Exit;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

/// 52 numbers of 20 digits at most, and a name.
const MAX_STAT: usize = 2048;
/// A process that does no more than wait to be collected.
const ZOMBIE: u8 = b'Z';
const DEAD: u8 = b'X';
/// `PF_KTHREAD`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// A process, told apart from others that had or will have its pid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ProcessKey {
    pub(crate) pid: i32,
    /// Clock ticks from boot to its start: field 22 of `/proc/<pid>/stat`.
    pub(crate) start: u64,
}

/// What `/proc/<pid>/stat` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stat {
    pub(crate) key: ProcessKey,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
    state: u8,
    flags: u64,
}

impl Stat {
    /// The process as it is now; `None` when there is none.
    pub(crate) fn read(pid: i32) -> io::Result<Option<Self>> {
        // The kernel gives it in one piece.
        let mut text = [0; MAX_STAT];
        let file = File::open(format!("/proc/{pid}/stat"));
        match file.and_then(|mut file| file.read(&mut text)) {
            Ok(length) => match text.get(..length).and_then(Self::parse) {
                Some(stat) => Ok(Some(stat)),
                None => Err(io::Error::other(format!(
                    "/proc/{pid}/stat is not understood"
                ))),
            },
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The name in field 2 may hold blanks and brackets: fields count from its last bracket.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')')?;
        let pid = std::str::from_utf8(text.get(..open)?).ok()?;
        let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
        let mut fields = [""; 22 - 2];
        for (field, text) in fields.iter_mut().zip(rest.split_ascii_whitespace()) {
            *field = text;
        }
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Self {
            key: ProcessKey {
                pid: pid.trim().parse().ok()?,
                start: field(22)?.parse().ok()?,
            },
            parent: field(4)?.parse().ok()?,
            group: field(5)?.parse().ok()?,
            session: field(6)?.parse().ok()?,
            state: *field(3)?.as_bytes().first()?,
            flags: field(9)?.parse().ok()?,
        })
    }

    /// Whether it still executes (or could).
    pub(crate) const fn lives(&self) -> bool {
        self.state != ZOMBIE && self.state != DEAD
    }

    /// Whether it is a part of the kernel.
    pub(crate) const fn is_kernel(&self) -> bool {
        self.flags & KERNEL_THREAD != 0
    }
}

/// Whether an error of `/proc` means that the process is gone.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::NOENT | Errno::SRCH))
}

/// A hold on one process. While it lives, signals reach it and nothing else.
#[derive(Debug)]
pub(crate) struct Handle {
    key: ProcessKey,
    pidfd: OwnedFd,
}

impl Handle {
    /// A hold on the process, or `None` when it is gone (a zombie is still held).
    ///
    /// The start time is read *behind* the pidfd, so what was compared is what is held.
    pub(crate) fn open(key: ProcessKey) -> io::Result<Option<Self>> {
        let Some(pid) = Pid::from_raw(key.pid) else {
            return Ok(None);
        };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            // EINVAL: the number is now a thread of another process.
            Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let same = Stat::read(key.pid)?.is_some_and(|stat| stat.key == key);
        Ok(same.then_some(Self { key, pidfd }))
    }

    pub(crate) const fn key(&self) -> ProcessKey {
        self.key
    }

    /// Sends a signal; a process that has ended needs none.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it has ended, waiting for that until `deadline` at most.
    pub(crate) fn wait_until(&self, deadline: Instant) -> io::Result<bool> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
            match poll(&mut fds, Some(&timespec(left))) {
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> io::Result<bool> {
        self.wait_until(Instant::now())
    }

    /// How a child of ours ended, leaving it to be collected, so that its number is not
    /// given to another process. Unknown for what is not our child.
    pub(crate) fn exit(&self) -> Exit {
        self.status(WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT)
    }

    /// Collects a child of ours that has ended; does nothing for what is not our child.
    pub(crate) fn collect(&self) {
        self.status(WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }

    fn status(&self, options: WaitIdOptions) -> Exit {
        match waitid(WaitId::PidFd(self.pidfd.as_fd()), options) {
            Ok(Some(status)) => status
                .exit_status()
                .map(Exit::Code)
                .or_else(|| status.terminating_signal().map(Exit::Signal))
                .unwrap_or(Exit::Unknown),
            Ok(None) | Err(_) => Exit::Unknown,
        }
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl AsRawFd for Handle {
    fn as_raw_fd(&self) -> RawFd {
        self.pidfd.as_raw_fd()
    }
}

/// This boot's id; a process of another boot is gone.
pub(crate) fn boot_id() -> io::Result<String> {
    let text = fs::read_to_string(BOOT_ID)?;
    Ok(text.trim().to_owned())
}

/// Where the kernel tells it.
pub(crate) const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(span.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn stat_survives_any_process_name() {
        let text = b"42 (a) b (c)) S 7 41 40 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 977 1 2 3";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(
            stat.key,
            ProcessKey {
                pid: 42,
                start: 977
            }
        );
        assert_eq!((stat.parent, stat.group, stat.session), (7, 41, 40));
        assert!(stat.lives() && !stat.is_kernel());
        assert_eq!(Stat::parse(b"42 (cut) S 7"), None);
        assert_eq!(Stat::parse(b""), None);
    }

    #[test]
    fn a_handle_holds_only_the_process_that_was_meant() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let key = Stat::read(pid).unwrap().unwrap().key;
        let other = ProcessKey {
            start: key.start + 1,
            ..key
        };
        assert!(Handle::open(other).unwrap().is_none());
        let handle = Handle::open(key).unwrap().unwrap();
        assert!(!handle.has_ended().unwrap());
        handle.signal(Signal::KILL).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        assert!(handle.wait_until(deadline).unwrap());
        assert_eq!(handle.exit(), Exit::Signal(9));
        assert!(Stat::read(pid).unwrap().is_some(), "still to be collected");
        child.wait().unwrap();
        assert!(Handle::open(key).unwrap().is_none());
        handle.signal(Signal::KILL).unwrap();
    }

    #[test]
    fn exit_codes_of_children_are_known() {
        let mut child = Command::new("sh")
            .args(["-c", "read line; exit 7"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let key = Stat::read(pid).unwrap().unwrap().key;
        let handle = Handle::open(key).unwrap().unwrap();
        drop(child.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(10);
        assert!(handle.wait_until(deadline).unwrap());
        assert_eq!(handle.exit(), Exit::Code(7));
        handle.collect();
        assert_eq!(Stat::read(pid).unwrap(), None);
        assert!(child.wait().is_err(), "it has been collected");
    }
}
