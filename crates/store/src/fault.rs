//! What can go wrong inside, and what it means to a caller.

use std::fmt;
use std::io;
use std::path::Path;

use headcount_ports::StoreError;
use rusqlite::ErrorCode;

/// Less free space than this beside a failed write means that the disk is full.
const NO_ROOM_BYTES: u64 = 1 << 20;

/// What went wrong, before it is known what that means.
#[derive(Debug)]
pub(crate) enum Fault {
    /// SQLite said so.
    Sql(rusqlite::Error),
    /// The system said so.
    Io(io::Error),
    /// A row cannot be read back.
    Row(String),
    /// The caller is at fault; the ledger is fine.
    Refused(StoreError),
}

/// What it means.
pub(crate) enum FaultKind {
    Full,
    Busy,
    Damaged,
    Refused(StoreError),
    Other,
}

impl Fault {
    /// What it means; `dir` is where the file lives.
    pub(crate) fn kind(self, dir: &Path) -> FaultKind {
        match self {
            Self::Refused(error) => FaultKind::Refused(error),
            Self::Row(_) => FaultKind::Damaged,
            Self::Io(error) if error.kind() == io::ErrorKind::StorageFull => FaultKind::Full,
            Self::Io(_) => FaultKind::Other,
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => FaultKind::Full,
                Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if no_room(dir) => {
                    FaultKind::Full
                }
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => FaultKind::Busy,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => FaultKind::Damaged,
                _ => FaultKind::Other,
            },
        }
    }

    /// What the caller of a port is told.
    pub(crate) fn into_store_error(self, dir: &Path) -> StoreError {
        let detail = self.to_string();
        let file = dir.join(crate::FILE_NAME);
        let file = file.display();
        match self.kind(dir) {
            FaultKind::Refused(error) => error,
            FaultKind::Full => StoreError::Full(format!(
                "{file} cannot grow; free some space there, what was accepted is kept"
            )),
            FaultKind::Busy => StoreError::Busy(format!("{file}: {detail}")),
            FaultKind::Damaged => StoreError::Broken(format!(
                "state file {file} is damaged: {detail}; stop the daemon and restore the file \
                 from a backup"
            )),
            FaultKind::Other => {
                StoreError::Broken(format!("state file {file} cannot be used: {detail}"))
            }
        }
    }
}

fn no_room(dir: &Path) -> bool {
    rustix::fs::statvfs(dir)
        .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < NO_ROOM_BYTES)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Row(detail) => f.write_str(detail),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}
