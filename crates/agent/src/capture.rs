//! Reads a job's two pipes into its outbox.
//!
//! Promise: bytes are taken in the order they are found, each read stamped with its time;
//! with no room in the outbox the pipes are not read, so that the job itself waits.
//! Leaves to others: when to give up on a pipe that somebody keeps open (`run`).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use headcount_api::agent::Stream;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::Notify;

use crate::outbox::{CHUNK_BYTES, Outbox};

/// An outbox that a run fills and the agent's loop empties.
pub(crate) struct SharedOutbox {
    outbox: Mutex<Outbox>,
    /// Wakes the reader of the pipes: there may be room.
    room: Notify,
    /// Wakes the agent's loop: there may be something to send.
    work: Arc<Notify>,
    /// The job ended: what its pipes still hold is taken whether there is room or not,
    /// because nothing can follow it.
    lifted: AtomicBool,
}

impl SharedOutbox {
    pub(crate) fn new(outbox: Outbox, work: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            outbox: Mutex::new(outbox),
            room: Notify::new(),
            work,
            lifted: AtomicBool::new(false),
        })
    }

    /// The outbox, for a moment.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Output up to `through` is stored.
    pub(crate) fn stored(&self, through: u64) {
        self.lock().stored(through);
        self.room.notify_one();
    }

    /// The job ended.
    pub(crate) fn lift(&self) {
        self.lifted.store(true, Ordering::Release);
        self.room.notify_one();
    }

    /// Nothing more is read.
    pub(crate) fn close(&self) {
        self.lock().close(now_ms());
        self.work.notify_one();
    }

    async fn wait_for_room(&self) {
        while !self.lifted.load(Ordering::Acquire) && !self.lock().has_room() {
            self.room.notified().await;
        }
    }

    fn push(&self, stream: Stream, bytes: &[u8]) {
        self.lock().push(stream, bytes, now_ms());
        self.work.notify_one();
    }
}

/// The reading ends of a job's pipes.
pub(crate) struct Pipes {
    out: Option<pipe::Receiver>,
    err: Option<pipe::Receiver>,
}

impl Pipes {
    pub(crate) fn new(stdout: OwnedFd, stderr: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            out: Some(pipe::Receiver::from_owned_fd(stdout)?),
            err: Some(pipe::Receiver::from_owned_fd(stderr)?),
        })
    }

    /// Reads both pipes to their ends. Safe to cancel: what was read is in the outbox.
    pub(crate) async fn drain_into(&mut self, outbox: &SharedOutbox) {
        let mut from_out = vec![0; CHUNK_BYTES];
        let mut from_err = vec![0; CHUNK_BYTES];
        while self.out.is_some() || self.err.is_some() {
            outbox.wait_for_room().await;
            tokio::select! {
                read = read(self.out.as_mut(), &mut from_out) => {
                    keep(&mut self.out, read, Stream::Out, &from_out, outbox);
                }
                read = read(self.err.as_mut(), &mut from_err) => {
                    keep(&mut self.err, read, Stream::Err, &from_err, outbox);
                }
            }
        }
    }
}

/// Bytes read, 0 at the end; never returns for a pipe that is at its end already.
async fn read(pipe: Option<&mut pipe::Receiver>, buffer: &mut [u8]) -> usize {
    match pipe {
        // A pipe that cannot be read is as good as at its end.
        Some(pipe) => pipe.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

fn keep(
    pipe: &mut Option<pipe::Receiver>,
    read: usize,
    stream: Stream,
    buffer: &[u8],
    outbox: &SharedOutbox,
) {
    if read == 0 {
        *pipe = None;
    } else {
        outbox.push(stream, &buffer[..read]);
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
