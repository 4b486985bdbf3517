//! The handle on the open store.

use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use headcount_ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::fault::Fault;
use crate::logs::Followers;
use crate::open::{OpenError, StateDir, open_reader, open_writer};
use crate::prune::Retention;
use crate::thread::{Pending, READERS, Read, Step, Write, Writer, read_all, snapshot};

/// Writes that may wait for the writer; whoever asks for more waits before asking.
const MAX_WAITING_WRITES: usize = 1024;
/// Questions that may wait for a reader.
const MAX_WAITING_READS: usize = 1024;

/// What can be chosen of a store.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// What [`prune`](SqliteStore::prune) keeps.
    pub retention: Retention,
    /// The file never grows beyond this many bytes; it is then as good as a full disk.
    /// `None` leaves it to the disk.
    pub max_file_bytes: Option<u64>,
}

/// The open store: ledger, job book and log book in one. A clone is another handle; the
/// last one to go closes the file, after everything asked for is written.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    writes: Option<mpsc::Sender<Box<dyn Step>>>,
    reads: Option<mpsc::Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
    followers: Arc<Followers>,
    retention: Retention,
}

impl SqliteStore {
    /// Opens the state file of a directory: makes it if there is none, checks and migrates
    /// it if there is. Blocks; called once, at start.
    ///
    /// # Errors
    /// The file cannot be used; the text says what to do.
    pub fn open(dir: &StateDir, options: Options) -> Result<Self, OpenError> {
        let db = open_writer(dir, &options)?;
        let followers = Arc::new(Followers::default());
        let (writes, waiting) = mpsc::channel(MAX_WAITING_WRITES);
        let (reads, asked) = mpsc::channel(MAX_WAITING_READS);
        let mut inner = Inner {
            writes: Some(writes),
            reads: Some(reads),
            threads: Vec::new(),
            followers: Arc::clone(&followers),
            retention: options.retention,
        };
        let writer = Writer {
            db,
            dir: dir.clone(),
            followers,
            waiting,
        };
        inner.spawn(dir, "ledger-writer", move || writer.run())?;
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..READERS {
            let (db, asked) = (open_reader(dir)?, Arc::clone(&asked));
            let reader_dir = dir.clone();
            let run = move || read_all(&db, &reader_dir, &asked);
            inner.spawn(dir, "ledger-reader", run)?;
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Asks for a write and waits until it is durable. Once asked for, it is carried out
    /// even if the caller stops waiting.
    pub(crate) async fn write<W: Write>(&self, write: W) -> Result<W::Answer, StoreError> {
        let (caller, answer) = oneshot::channel();
        let step = Box::new(Pending::new(write, caller));
        let writes = self.0.writes.as_ref().ok_or_else(closed)?;
        writes.send(step).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Reads one moment of the file.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (asker, answer) = oneshot::channel();
        let read: Read = Box::new(move |db, dir| {
            // An asker that has gone away does not need it.
            if !asker.is_closed() {
                drop(asker.send(snapshot(db, dir, read)));
            }
        });
        let reads = self.0.reads.as_ref().ok_or_else(closed)?;
        reads.send(read).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub(crate) fn followers(&self) -> &Arc<Followers> {
        &self.0.followers
    }

    pub(crate) fn retention(&self) -> &Retention {
        &self.0.retention
    }
}

impl Inner {
    fn spawn(
        &mut self,
        dir: &StateDir,
        name: &str,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), OpenError> {
        let spawned = Builder::new().name(name.to_string()).spawn(run);
        let thread = spawned.map_err(|error| OpenError::File {
            file: dir.join(crate::FILE_NAME),
            detail: format!("no thread for it: {error}"),
        })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Inner {
    /// Lets the threads finish what was asked for and waits for them, so that the file is
    /// closed and the directory free once the last handle is gone.
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so itself.
            drop(thread.join());
        }
    }
}

fn closed() -> StoreError {
    StoreError::Broken("the ledger is closed; restart the daemon".to_string())
}
