//! Opens the state file: whose it is, whether it is whole, how it is to be written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::dir::open_private;
use super::schema::{APPLICATION_ID, SCHEMA, migrate};
use super::{OpenError, StateDir};
use crate::fault::{Fault, FaultKind};
use crate::store::Options;

/// The state file in the state directory.
pub const FILE_NAME: &str = "headcount.db";

/// Nobody else should have the file open; a backup program may, for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than the store has distinct statements.
const CACHED_STATEMENTS: usize = 64;
/// The write-ahead log is cut back to this after a checkpoint.
const WAL_LIMIT_BYTES: i64 = 64 << 20;
/// What the start checks. The output of jobs is left out: it is by far the largest, and
/// damage there shows when that output is read.
const CHECKED: [&str; 7] = [
    "meta",
    "agents",
    "drained_pools",
    "attempts",
    "jobs",
    "decisions",
    "log_streams",
];

/// Opens the file for the one that writes, makes or migrates it if needed.
pub(crate) fn open_writer(dir: &StateDir, options: &Options) -> Result<Connection, OpenError> {
    let file = dir.join(FILE_NAME);
    let refuse = |fault: Fault| refusal(&file, fault);
    open_private(&file).map_err(|source| refuse(source.into()))?;
    let mut db = connect(&file).map_err(refuse)?;
    let found = identify(&db, &file)?;
    settings(&db, options).map_err(refuse)?;
    if found > 0 {
        check(&db, &file)?;
    }
    migrate(&mut db, found).map_err(|error| refuse(error.into()))?;
    Ok(db)
}

/// Opens the file once more for one that only reads.
pub(crate) fn open_reader(dir: &StateDir) -> Result<Connection, OpenError> {
    let file = dir.join(FILE_NAME);
    let open = || -> Result<Connection, Fault> {
        let db = connect(&file)?;
        db.pragma_update(None, "query_only", true)?;
        Ok(db)
    };
    open().map_err(|fault| refusal(&file, fault))
}

fn connect(file: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    Ok(db)
}

/// The schema of the file, 0 for an empty one. Nothing is written before this is known.
fn identify(db: &Connection, file: &Path) -> Result<u32, OpenError> {
    let read = || -> Result<(i32, u32, bool), Fault> {
        let application = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let schema = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
        let empty = db.query_row(sql, [], |row| row.get(0))?;
        Ok((application, schema, empty))
    };
    let (application, schema, empty) = read().map_err(|fault| refusal(file, fault))?;
    let file = file.to_path_buf();
    match (application, schema) {
        (0, 0) if empty => Ok(0),
        (APPLICATION_ID, 1..=SCHEMA) => Ok(schema),
        (APPLICATION_ID, found) if found > SCHEMA => Err(OpenError::Newer {
            file,
            found,
            known: SCHEMA,
        }),
        _ => Err(OpenError::Foreign { file }),
    }
}

fn settings(db: &Connection, options: &Options) -> Result<(), Fault> {
    // Takes effect only on an empty file, before the first table.
    db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    // What is removed may have been a secret of a job.
    db.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    db.pragma_update_and_check(None, "journal_size_limit", WAL_LIMIT_BYTES, |_| Ok(()))?;
    if let Some(bytes) = options.max_file_bytes {
        let page: u64 = db
            .pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))
            .map(u64::from)?;
        let pages = i64::try_from(bytes / page.max(1)).unwrap_or(i64::MAX);
        db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(())
}

fn check(db: &Connection, file: &Path) -> Result<(), OpenError> {
    for table in CHECKED {
        let sql = format!("PRAGMA quick_check('{table}')");
        let found: Result<String, _> = db.query_row(&sql, [], |row| row.get(0));
        match found {
            Ok(answer) if answer == "ok" => {}
            Ok(detail) => {
                let file = file.to_path_buf();
                return Err(OpenError::Damaged { file, detail });
            }
            Err(error) => return Err(refusal(file, error.into())),
        }
    }
    Ok(())
}

fn refusal(file: &Path, fault: Fault) -> OpenError {
    let file: PathBuf = file.to_path_buf();
    let dir = file.parent().map(Path::to_path_buf).unwrap_or_default();
    let detail = fault.to_string();
    match fault.kind(&dir) {
        FaultKind::Full => OpenError::Full { file },
        FaultKind::Damaged => OpenError::Damaged { file, detail },
        FaultKind::Busy | FaultKind::Refused(_) | FaultKind::Other => {
            OpenError::File { file, detail }
        }
    }
}
