//! The log book: output of jobs, in order, bounded.

use async_trait::async_trait;
use headcount_model::{JobId, Timestamp};

use crate::StoreError;

/// Keeps output. Called by the gateway (writes) and by the API (reads).
#[async_trait]
pub trait LogBook: Send + Sync {
    /// Stores chunks durably. Idempotent: a chunk whose number is known for its attempt is
    /// dropped. Beyond `limit_bytes` per attempt nothing more is stored, and the reader is
    /// told so; chunks that come then count as stored. Returns the highest number stored
    /// without a gap from 1, 0 when there is none.
    ///
    /// # Errors
    /// Nothing is known to be stored; the agent keeps it and sends it again.
    async fn append(
        &self,
        job: JobId,
        attempt: u32,
        limit_bytes: u64,
        chunks: Vec<LogChunk>,
    ) -> Result<u64, StoreError>;

    /// Chunks of an attempt after number `after`, at most about `max_bytes` (at least one
    /// chunk if there is any). `None` for the attempt means the latest that has output.
    /// Chunks behind a gap are not shown before the gap is filled.
    ///
    /// # Errors
    /// The book cannot be read.
    async fn read(
        &self,
        job: JobId,
        attempt: Option<u32>,
        after: u64,
        max_bytes: usize,
    ) -> Result<LogPage, StoreError>;
}

/// Some output, as one piece.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogChunk {
    /// Counts up from 1 over both streams of an attempt.
    pub number: u64,
    /// When the agent read it.
    pub at: Timestamp,
    /// Where it came from.
    pub stream: Stream,
    /// As it came; not necessarily UTF-8, not necessarily whole lines.
    pub bytes: Vec<u8>,
}

/// Where output came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// A remark of the agent or the daemon: lines dropped, limit reached.
    Note,
}

/// Some chunks of one attempt.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LogPage {
    /// Which attempt, when there is any output.
    pub attempt: Option<u32>,
    /// In order of number.
    pub chunks: Vec<LogChunk>,
    /// Whether output beyond the limit was not stored.
    pub truncated: bool,
}
