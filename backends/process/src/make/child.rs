//! What the child does between fork and exec.
//!
//! Promise: only system calls on what was opened before; no allocation, no lock, because
//! another thread of the daemon may have held any when it was copied. Each step's failure is
//! told apart from exec's own by [`split`].

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::cgroup::Group;

/// Where the step that failed stands in an error number.
const STEP_SHIFT: i32 = 16;
const IN_SESSION: i32 = 1;
const IN_RECORD: i32 = 2;
const IN_CGROUP: i32 = 3;
const IN_CAPABILITIES: i32 = 4;

/// The longest line is "process <10 digits> <20 digits> <36>".
const MAX_LINE: usize = 128;
/// `/proc/self/stat` is shorter.
const MAX_STAT: usize = 2048;

/// What the child needs, opened beforehand. The record is locked: the child's copy of it
/// holds the lock until exec closes it.
pub(super) struct Entry {
    record: File,
    doors: Vec<File>,
    boot: String,
}

impl Entry {
    pub(super) fn new(record: &File, group: &Group, boot: &str) -> io::Result<Self> {
        Ok(Self {
            record: record.try_clone()?,
            doors: group.doors()?,
            boot: boot.to_owned(),
        })
    }

    /// Has the child run it.
    #[expect(
        unsafe_code,
        reason = "the record and the cgroup must be in place before exec, and only the child \
                  can do that; `run` makes system calls and nothing else"
    )]
    pub(super) fn prepare(self, command: &mut Command) {
        // SAFETY: `run` is async-signal-safe: it allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(move || self.run());
        }
    }

    fn run(&self) -> io::Result<()> {
        rustix::process::setsid().map_err(|errno| failed(IN_SESSION, errno))?;
        self.append_record()
            .map_err(|errno| failed(IN_RECORD, errno))?;
        for door in &self.doors {
            // Zero is whoever writes.
            rustix::io::write(door, b"0").map_err(|errno| failed(IN_CGROUP, errno))?;
        }
        drop_ambient_rights()
    }

    fn append_record(&self) -> Result<(), Errno> {
        let mut stat = [0; MAX_STAT];
        let length = read_own_stat(&mut stat)?;
        let stat = stat.get(..length).unwrap_or_default();
        let mut line = Line::default();
        let (pid, start) = pid_and_start(stat).ok_or(Errno::INVAL)?;
        for piece in [
            b"process " as &[u8],
            pid,
            b" ",
            start,
            b" ",
            self.boot.as_bytes(),
            b"\n",
        ] {
            line.push(piece).ok_or(Errno::OVERFLOW)?;
        }
        // One piece, so that it is there or not.
        let written = rustix::io::write(&self.record, line.bytes())?;
        match written == line.bytes().len() {
            true => Ok(()),
            false => Err(Errno::NOSPC),
        }
    }
}

/// What the daemon may do as an ambient right, such as put rules into the kernel, would
/// pass through exec to the agent and to every job. It is the last step: a cgroup may need
/// such a right to be entered.
fn drop_ambient_rights() -> io::Result<()> {
    let cleared = rustix::thread::clear_ambient_capability_set();
    cleared.map_err(|errno| failed(IN_CAPABILITIES, errno))
}

fn read_own_stat(buffer: &mut [u8]) -> Result<usize, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(c"/proc/self/stat", flags, Mode::empty())?;
    rustix::io::read(&file, buffer)
}

/// Fields 1 and 22, as they are written; the name in field 2 may hold anything.
fn pid_and_start(stat: &[u8]) -> Option<(&[u8], &[u8])> {
    let pid = stat.split(|byte| *byte == b' ').next()?;
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = stat.get(name_end + 2..)?.split(|byte| *byte == b' ');
    let start = fields.nth(22 - 3)?;
    Some((pid, start))
}

/// A line without an allocation.
struct Line {
    bytes: [u8; MAX_LINE],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            bytes: [0; MAX_LINE],
            length: 0,
        }
    }
}

impl Line {
    fn push(&mut self, piece: &[u8]) -> Option<()> {
        let end = self.length.checked_add(piece.len())?;
        let room = self.bytes.get_mut(self.length..end)?;
        room.copy_from_slice(piece);
        self.length = end;
        Some(())
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// An error that says which step failed; only its number reaches the daemon.
fn failed(step: i32, errno: Errno) -> io::Error {
    io::Error::from_raw_os_error(step << STEP_SHIFT | errno.raw_os_error())
}

/// What the child was about, and the system's error; `None` is exec itself.
pub(super) fn split(error: &io::Error) -> (Option<&'static str>, io::Error) {
    let number = error.raw_os_error().unwrap_or_default();
    let step = match number >> STEP_SHIFT {
        IN_SESSION => Some("give it a session of its own"),
        IN_RECORD => Some("write its process down"),
        IN_CGROUP => Some("put it into its cgroup"),
        IN_CAPABILITIES => Some("take the daemon's ambient capabilities from it"),
        _ => None,
    };
    let number = number & ((1 << STEP_SHIFT) - 1);
    (step, io::Error::from_raw_os_error(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procfs::Stat;

    #[test]
    fn the_childs_reading_of_stat_is_the_daemons() {
        let mut buffer = [0; MAX_STAT];
        let length = read_own_stat(&mut buffer).unwrap();
        let (pid, start) = pid_and_start(&buffer[..length]).unwrap();
        let stat = Stat::parse(&buffer[..length]).unwrap();
        assert_eq!(pid, stat.key.pid.to_string().as_bytes());
        assert_eq!(start, stat.key.start.to_string().as_bytes());
        let odd = b"42 (a) b) S 7 41 40 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 977 1";
        assert_eq!(pid_and_start(odd), Some((b"42" as &[u8], b"977" as &[u8])));
    }

    #[test]
    fn lines_do_not_overflow() {
        let mut line = Line::default();
        assert!(line.push(&[b'x'; MAX_LINE]).is_some());
        assert!(line.push(b"y").is_none());
        assert_eq!(line.bytes(), [b'x'; MAX_LINE]);
    }

    #[test]
    fn steps_are_told_apart_from_exec() {
        let (step, error) = split(&failed(IN_CGROUP, Errno::BUSY));
        assert_eq!(step, Some("put it into its cgroup"));
        assert_eq!(error.raw_os_error(), Some(16));
        let (step, error) = split(&io::Error::from_raw_os_error(2));
        assert_eq!((step, error.raw_os_error()), (None, Some(2)));
    }
}
