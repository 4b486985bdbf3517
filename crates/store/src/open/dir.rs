//! The state directory, and the lock that keeps a second daemon out of it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::OpenError;

/// The lock file in the state directory; it holds the daemon's pid.
pub const LOCK_NAME: &str = "lock";
/// A pid and a line end, with room to spare.
const MAX_PID_BYTES: u64 = 32;
/// What a dead daemon left behind may keep its lock for so long.
const DEAD_HOLD: Duration = Duration::from_secs(5);
/// A daemon that was killed this moment lives until its last file is closed.
const DYING_HOLD: Duration = Duration::from_millis(500);
/// The end of a lock gives no event; so often it is tried again.
const DEAD_GLANCE: Duration = Duration::from_millis(5);

/// A state directory that is ours until the last clone (an open store holds one) is gone.
///
/// The lock belongs to the open file, so it ends with the process, however that ends; it is
/// not passed on to programs the daemon starts.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: Arc<Path>,
    _lock: Arc<File>,
}

impl StateDir {
    /// Makes the directory if needed (readable for this user only; the mode of one that
    /// exists is left as it is) and takes its lock. Waits for a daemon that is dead, or that
    /// may be dying just now, and not for long.
    ///
    /// # Errors
    /// [`OpenError::InUse`] or [`OpenError::Directory`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let unusable = |source| OpenError::Directory {
            dir: path.to_path_buf(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable)?;
        let path = fs::canonicalize(path).map_err(unusable)?;
        let mut lock = open_private(&path.join(LOCK_NAME)).map_err(unusable)?;
        match take(&mut lock).map_err(unusable)? {
            Taken::Ours => {}
            Taken::Theirs(pid) => return Err(OpenError::InUse { dir: path, pid }),
        }
        write_pid(&mut lock).map_err(unusable)?;
        Ok(Self {
            path: Arc::from(path),
            _lock: Arc::new(lock),
        })
    }

    /// The directory, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

enum Taken {
    Ours,
    /// By the process of this pid, if it has written that.
    Theirs(Option<u32>),
}

/// Takes the lock. A daemon that is killed while it starts a program leaves for a moment
/// the process that is about to become that program: until it does, it has the lock too.
fn take(lock: &mut File) -> io::Result<Taken> {
    let begun = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(Taken::Ours),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(source),
        }
        let holder = read_pid(lock);
        let patience = match holder.is_some_and(is_dead) {
            true => DEAD_HOLD,
            false => DYING_HOLD,
        };
        if begun.elapsed() >= patience {
            return Ok(Taken::Theirs(holder));
        }
        std::thread::sleep(DEAD_GLANCE);
    }
}

fn is_dead(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

/// Opens or makes a file that only this user can read, without emptying it.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.rewind().ok()?;
    lock.take(MAX_PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}
