//! Threads that read. Each question sees one moment of the file and never waits for the
//! writer.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use headcount_ports::StoreError;
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::fault::Fault;
use crate::open::StateDir;

/// How many there are: a long list does not keep a short look waiting.
pub(crate) const READERS: usize = 2;

/// A question, with the way back to who asked.
pub(crate) type Read = Box<dyn FnOnce(&Connection, &Path) + Send>;

/// Answers questions until every asker is gone.
pub(crate) fn read_all(db: &Connection, dir: &StateDir, asked: &Arc<Mutex<mpsc::Receiver<Read>>>) {
    loop {
        let next = asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        match next {
            Some(read) => read(db, dir.path()),
            None => return,
        }
    }
}

/// Reads within one snapshot.
pub(crate) fn snapshot<T>(
    db: &Connection,
    dir: &Path,
    read: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, StoreError> {
    let within = || -> Result<T, Fault> {
        let snapshot = db.unchecked_transaction()?;
        let found = read(&snapshot)?;
        snapshot.commit()?;
        Ok(found)
    };
    within().map_err(|fault| fault.into_store_error(dir))
}
