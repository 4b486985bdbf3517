//! The lock of one pool: a real file lock, which ends with whoever holds it, however that
//! ends. Its file is never removed, so that everybody locks the same one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Whoever holds the lock writes one small file; nobody waits longer than this for it.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The end of a lock gives no event: it is tried again so soon, then after twice as long.
const FIRST_GLANCE: Duration = Duration::from_millis(1);
const LONGEST_GLANCE: Duration = Duration::from_millis(20);

/// The lock, until this is dropped.
pub(crate) struct Locked {
    _file: File,
    /// Nobody had ever locked this pool before.
    pub(crate) first: bool,
}

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum LockError {
    /// Somebody held it all the time.
    Busy,
    /// It cannot be opened or taken at all.
    Io(io::Error),
}

/// Takes the lock at `path`, which blocks this thread for up to `patience`.
pub(crate) fn lock(path: &Path, patience: Duration) -> Result<Locked, LockError> {
    let (file, first) = open(path).map_err(LockError::Io)?;
    let deadline = Instant::now() + patience;
    let mut glance = FIRST_GLANCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Locked { _file: file, first }),
            Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(LockError::Busy);
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(glance),
        }
        glance = (glance * 2).min(LONGEST_GLANCE);
    }
}

/// Opens the file, and says whether this made it. What another user made may be locked
/// by whoever can read it.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let new = OpenOptions::new().write(true).create_new(true).open(path);
    match new {
        Ok(file) => Ok((file, true)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok((OpenOptions::new().read(true).open(path)?, false))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_waited_for_and_no_longer_than_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("host.lock");
        let held = lock(&path, Duration::ZERO).unwrap();
        assert!(held.first);
        assert!(matches!(
            lock(&path, Duration::from_millis(10)),
            Err(LockError::Busy)
        ));
        drop(held);
        assert!(!lock(&path, Duration::ZERO).unwrap().first);
    }
}
