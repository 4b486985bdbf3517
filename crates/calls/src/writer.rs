//! Who writes a log: a process that was started and that nobody noted.
//!
//! Promise: a log that somebody writes is never taken for one that nobody does. Leaves what
//! is done about it to the caller, and the lock itself to [`crate::Call::run_on`].

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::maker::{Maker, started};

/// Who writes into the log of [`Call::run_on`](crate::Call::run_on).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writer {
    /// Nobody any more.
    None,
    /// This one.
    Known(Maker),
    /// Somebody who cannot be found: of another user, or what a program has left behind.
    Unknown,
}

impl Writer {
    /// Of a log. Looks at all processes of this host where there is one.
    ///
    /// # Errors
    /// It cannot be told.
    pub fn of(log: &Path) -> io::Result<Self> {
        let file = match File::open(log) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::None),
            Err(error) => return Err(error),
        };
        if is_free(&file)? {
            return Ok(Self::None);
        }
        let found = writers(&fs::canonicalize(log)?)?;
        let first = found.into_iter().min_by_key(|maker| maker.started);
        match first {
            Some(maker) => Ok(Self::Known(maker)),
            // It may have ended while it was looked for.
            None if is_free(&file)? => Ok(Self::None),
            None => Ok(Self::Unknown),
        }
    }
}

/// Whether nobody writes it; others may be looking as well.
fn is_free(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Those whose standard output is this file.
fn writers(log: &Path) -> io::Result<Vec<Maker>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // What may not be looked at is not ours.
        let writes = fs::read_link(format!("/proc/{pid}/fd/1")).is_ok_and(|to| to == log);
        if writes && let Some(started) = started(pid)? {
            found.push(Maker { pid, started });
        }
    }
    Ok(found)
}
